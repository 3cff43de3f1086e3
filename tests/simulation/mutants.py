"""`python -m tests.simulation.mutants [name ...]`: plant each fault of `mutants.toml`, and see if a test notices.

Each mutant is a copy of the package with one text replaced. Against it run, until one fails: three seeds of the
simulation, every crash point of a create, the contract suite on SQLite, with that of reservations on DynamoDB, and the
tests of what is concluded from a provider's answers.
Exit 1 unless all but ALLOWED are killed.
Without names, the unchanged package runs first: a suite that fails for it kills no mutant.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ROOT / "layers" / "core" / "python"
LISTED: Final = Path(__file__).with_suffix(".toml")
ALLOWED: Final = 2  # of them may survive
PROCESSES: Final = 2
TOO_LONG: Final = 480.0  # seconds: a mutant that hangs is killed, too
_PYTEST: Final = ("-m", "pytest", "-q", "-x", "-n0", "-p", "no:randomly", "-p", "no:cacheprovider", "-o")
CRASHES: Final = (
    "tests/simulation/test_crash_points.py",
    "tests/simulation/test_between_writes.py",
    "tests/simulation/test_open_rows.py",
)
CONCLUSIONS: Final = ("tests/integration/ledger/test_at_once.py", "tests/integration/responses/test_seen.py")
SUITES: Final = {
    "simulation": ("-m", "tests.simulation", "OPERATIONS=6000", "SEED=6", "PROCESSES=1"),
    "crash points": (*_PYTEST, "pythonpath={packages} .", *CRASHES),
    "contract": (*_PYTEST, "pythonpath={packages} .", "tests/contract", "-k", "sqlite or test_holds"),
    "conclusions": (*_PYTEST, "pythonpath={packages} .", *CONCLUSIONS),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`find`, which stands once in `file` (below the package), becomes `replace`."""

    name: str
    file: str
    find: str
    replace: str
    why: str

    def planted_in(self, text: str) -> str:
        """Return the text with the fault. ValueError unless `find` stands in it exactly once."""
        if text.count(self.find) != 1 or self.find == self.replace:
            raise ValueError(f"mutant {self.name}: stands {text.count(self.find)} times in {self.file}")
        return text.replace(self.find, self.replace)


SOUND: Final = Mutant("sound", "", "", "", "nothing is changed")


def listed() -> list[Mutant]:
    """Return the mutants of the file, in order."""
    entries = tomllib.loads(LISTED.read_text("utf-8"))["mutants"]
    return [Mutant(**entry) for entry in entries]


def killer_of(mutant: Mutant) -> str | None:
    """Return the first suite that fails for a mutant, or None if it survives."""
    with tempfile.TemporaryDirectory() as folder:
        packages = Path(folder)
        shutil.copytree(PACKAGES / "vectorgate", packages / "vectorgate", ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not SOUND:
            path = packages / "vectorgate" / mutant.file
            path.write_text(mutant.planted_in(path.read_text("utf-8")), "utf-8")
        return next((name for name in SUITES if not _passes(name, packages)), None)


def _passes(suite: str, packages: Path) -> bool:
    arguments = [argument.replace("{packages}", str(packages)) for argument in SUITES[suite]]
    environment = {**os.environ, "PYTHONPATH": f"{packages}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, timeout=TOO_LONG, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    """Run every mutant, print which survive, and return 1 if more than ALLOWED do."""
    began, names = time.monotonic(), set(sys.argv[1:])
    if not names and (failing := killer_of(SOUND)) is not None:
        sys.stderr.write(f"the sound package fails: {failing}\n")
        return 1
    chosen = [mutant for mutant in listed() if not names or mutant.name in names]
    survivors = 0
    with ThreadPoolExecutor(PROCESSES) as pool:
        for mutant, killer in zip(chosen, pool.map(killer_of, chosen), strict=True):
            survivors += killer is None
            sys.stdout.write(f"{'survived' if killer is None else 'killed  '} {mutant.name}: {killer or mutant.why}\n")
            sys.stdout.flush()
    killed, seconds = len(chosen) - survivors, time.monotonic() - began
    sys.stdout.write(f"mutants={len(chosen)} killed={killed} survived={survivors} seconds={seconds:.0f}\n")
    return 1 if survivors > ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main())
