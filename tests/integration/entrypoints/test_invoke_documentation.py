"""The samples of docs/invoke.md as printed, without any configuration of AWS; the port alone is the test's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.local_process import ROOT, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "invoke.md").read_text("utf-8")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a local mode in which the sample's idempotency key is unused."""
    with LocalProcess(tmp_path_factory.mktemp("fresh") / "home") as local_mode:
        yield local_mode.url


def sample(language: str, number: int = 0) -> str:
    """Return the page's code in a language."""
    return str(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number])


def pasted(commands: str, url: str, home: Path) -> str:
    """Run commands in a shell without settings, in which `python` is this interpreter; return what they print."""
    home.mkdir()
    (home / "python").symlink_to(sys.executable)
    (home / "create.py").write_text(sample("python"))
    environment = {
        "PATH": f"{home}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core/python"), *sys.path]),
        "NO_PROXY": "*",
    }
    done = subprocess.run(  # noqa: S603 - the page's own code
        ["/bin/sh", "-e", "-c", commands.replace("http://127.0.0.1:4000", url)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_boto3_creates_a_store(fresh: str, tmp_path: Path) -> None:
    printed = pasted(sample("bash") + "python create.py", fresh, tmp_path / "home")
    assert re.fullmatch(r"200 0(\.0+)? vs_\w+\n", printed), printed


def test_the_sdk_creates_a_store(fresh: str, tmp_path: Path) -> None:
    printed = pasted(sample("bash") + sample("bash", 1), fresh, tmp_path / "home")
    assert re.match(r"VectorStore\(id='vs_\w+'", printed), printed
