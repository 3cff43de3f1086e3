"""`python -m tools.smoke STACK`: run the checks, remove what they made; 0 unless one of them fails.

A check of what the stack does not have is skipped.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from openai import AuthenticationError, NotFoundError

from tools.smoke import alarms, calls, deployed, front_door, ingest
from tools.smoke.calls import EXPECTED, Made
from tools.smoke.restore import a_copy_of_the_table_is_restored
from tools.smoke.rights import roles_have_their_rights_and_no_others
from tools.smoke.target import Target, forget
from vectorgate.client.authorizers import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SKIPPED: Final = "skipped: "
# In this order: what AWS says of the stack, then calls, of which each stands on what those before it have made.
ALL: Final[tuple[Callable[[Target, Made], str], ...]] = (
    deployed.the_table_is_kept,
    deployed.functions_are_as_released,
    deployed.queues_keep_what_fails,
    deployed.streams_and_queues_reach_their_functions,
    deployed.schedules_and_rules_are_on,
    deployed.buckets_are_private,
    deployed.logs_end,
    alarms.alarms_are_as_released,
    alarms.the_dashboard_is_there,
    front_door.the_front_door_is_limited,
    front_door.calls_without_what_the_authorizer_asks_for_are_refused,
    front_door.pages_of_named_origins_alone_may_call,
    front_door.the_second_url_is_there,
    roles_have_their_rights_and_no_others,
    alarms.alarms_are_set_off,
    front_door.administrators_routes_lead_to_the_admin_function,
    *calls.CALLS,
    ingest.an_object_is_ingested,
    ingest.an_event_is_answered,
    ingest.an_unknown_sender_is_set_aside,
    ingest.exports_are_delivered,
    calls.a_deleted_store_and_key_open_nothing,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the stack that the arguments name."""
    parser = argparse.ArgumentParser(prog="make smoke", description="Try a deployed stack.")
    parser.add_argument("stack")
    parser.add_argument("--region")
    parser.add_argument("--endpoint", help="of an emulated AWS")
    parser.add_argument("--first", action="store_true", help="end at the first check that fails")
    parser.add_argument(
        "--only", action="append", choices=[check.__name__ for check in ALL], help="of the checks, those"
    )
    parser.add_argument("--restore", action="store_true", help="restore a copy of the table, too, and delete it")
    parser.add_argument("--token", default=os.environ.get(TOKEN), help=f"of a stack with Authorizer=JWT (or {TOKEN})")
    parser.add_argument("--patience", type=float, default=1.0, help="times the seconds that checks wait")
    given = parser.parse_args(arguments)
    run = f"smoke-{secrets.token_hex(4)}"
    target = Target(given.stack, given.region, given.endpoint, run, given.patience, token=given.token)
    chosen = [check for check in ALL if given.only is None or check.__name__ in given.only]
    chosen += [a_copy_of_the_table_is_restored] if given.restore else []
    began = time.monotonic()
    forget()  # what an earlier run of the same process has read
    try:
        ends = _run(target, chosen, until_one_fails=given.first)
    finally:  # of a run that is interrupted, too: it has disabled the alarms' actions
        left = _undone(target)
        forget()
        sys.stdout.writelines(left)
    seconds = time.monotonic() - began
    print(f"{ends['ok']} of {len(chosen)}, {ends['skip']} skipped, in {seconds:.0f} s")  # noqa: T201
    return 0 if ends["ok"] + ends["skip"] == len(chosen) and not left else 1


def _run(target: Target, checks: Sequence[Callable[[Target, Made], str]], *, until_one_fails: bool) -> Counter[str]:
    """Run the checks; how many ended in which way."""
    made, ends = Made(), Counter[str]()
    for check in checks:
        end = _end(check, target, made)
        ends[end] += 1
        if until_one_fails and end == "FAIL":
            break
    return ends


def _end(check: Callable[[Target, Made], str], target: Target, made: Made) -> str:
    """Run one check and print its line. A check that needs what an earlier one did not make is not proven either."""
    name = check.__name__.replace("_", " ")
    try:
        said = check(target, made)
    except (*EXPECTED, AttributeError, LookupError, ValueError, BotoCoreError, ClientError, OSError) as error:
        end, said = "FAIL", f"{type(error).__name__}: {str(error)[:300]}"
    else:
        end = "skip" if said.startswith(SKIPPED) else "ok"
    print(f"{end:<4}  {name}: {said.removeprefix(SKIPPED)}", flush=True)  # noqa: T201 - the report
    return end


def _undone(target: Target) -> list[str]:
    """Remove what the checks made, the latest first; lines that say what is left."""
    left = []
    for undo in reversed(target.undo):
        try:
            undo()
        except (NotFoundError, AuthenticationError):
            pass  # the last check has removed it, and with it the key
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be removed
            left.append(f"left behind: {type(error).__name__}: {str(error)[:200]}\n")
    return left


if __name__ == "__main__":
    sys.exit(main())
