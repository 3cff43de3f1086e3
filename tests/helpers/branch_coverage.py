"""A plugin of pytest that measures which lines and branches of the package the tests execute: `-p` and this module.

SlipCover puts its marks into the package's bytecode, so that only the package pays for being measured. On Python 3.11
to 3.13, pytest-cov has to trace every line of every library for branches: it takes 40 s of processor time for the 16 s
of tests/contract/test_ledger.py, this 18 s. What runs in further processes (local mode, deployed code) is not seen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
import slipcover
from slipcover.importer import FileMatcher, ImportManager

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    Measured: TypeAlias = dict[str, Any]

PACKAGE: Final = Path(__file__).parents[2] / "layers/core/python/vectorgate"
EXECUTED: Final = "executed"
LEAST: Final = 10  # so many of the files with the most lines that no test executes are named

# A plugin is imported before any module of the package is.
MARKS: Final = slipcover.Slipcover(branch=True, immediate=True, source=[str(PACKAGE)])
ImportManager(MARKS, FileMatcher(sources=[PACKAGE])).__enter__()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands on what its tests have executed, lines and branches as pairs of lines, and what there is."""
    if hasattr(session.config, "workeroutput"):
        found = MARKS.newly_seen, MARKS.code_lines, MARKS.code_branches
        session.config.workeroutput[EXECUTED] = [
            {file: list(items) for file, items in each.copy().items()} for each in found
        ]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The session counts what a worker's tests have executed. One that crashed has handed on nothing."""
    found = getattr(node, "workeroutput", {}).get(EXECUTED, ())
    for total, part in zip((MARKS.all_seen, MARKS.code_lines, MARKS.code_branches), found, strict=False):
        for file, items in part.items():
            total[file].update(items)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print the share of lines and of branches, and where most are missing."""
    if not config.option.collectonly:
        measured = MARKS.get_coverage()
        terminalreporter.section(f"coverage of {PACKAGE.name}")
        terminalreporter.write_line(summary(measured))
        for line in least_covered(measured):
            terminalreporter.write_line(line)


def summary(measured: Measured) -> str:
    """One line: `lines 95.1 % (9000 of 9464), branches 93.0 % (2000 of 2150)`."""
    found = measured["summary"]
    shares = ((kind, found[f"covered_{kind}"], found[f"missing_{kind}"]) for kind in ("lines", "branches"))
    return ", ".join(
        f"{kind} {100 * covered / max(1, covered + missing):.1f} % ({covered} of {covered + missing})"
        for kind, covered, missing in shares
    )


def least_covered(measured: Measured) -> list[str]:
    """The files with the most lines and branches that no test executes."""
    missing = {
        name: (len(file["missing_lines"]), len(file.get("missing_branches", ())))
        for name, file in measured["files"].items()
    }
    worst = sorted(missing, key=lambda name: (-sum(missing[name]), name))[:LEAST]
    return [f"{missing[name][0]:5} lines, {missing[name][1]:4} branches of {_short(name)}" for name in worst]


def _short(name: str) -> str:
    return Path(name).resolve().relative_to(PACKAGE).as_posix()
