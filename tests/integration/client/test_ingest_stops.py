"""`vectorgate ingest` when the gateway becomes unavailable, refuses, or was never there."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import FaultyUpstream, answer, hang, hang_up, refusal
from vectorgate.client.ingest.cli import main

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.upstream import Act, Received

FILES = 40
BEFORE = 10  # uploads that succeed
STORE = store_document("vs_1", name="Handbook")
PAGE = {"object": "list", "data": [STORE], "has_more": False, "first_id": "vs_1", "last_id": "vs_1"}


class Gateway:
    """Stores and uploads by a table, until it becomes unavailable. Batches stay in progress until it `indexes`."""

    def __init__(self, then: Act) -> None:
        self.uploads = 0
        self.unavailable = False
        self.indexes = False
        self.then = then
        self.server = FaultyUpstream(self.act)

    def act(self, connection: socket.socket, received: Received) -> bool:
        upload = received.path == "/v1/files" and received.method == "POST"
        self.uploads += upload
        self.unavailable = self.unavailable or self.uploads > BEFORE
        return self.then(connection, received) if self.unavailable else self._answer(received)(connection, received)

    def _answer(self, received: Received) -> Act:
        if received.path.startswith("/v1/files"):
            return answer(200, {"id": f"file-{self.uploads}", "object": "file"})
        if "file_batches" in received.path:
            counts = {"in_progress": 7, "completed": 3, "total": 10}
            if self.indexes:
                total = len(json.loads(received.body)["files"])
                counts = {"in_progress": 0, "completed": total, "total": total}
            return answer(200, {"id": "vsfb_1", "file_counts": counts}, {"openai-poll-after-ms": "20"})
        return answer(200, PAGE if received.path.startswith("/v1/vector_stores?") else STORE)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    root.mkdir()
    for number in range(FILES):
        (root / f"{number:02}.md").write_text(f"Chapter {number}")
    return root


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Act], Gateway]]:
    started: list[Gateway] = []

    def start(then: Act) -> Gateway:
        started.append(Gateway(then))
        monkeypatch.setenv("VECTORGATE_BASE_URL", started[-1].server.url)
        monkeypatch.setenv("VECTORGATE_API_KEY", "sk-1")
        return started[-1]

    yield start
    for each in started:
        each.server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become hundredths, so that the test need not wait for them."""
    for name, seconds in {"QUIET": 0.3, "LOOK": 0.3, "BETWEEN": 0.01}.items():
        monkeypatch.setattr(f"vectorgate.client.ingest.watch.{name}", seconds)


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (hang_up, "Connection error"),
        (hang, "timed out"),
        (refusal(503), "upstream says 503"),
        (refusal(401), "upstream says 401"),
        (refusal(403), "upstream says 403"),
        (refusal(429, "insufficient_quota"), "upstream says 429"),
    ],
    ids=["gone", "hanging", "behind a proxy", "key revoked", "key blocked", "budget used up"],
)
@pytest.mark.usefixtures("impatient")
def test_a_run_whose_gateway_goes_away_stops_and_says_where_what_is_done_and_how_to_go_on(
    docs: Path,
    gateway: Callable[[Act], Gateway],
    then: Act,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = gateway(then)
    started = time.monotonic()
    assert main([str(docs), "--store", "Handbook", "--concurrency", "4"]) == 1
    assert time.monotonic() - started < 10
    said = capsys.readouterr()
    assert f"stopped: {there.server.url}: " in said.err
    assert reason in said.err
    assert "run the same command again to continue" in said.err
    assert f"uploaded {BEFORE}/{FILES} files" in said.err
    assert f"uploaded   {BEFORE} files" in said.out
    counts = {name: int(count) for name, count in re.findall(r"^(to do|failed) +(\d+) files", said.out, re.MULTILINE)}
    assert counts["to do"] + counts["failed"] == FILES
    assert there.server.calls < 3 * FILES

    there.unavailable, there.uploads, there.indexes = False, -FILES, True
    assert main([str(docs), "--store", "Handbook"]) == 0
    said = capsys.readouterr()
    assert f"uploaded   {FILES - BEFORE} files" in said.out
    assert f"attached   {FILES} files" in said.out


@pytest.mark.usefixtures("impatient")
def test_a_gateway_that_goes_away_while_files_are_indexed_is_noticed(
    docs: Path, gateway: Callable[[Act], Gateway], capsys: pytest.CaptureFixture[str]
) -> None:
    there = gateway(hang_up)
    looked = 0

    def act(connection: socket.socket, received: Received) -> bool:
        nonlocal looked
        looked += "file_batches/" in received.path
        there.uploads, there.unavailable = 0, looked > 5
        return Gateway.act(there, connection, received)

    there.server.always(act)
    assert main([str(docs), "--store", "Handbook"]) == 1
    said = capsys.readouterr()
    assert f"uploaded {FILES}/{FILES} files" in said.err
    assert f"indexed 3/{FILES}" in said.err
    assert "stopped: " in said.err
    assert "attached   0 files" in said.out


def test_a_failed_upload_of_a_gateway_that_is_there_fails_its_file_alone(
    docs: Path, gateway: Callable[[Act], Gateway], capsys: pytest.CaptureFixture[str]
) -> None:
    there = gateway(hang_up)

    def act(connection: socket.socket, received: Received) -> bool:
        there.uploads, there.indexes = 0, True
        if b"Chapter 7" in received.body:
            return refusal(400)(connection, received)
        return Gateway.act(there, connection, received)

    there.server.always(act)
    assert main([str(docs), "--store", "Handbook"]) == 1
    said = capsys.readouterr()
    assert "  07.md: upstream says 400" in said.out
    assert f"attached   {FILES - 1} files" in said.out
    assert f"uploaded {FILES - 1}/{FILES} files" in said.err
    assert f"indexed {FILES - 1}/{FILES}, 1 failed" in said.err
    assert "to do" not in said.out


@pytest.mark.parametrize("refused", [refusal(401), refusal(403)])
def test_a_key_that_is_refused_at_the_start_is_status_2(
    docs: Path, gateway: Callable[[Act], Gateway], refused: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    there = gateway(hang_up)
    there.server.always(refused)
    assert main([str(docs), "--store", "Handbook"]) == 2
    assert f"{there.server.url}: upstream says" in capsys.readouterr().err


def test_no_answer_at_the_start_is_status_2_within_seconds(
    docs: Path, gateway: Callable[[Act], Gateway], capsys: pytest.CaptureFixture[str]
) -> None:
    there = gateway(hang_up)
    there.server.close()
    started = time.monotonic()
    assert main([str(docs), "--store", "Handbook"]) == 2
    assert time.monotonic() - started < 5
    assert f"{there.server.url}: Connection error" in capsys.readouterr().err


def test_without_a_gateway_nothing_is_uploaded_to_a_provider_unless_asked_for(
    docs: Path, gateway: Callable[[Act], Gateway], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider = gateway(hang_up)
    monkeypatch.delenv("VECTORGATE_BASE_URL")
    monkeypatch.setenv("OPENAI_BASE_URL", provider.server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    assert main([str(docs), "--store", "Handbook"]) == 2
    said = capsys.readouterr().err
    assert "VECTORGATE_BASE_URL" in said
    assert "--direct" in said
    assert provider.server.url in said
    assert provider.server.calls == 0
    assert main([str(docs), "--store", "Handbook", "--direct", "--dry-run"]) == 0
    assert f"to the provider itself at {provider.server.url}" in capsys.readouterr().err
    monkeypatch.setenv("VECTORGATE_BASE_URL", "http://127.0.0.1:9")
    assert main([str(docs), "--store", "Handbook", "--direct"]) == 2
    assert "leave out --direct" in capsys.readouterr().err
