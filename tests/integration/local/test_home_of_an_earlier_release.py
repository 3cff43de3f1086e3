"""A home that release 0.1 left behind is opened as it is: its keys, owners, records, prices, stores and indexes.

`tests/fixtures/home_0_1` holds its databases as SQL text: one client created a store by an idempotency key, attached a
demo file to it in a batch, put a file into the watched folder, and announced an upload.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from httpx2 import Client

from local.app import LocalMode
from local.options import Options
from tests.fakes.clock import EPOCH, FakeClock
from tests.harnesses.local_process import KEY, ROOT, LocalProcess
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from pathlib import Path

FIXTURE: Final = ROOT / "tests/fixtures/home_0_1"
DEMO_FILES: Final = ROOT / "engine/demo_files"
KEPT: Final = "vs_aaa17ad22d26507beeccad94691ff031"
TERMS: Final = "vs_48e631ef871b45ec6a9a835c32387586"
FILES: Final = {
    "file-3m7XeqzWM6Ap2NUV7nub9Y5h": b"# Bees\n\nBees make honey.",
    "file-8HvHhVQ6qogmLXoyUL3KOtU0": b"Refunds take thirty days.",
    "file-abc123": (DEMO_FILES / "returns-and-refunds.md").read_bytes(),
    "file-def456": (DEMO_FILES / "shipping-guide.md").read_bytes(),
}
WATCHED: Final = "ingest/demo/Terms/refunds.md"
SECONDS: Final = 20
LATER: Final = 1_795_919_500  # a minute after it was used: its idempotency records are still valid


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder as it was left."""
    home = tmp_path / "home"
    upstream = home / "upstream"
    (upstream / "indexes").mkdir(parents=True)
    (upstream / "files").mkdir()
    restore("ledger.sql", home / "ledger.db")
    restore("catalogue.sql", upstream / "catalogue.db")
    restore("index.sql", upstream / "indexes" / f"{KEPT}.db")
    for file_id, content in FILES.items():
        (upstream / "files" / file_id).write_bytes(content)
    watched = home / WATCHED
    watched.parent.mkdir(parents=True)
    watched.write_bytes(FILES["file-8HvHhVQ6qogmLXoyUL3KOtU0"])
    # A copy is a new version, whose scan deletes the uploaded file. A file with a time to come is still being written.
    os.utime(watched, (time.time() + 3600,) * 2)
    return home


def restore(dump: str, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript((FIXTURE / dump).read_text("utf-8"))


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """The ledger's records, as they were written."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((FIXTURE / "ledger.sql").read_text("utf-8"))
        return [json.loads(record) for (record,) in connection.execute("SELECT record FROM operations")]


def test_its_stores_are_listed_searched_and_changed(home: Path, rows: list[dict[str, Any]]) -> None:
    with (
        LocalProcess(home) as process,
        Client(base_url=process.url, headers={"authorization": f"Bearer {KEY}"}, timeout=SECONDS) as http,
    ):
        store = http.get(f"/v1/vector_stores/{KEPT}").json()
        assert (store["name"], store["metadata"], store["status"]) == ("kept", {"k": "v"}, "completed")
        assert (store["file_counts"]["completed"], store["usage_bytes"]) == (2, 1048 + 2483)
        assert [hit["filename"] for hit in search(http, KEPT, "honey")] == ["bees.md", "returns-and-refunds.md"]
        assert http.post("/v1/vector_stores", json={"file_ids": [*FILES]}).json()["file_counts"]["total"] == len(FILES)
        assert {file["id"] for file in http.get("/v1/files").json()["data"]} >= {"file-abc123", "file-def456"}
        os.utime(home / WATCHED, (EPOCH, EPOCH))
        within(SECONDS, lambda: [hit["filename"] for hit in search(http, TERMS, "refunds")] == ["refunds.md"])
        logged = {row["request_id"]: row for row in http.get("/spend/logs?limit=500").json()}
        assert {row["id"] for row in rows} <= logged.keys()
        for row in rows:
            shown = logged[row["id"]]
            assert (shown["call_type"], shown["state"]) == (row["operation"], row["state"])
            assert (shown["spend_nano_usd"], shown["price_id"]) == (row["spend"], row["price_id"])


def search(http: Client, store: str, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.post(f"/v1/vector_stores/{store}/search", json={"query": query}).json()["data"]
    return found


def test_a_create_that_it_answered_is_answered_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of its own record: there is no provider."""
    fake = FakeClock()
    fake.skip(LATER - EPOCH)
    monkeypatch.setattr("local.app.system_clock", fake.clock)
    secret = json.dumps({"type": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "k"})
    local = LocalMode(Options(database=home / "ledger.db", secret=secret, master_key=KEY))
    body = {"name": "kept", "file_ids": ["file-3m7XeqzWM6Ap2NUV7nub9Y5h"], "metadata": {"k": "v"}}
    event = {
        "rawPath": "/v1/vector_stores",
        "headers": {
            "authorization": f"Bearer {KEY}",
            "content-type": "application/json",
            "idempotency-key": "old-home-1",
        },
        "requestContext": {"http": {"method": "POST"}},
        "body": json.dumps(body),
    }
    try:
        answer = local.api(event, None)
    finally:
        local.close()
    assert answer["statusCode"] == 200, answer["body"]
    assert json.loads(str(answer["body"]))["id"] == KEPT
