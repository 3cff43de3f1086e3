"""`python -m tools.smoke STACK`: run the checks, remove what they made; 0 if everything was proven, 1 if not."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from openai import AuthenticationError, NotFoundError

from tools.smoke.checks import CHECKS, EXPECTED, Made
from tools.smoke.rights import roles_have_their_rights_and_no_others
from tools.smoke.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALL: Final = (*CHECKS[:-1], roles_have_their_rights_and_no_others, CHECKS[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the stack that the arguments name."""
    parser = argparse.ArgumentParser(prog="make smoke", description="Try a deployed stack.")
    parser.add_argument("stack")
    parser.add_argument("--region")
    parser.add_argument("--endpoint", help="of an emulated AWS")
    given = parser.parse_args(arguments)
    target = Target(given.stack, given.region, given.endpoint, run=f"smoke-{secrets.token_hex(4)}")
    began, made = time.monotonic(), Made()
    failed = [check.__name__ for check in ALL if not _proven(check, target, made)]
    left = _undone(target)
    print(f"{len(ALL) - len(failed)} of {len(ALL)} in {time.monotonic() - began:.0f} s" + "".join(left))  # noqa: T201
    return 1 if failed or left else 0


def _proven(check: Callable[[Target, Made], str], target: Target, made: Made) -> bool:
    """Run one check and print its line. A check that needs what an earlier one did not make is not proven either."""
    name = check.__name__.replace("_", " ")
    try:
        print(f"ok    {name}: {check(target, made)}", flush=True)  # noqa: T201 - the report
    except (*EXPECTED, AttributeError, BotoCoreError, ClientError, OSError) as error:
        print(f"FAIL  {name}: {type(error).__name__}: {str(error)[:300]}", flush=True)  # noqa: T201 - the same
        return False
    return True


def _undone(target: Target) -> list[str]:
    """Remove what the checks made, the latest first; lines that say what is left."""
    left = []
    for undo in reversed(target.undo):
        try:
            undo()
        except (NotFoundError, AuthenticationError):
            pass  # the last check has removed it, and with it the key
        except (*EXPECTED, BotoCoreError, ClientError, OSError) as error:
            left.append(f"\nleft behind: {type(error).__name__}: {str(error)[:200]}")
    return left


if __name__ == "__main__":
    sys.exit(main())
