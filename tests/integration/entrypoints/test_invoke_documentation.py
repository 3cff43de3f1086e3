"""Samples of README.md, docs/quickstart.md and docs/invoke.md as printed, on a machine without AWS settings.

Only the port is the test's own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.local_process import LocalProcess
from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INVOKE = (ROOT / "docs" / "invoke.md").read_text("utf-8")
QUICKSTART = (ROOT / "docs" / "quickstart.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
# What differs from one store to the next.
OF_THE_MOMENT = {"id": "", "created_at": 0, "last_active_at": 0}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """Local mode with data of its own, so that the sample's idempotency key is new."""
    with LocalProcess(tmp_path_factory.mktemp("fresh") / "home") as running:
        yield running


def sample(page: str, language: str, number: int = 0) -> str:
    """Return a page's code in a language."""
    return str(re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[number])


def pasted(commands: str, process: LocalProcess, home: Path, program: str = "") -> str:
    """Return what commands print in a shell without the user's settings; `program` is beside them as a file."""
    url, data = process.url, process.home
    home.mkdir()
    (home / "python").symlink_to(sys.executable)
    (home / "program.py").write_text(program.replace("http://127.0.0.1:4000", url))
    environment = {
        "PATH": f"{home}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core/python"), *sys.path]),
        "NO_PROXY": "*",
    }
    done = subprocess.run(  # noqa: S603 - the page's own code
        ["/bin/sh", "-e", "-c", commands.replace("http://127.0.0.1:4000", url).replace(".vectorgate/", f"{data}/")],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_curl
def test_the_readme_shows_what_local_mode_prints(fresh: LocalProcess, tmp_path: Path) -> None:
    shown_lines = sample(README, "text").strip().splitlines()
    lines = fresh.printed.replace(fresh.url, "http://127.0.0.1:4000").splitlines()
    assert lines[: len(shown_lines)] == shown_lines
    printed: dict[str, Any] = json.loads(pasted(sample(README, "bash", 1), fresh, tmp_path / "home"))
    shown: dict[str, Any] = json.loads(sample(README, "json"))
    assert printed | OF_THE_MOMENT == shown | OF_THE_MOMENT


def test_the_quickstart_finds_what_it_shows(fresh: LocalProcess, tmp_path: Path) -> None:
    printed = pasted("python program.py", fresh, tmp_path / "home", sample(QUICKSTART, "python"))
    names = [line.split()[0] for line in printed.splitlines()]
    assert names == [line.split()[0] for line in sample(QUICKSTART, "text").splitlines()]


def test_the_quickstarts_question_is_answered_as_it_shows(fresh: LocalProcess, tmp_path: Path) -> None:
    program = sample(QUICKSTART, "python") + sample(QUICKSTART, "python", 1)
    printed = pasted("python program.py", fresh, tmp_path / "home", program)
    assert printed.endswith(sample(QUICKSTART, "text", 1))


@needs_curl
def test_the_quickstarts_second_team_sees_neither_the_store_nor_the_demo_files(
    fresh: LocalProcess, tmp_path: Path
) -> None:
    key = json.loads(pasted(sample(QUICKSTART, "bash", 1), fresh, tmp_path / "home"))["key"]
    shown = json.loads(sample(QUICKSTART, "text", 2))["error"]["message"]
    name = shown.split("'")[1]
    asked = f"curl -s http://127.0.0.1:4000/v1/vector_stores/{name} -H 'Authorization: Bearer {key}'"
    assert json.loads(pasted(asked, fresh, tmp_path / "asked"))["error"]["message"] == shown
    with_demo_files = sample(README, "bash", 1).replace("sk-1234", key)
    refused = json.loads(pasted(with_demo_files, fresh, tmp_path / "refused"))["error"]
    assert (refused["param"], "file-abc123" in refused["message"]) == ("file_ids", True)


@needs_curl
def test_the_quickstart_shows_fields_of_the_log(fresh: LocalProcess, tmp_path: Path) -> None:
    pasted(sample(README, "bash", 1), fresh, tmp_path / "made")
    (row,) = json.loads(pasted(sample(QUICKSTART, "bash", 2), fresh, tmp_path / "home"))
    shown = json.loads(sample(QUICKSTART, "json"))
    assert shown.keys() <= row.keys()
    stable = ("call_type", "key_alias", "status", "spend_nano_usd")
    assert {name: row[name] for name in stable} == {name: shown[name] for name in stable}


def test_boto3_creates_a_store(fresh: LocalProcess, tmp_path: Path) -> None:
    commands = sample(INVOKE, "bash") + "python program.py"
    printed = pasted(commands, fresh, tmp_path / "home", sample(INVOKE, "python"))
    assert re.fullmatch(r"200 0(\.0+)? vs_\w+\n", printed), printed


@needs_curl
def test_curl_signs_an_invocation(fresh: LocalProcess, tmp_path: Path) -> None:
    printed = json.loads(pasted(sample(INVOKE, "bash", 2), fresh, tmp_path / "home"))
    assert (printed["status"], printed["body"]["object"]) == (200, "list")


def test_no_two_samples_share_an_idempotency_key() -> None:
    files = (path for folder in ("docs", "events", "examples") for path in (ROOT / folder).iterdir() if path.is_file())
    texts = "\n".join(path.read_text("utf-8") for path in files)
    keys = re.findall(r"idempotency[-_]key[\"']?[:=] ?[\"']([\w-]+)", texts, re.IGNORECASE)
    assert len(keys) > 1
    assert sorted(keys) == sorted(set(keys))


def test_the_sdk_creates_a_store(fresh: LocalProcess, tmp_path: Path) -> None:
    printed = pasted(sample(INVOKE, "bash") + sample(INVOKE, "bash", 1), fresh, tmp_path / "home")
    assert re.match(r"VectorStore\(id='vs_\w+'", printed), printed
