"""The engine is restarted after it ended, also when the first attempt fails."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest

from local.engine_process import EngineProcess
from tests.harnesses.local_process import ROOT
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS: Final = 60.0


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[EngineProcess]:
    """A real one."""
    paths = os.pathsep.join([str(ROOT / "layers" / "core" / "python"), str(ROOT)])
    running = EngineProcess(tmp_path / "upstream", {"PATH": os.environ["PATH"], "PYTHONPATH": paths})
    yield running
    running.stop()


def answers(address: tuple[Any, ...]) -> bool:
    """Whether a process listens there."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def test_a_restart_that_fails_is_tried_again(
    upstream: EngineProcess, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.engine_process.RESTART_SECONDS", 1.0)  # long enough to put the folder back in between
    parts = urlsplit(upstream.base_url)
    address = (str(parts.hostname), int(parts.port or 0))
    home = upstream._home
    moved = home.rename(home.with_name("elsewhere"))
    home.write_text("no folder")  # where no engine can start
    upstream._process.kill()
    within(SECONDS, lambda: "it will be started again" in caplog.text)
    home.unlink()
    moved.rename(home)
    within(SECONDS, lambda: answers(address))
