"""The example for Node, against a gateway behind a real socket."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.local_process import KEY, ROOT, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = Path(__file__).parent / "node" / "node_modules"


@pytest.fixture
def local_mode(tmp_path: Path) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path / "home") as running:
        yield running


def test_openais_node_client(local_mode: LocalProcess, tmp_path: Path) -> None:
    # Node looks for packages beside the script.
    (tmp_path / "node_modules").symlink_to(MODULES)
    script = shutil.copy(ROOT / "examples" / "openai_node.mjs", tmp_path)
    done = subprocess.run(  # noqa: S603 - our own example
        ["node", str(script)],  # noqa: S607 - of the PATH
        env={
            "PATH": os.environ["PATH"],
            "VECTORGATE_BASE_URL": f"{local_mode.url}/v1",
            "VECTORGATE_API_KEY": KEY,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tides.md: The tides obey the moon." in done.stdout
