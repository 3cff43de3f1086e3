"""How the tests are shared out among workers: by file, so that what a module sets up is set up once, and one stack.

pytest-xdist's own `--dist loadgroup` cannot: it names a group by assigning `item._nodeid`, which pytest 9.2 no longer
reads, so every worker deployed a stack of its own.
"""

from __future__ import annotations

import gc
from functools import cache
from typing import TYPE_CHECKING, Final

import botocore.session
import pytest
from botocore.loaders import create_loader
from xdist.scheduler.loadscope import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

E2E: Final = "tests/e2e/"
WITHOUT_STACK: Final = "tests/e2e/test_build.py"
# What takes longest starts first, so that the workers end together.
LONGEST: Final = (
    E2E,
    "tests/simulation/test_simulation.py",
    "tests/contract/",
    "tests/integration/engine/test_extract.py",
    "tests/integration/local/",
    "tests/integration/admin/",
)


def share_of(nodeid: str) -> str:
    """What is one worker's: a file, or all that needs the deployed stack."""
    file = nodeid.partition("::")[0]
    return E2E if file.startswith(E2E) and file != WITHOUT_STACK else file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest first. The others stay in the order that chance gave them."""
    items.sort(key=lambda item: next((at for at, place in enumerate(LONGEST) if item.nodeid.startswith(place)), 99))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Whatever `--dist` says."""
    config.option.loadscopereorder = False
    return ByShare(config, log)


class ByShare(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out one share after the other, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end, and each test's AWS clients the reading of AWS's models."""
    gc.freeze()
    botocore.session.create_loader = cache(create_loader)
