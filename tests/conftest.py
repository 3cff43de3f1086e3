"""The distribution of tests among workers: by file, so that a module is set up once, and the stack's tests as one.

pytest-xdist's own `--dist loadgroup` does not work: it names a group by assigning `item._nodeid`, which pytest 9.2 does
not read, so that every worker deployed a stack of its own.
"""

from __future__ import annotations

import gc
from functools import cache
from typing import TYPE_CHECKING, Final

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

from tests.helpers import quick_tls

if TYPE_CHECKING:
    from xdist.remote import Producer

# No test fails because the machine was busy. Hypothesis's own hundred examples a property are for `make thorough`,
# which names their profile; a property that finds its faults late says how many it needs.
settings.register_profile("exhaustive", settings(), deadline=None)
settings.register_profile("quick", settings(), deadline=None, max_examples=20)
settings.load_profile("quick")

E2E: Final = "tests/e2e/"
# Those of ingestion wait as long as all others there: for them a stack of their own is deployed beside the first.
APART: Final = frozenset({"tests/e2e/test_build.py", "tests/e2e/test_ingest.py"})
# The longest start first, so that the workers end together.
LONGEST: Final = (
    E2E,
    "tests/simulation/",
    "tests/contract/",
    "tests/integration/ingest/",
    "tests/integration/engine/test_extract.py",
    "tests/integration/local/",
    "tests/integration/admin/",
)

SELDOM: Final = 10_000  # objects between two collections of garbage, which were a twentieth of the time


def pytest_configure() -> None:
    """Collect garbage seldom."""
    gc.set_threshold(SELDOM)


def share_of(nodeid: str) -> str:
    """Return what one worker runs: a file, or all that shares the deployed stack."""
    file = nodeid.partition("::")[0]
    return E2E if file.startswith(E2E) and file not in APART else file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest to the front. The others keep their random order."""
    items.sort(key=lambda item: next((at for at, place in enumerate(LONGEST) if item.nodeid.startswith(place)), 99))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Distribute by share, whatever `--dist` says."""
    config.option.loadscopereorder = False
    return ByShare(config, log)


class ByShare(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hand out one share after the other, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def pytest_collection_finish() -> None:
    """Exclude what exists by now from garbage collection, and read models and authorities once for all clients."""
    gc.freeze()
    quick_tls.quicken()
    botocore.session.create_loader = cache(create_loader)
