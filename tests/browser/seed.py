"""What the dashboard shows in its tests: a year of a gateway, stores made past it, and names that look like HTML."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.browser.history import STORES, write_history
from tests.harnesses.engine_process import EngineProcess

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MASTER_KEY: Final = "sk-1234"
REFUSED: Final = "without-a-store.md"  # a file in the watched folder that is a dead letter
UNOWNED: Final = ("made-elsewhere", "made-by-hand")
HOSTILE: Final = "<img src=x onerror=alert(1)>"


def called(url: str, method: str, path: str, body: object = None, key: str = MASTER_KEY) -> Any:
    """One call's document, also of an error."""
    content = json.dumps(body).encode() if body is not None else None
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        with urlopen(Request(url + path, content, headers, method=method), timeout=20) as answer:
            return json.load(answer)
    except HTTPError as error:
        return json.load(error)


def seed_history(home: Path) -> None:
    """A data folder with a year behind it, whose upstream has two stores more than the gateway knows."""
    (home / "ingest" / "demo").mkdir(parents=True)
    (home / "ingest" / "demo" / REFUSED).write_text("of no store")
    engine = EngineProcess(home / "upstream").start()
    client = engine.client()
    file = client.files.create(
        file=("handbook.md", b"# Refunds\n\nA refund takes five days.\n" * 400), purpose="assistants"
    )
    ids = {name: client.vector_stores.create(name=name, file_ids=[file.id]).id for name in STORES}
    for name in UNOWNED:
        client.vector_stores.create(name=name)
    client.close()
    engine.kill()
    _used_last(home, ids)
    write_history(home, ids)


def _used_last(home: Path, ids: Mapping[str, str]) -> None:
    """Date the last use of the stores back, at the upstream, from which the meter reads it."""
    with closing(sqlite3.connect(home / "upstream" / "catalogue.db")) as connection, connection:
        for name, (_, _, idle) in STORES.items():
            used = int(time.time()) - idle * 86_400
            connection.execute("UPDATE stores SET last_active_at = ? WHERE id = ?", (used, ids[name]))


def seed_calls(url: str) -> None:
    """A team, its key and its store with a name that looks like HTML; an end user; keys for more than a page."""
    called(url, "POST", "/team/new", {"team_id": HOSTILE, "max_budget": 1})
    key = called(url, "POST", "/key/generate", {"team_id": HOSTILE, "key_alias": f"{HOSTILE} app"})["key"]
    store = called(url, "POST", "/v1/vector_stores", {"name": HOSTILE}, key)
    called(url, "POST", f"/v1/vector_stores/{store['id']}/search", {"query": "refunds"}, key)
    called(url, "POST", "/key/generate", {"team_id": "support", "key_alias": "support app", "max_budget": 20})
    for number in range(40):
        called(url, "POST", "/key/generate", {"team_id": "growth", "key_alias": f"batch-{number:02}"})
    called(url, "POST", "/customer/new", {"user_id": "ann@example.com", "max_budget": 5})
