"""Local mode's demo files: there with the embedded engine, as it describes them; absent with any other provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.app import LocalMode
from local.demo import DEMO_FILES
from local.options import Options
from tests.factories.secrets import secret_text
from tests.fakes.openai import FakeOpenAI
from tests.fakes.upstream import FaultyUpstream
from vectorgate.api.errors import UpstreamRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-1234"


@pytest.fixture
def provider() -> FakeOpenAI:
    """One that has the demo files, as the embedded engine does."""
    openai = FakeOpenAI()
    for name in DEMO_FILES:
        file = {"id": name, "object": "file", "bytes": 1459, "filename": f"{name}.md", "purpose": "assistants"}
        openai.files[name] = {**file, "created_at": openai.created_at, "status": "processed"}
    return openai


@pytest.fixture
def start(provider: FakeOpenAI, tmp_path: Path) -> Iterator[Callable[[bool], LocalMode]]:
    """Start local mode on one folder, in this process; the one before ends."""
    running: list[LocalMode] = []

    def started(demo: bool) -> LocalMode:  # noqa: FBT001 - the one thing that differs
        while running:
            running.pop().close()
        secret = secret_text(upstream.url)
        running.append(LocalMode(Options(database=tmp_path / "ledger.db", secret=secret, master_key=KEY)))
        if demo:
            running[0].give_demo_files()
        return running[0]

    with FaultyUpstream(provider.act) as upstream:
        yield started
        for mode in running:
            mode.close()


def ask(mode: LocalMode, method: str, path: str) -> Any:
    event = {
        "rawPath": path,
        "headers": {"authorization": f"Bearer {KEY}"},
        "requestContext": {"http": {"method": method}},
    }
    return json.loads(str(mode.api(event, None)["body"]))


def listed(mode: LocalMode) -> list[Any]:
    """The files that the local key may list."""
    files: list[Any] = ask(mode, "GET", "/v1/files")["data"]
    return files


def test_they_are_listed_as_they_are_retrieved(start: Callable[[bool], LocalMode]) -> None:
    mode = start(True)
    files = {file["id"]: file for file in listed(mode)}
    assert files == {name: ask(mode, "GET", f"/v1/files/{name}") for name in DEMO_FILES}
    assert {file["bytes"] for file in files.values()} == {1459}


def test_with_a_provider_of_ones_own_there_are_none(start: Callable[[bool], LocalMode]) -> None:
    assert listed(start(False)) == []


def test_they_come_with_the_embedded_upstream_whenever_that_is_first_used(start: Callable[[bool], LocalMode]) -> None:
    start(False)
    assert {file["id"] for file in listed(start(True))} == set(DEMO_FILES)
    assert {file["id"] for file in listed(start(True))} == set(DEMO_FILES)


def test_one_that_was_deleted_stays_deleted(start: Callable[[bool], LocalMode]) -> None:
    assert ask(start(True), "DELETE", f"/v1/files/{DEMO_FILES[0]}")["deleted"] is True
    assert [file["id"] for file in listed(start(True))] == [DEMO_FILES[1]]


def test_a_provider_without_them_is_no_embedded_upstream(
    start: Callable[[bool], LocalMode], provider: FakeOpenAI
) -> None:
    provider.files.clear()
    with pytest.raises(UpstreamRefused):
        start(True)
