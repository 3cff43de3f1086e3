"""The dashboard in a real Chromium, against local mode in a process of its own. `make browser` runs these tests.

CHROMIUM names another browser than /usr/bin/chromium. Where playwright is not installed, nothing is collected.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.harnesses.local_process import LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.dashboard import Dashboard

if find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]

CHROMIUM: Final = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PICTURES: Final = Path(os.environ.get("PICTURES", ".cache/pictures"))
# fmt: off
FLAGS: Final = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
# fmt: on


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """Local mode with a history: a process of its own, whose meter ticks each second."""
    from tests.browser.seed import seed_calls, seed_history  # noqa: PLC0415 - only where these tests run

    home = tmp_path_factory.mktemp("dashboard") / "home"
    seed_history(home)
    with LocalProcess(home, VECTORGATE_METER_SECONDS="1") as process:
        seed_calls(process.url)
        yield process


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where these tests run

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def dashboard(gateway: LocalProcess, chromium: Any) -> Iterator[Dashboard]:
    """A new tab without a key. At its end nothing went wrong in it, and nothing was asked of another host."""
    from tests.browser.dashboard import Dashboard  # noqa: PLC0415 - only where these tests run

    with Dashboard(chromium, gateway.url, PICTURES) as tab:
        yield tab
