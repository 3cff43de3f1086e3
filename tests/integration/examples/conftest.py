"""Local mode as a process: what the examples' defaults name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harnesses.local_process import LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def local_mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path_factory.mktemp("examples") / "home") as running:
        yield running
