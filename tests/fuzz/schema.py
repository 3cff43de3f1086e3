"""`make fuzz`, its second half: schemathesis sends what openapi.json allows and forbids, to a gateway on loopback.

`python -m tests.fuzz.schema PROGRAM EXAMPLES`: as the administrator to an administrator's operations, and with a key to
all others. Status 1 if an answer was 5xx.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.gateway import GatewayHarness, GatewayServer

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final = ROOT / "openapi.json"
KEY: Final = "sk-fuzzing"
SEED: Final = "7"
TAG: Final = "administration"
# What is not configured here is 503, by its design: Azure's indexes.
WITHOUT: Final = "indexes"
LONGEST_SECONDS: Final = 3_600


def main(program: str, examples: str) -> int:
    """Run schemathesis twice against one gateway; the exit status."""
    server = GatewayServer()
    with GatewayHarness() as harness:
        server.harness = harness
        harness.key(KEY, team="red", models=("*",))
        clients = _run(program, server.url, KEY, examples, ["--exclude-tag", TAG, "--exclude-tag", WITHOUT])
        administrators = _run(program, server.url, MASTER_KEY, examples, ["--include-tag", TAG])
        defects = [error for error in harness.telemetry.errors if not isinstance(error, TimeoutError)]
    sys.stdout.write(f"defects={len(defects)} {[repr(error)[:200] for error in defects[:5]]}\n")
    return clients or administrators or (1 if defects else 0)


def _run(program: str, url: str, key: str, examples: str, chosen: Sequence[str]) -> int:
    command = [program, "run", str(SCHEMA), "--url", url, "--header", f"Authorization: Bearer {key}", *chosen]
    command += ["--checks", "not_a_server_error", "--max-examples", examples, "--seed", SEED, "--continue-on-failure"]
    command += ["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"]
    done = subprocess.run(  # noqa: S603 - our own command line
        command, cwd=ROOT / ".cache", capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    sys.stdout.write(said[-4_000:] if done.returncode == 0 else said[-20_000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
