"""`make smokemutants`, or `python -m tests.e2e.smoke_mutants [name ...]`: is a broken stack noticed by `make smoke`?

Deploys the template on the emulated AWS, where the smoke run proves everything. Then the stack is updated with each
fault of `broken_stacks.py`, and the check that has to notice it runs, with the calls before it. Exit 1 if more than one
in sixteen is not noticed.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.broken_stacks import BROKEN, apart
from tests.harnesses.aws_deployment import deploy, packaged, ready, stored, update
from tests.harnesses.aws_stack import REGION, ROOT, STACK, emulator, upstream
from tests.harnesses.emulator_gaps import complete
from tests.helpers.sam import read
from tools.smoke.__main__ import ALL, main
from tools.smoke.calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.broken_stacks import Broken
    from tests.harnesses.aws_stack import Emulator

PARAMETERS: Final = {
    "Authorizer": "NONE",
    "CorsOrigins": "https://app.example.com",
    "SettlementSeconds": "0",
    "StreamingUrl": "on",
}
PATIENCE: Final = 0.4  # of the seconds that AWS may need
ONE_IN: Final = 16  # may be missed
NAMES: Final = [check.__name__ for check in ALL]


def smoke(aws: Emulator, checks: list[str], patience: float = PATIENCE) -> tuple[int, str]:
    """Run those checks; the exit status and what was said."""
    only = [word for check in checks for word in ("--only", check)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = main([STACK, "--region", REGION, "--endpoint", aws.url, "--patience", str(patience), *only])
    return status, said.getvalue()


def chain(check: str) -> list[str]:
    """The check, after the calls on which it stands."""
    calls = [call.__name__ for call in CALLS]
    if check in calls:
        return calls[: calls.index(check) + 1]
    return [*(calls[:3] if NAMES.index(check) > NAMES.index(calls[0]) else []), check]


def put(aws: Emulator, template: dict[str, Any], parameters: Mapping[str, str]) -> None:
    """Put a template in the place of the stack's, with PARAMETERS but for those that are given."""
    made, given = ready(template), {**PARAMETERS, **parameters}
    update(aws, STACK, stored(aws, made), **given)
    complete(aws, STACK, made, given)


def failure(aws: Emulator, broken: Broken, sound: Mapping[str, Any]) -> str | None:
    """Return the line in which the check says what is broken, or None if it notices nothing."""
    if broken.parameters:
        put(aws, apart(sound), broken.parameters)
        status, said = smoke(aws, chain(broken.check), 1.0)
        assert status == 0, said
    put(aws, broken.planted_in(sound), broken.parameters)
    _, said = smoke(aws, chain(broken.check))
    put(aws, apart(sound), {})
    wanted = f"FAIL  {broken.check.replace('_', ' ')}"
    return next((line for line in said.splitlines() if line.startswith(wanted)), None)


def run(names: set[str]) -> int:
    """Try the sound stack, then every fault; the exit status."""
    chosen = [each for each in BROKEN if not names or each.name in names]
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder)) as aws, upstream(Path(folder)) as provider:
        deploy(aws, provider, **PARAMETERS)
        status, said = smoke(aws, NAMES, 1.0)
        sys.stdout.write(said)
        return status or _missed(aws, chosen)


def _missed(aws: Emulator, chosen: list[Broken]) -> int:
    began, missed = time.monotonic(), 0
    sound = packaged(aws, read(ROOT / "template.yaml"))
    for broken in chosen:
        line = failure(aws, broken, sound)
        missed += line is None
        sys.stdout.write(f"{'MISSED ' if line is None else 'noticed'} {broken.name}: {line or broken.check}\n")
        sys.stdout.flush()
    seconds = time.monotonic() - began
    sys.stdout.write(f"broken={len(chosen)} noticed={len(chosen) - missed} missed={missed} seconds={seconds:.0f}\n")
    return 1 if missed > len(chosen) // ONE_IN else 0


if __name__ == "__main__":
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    sys.exit(run(set(sys.argv[1:])))
