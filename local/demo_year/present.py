"""What the teams have now: stores of the embedded engine, made through the gateway as clients make them.

The last use of some is dated back in the upstream's catalogue, which no call can do: idle stores that still cost.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from local.app import LocalMode
from local.demo_year.people import TEAMS
from local.engine_process import EngineProcess
from local.options import Options
from local.provider_settings import openai_secret
from local.server.app import App, Handlers
from local.server.listening import listen
from local.settings import PUBLISHED_KEY, ROOT
from vectorgate.client.admin import Admin
from vectorgate.client.client import Client
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Texts that every clone has, by the store that gets them.
TEXTS: Final = {"Handbook": ("README.md", "CONTRIBUTING.md"), "Operations": ("docs/runbook.md", "docs/deploy.md")}
# Days since the last use of each team's archive.
IDLE_STORE: Final = "Archive"
IDLE_TEXTS: Final = ("CHANGELOG.md",)
IDLE_DAYS: Final = {"search": 12, "support": 61, "growth": 143, "legal": 280}
_USED_LAST: Final = """
    UPDATE stores SET created_at = created_at - :seconds, last_active_at = last_active_at - :seconds
    WHERE name = :name
"""
QUESTION: Final = "How is the gateway deployed?"


def make_present(home: Path) -> int:
    """Give every team its stores, and search each once; how many stores. CannotStart, APIError, OSError."""
    with _served(home) as url:
        admin = Admin(Client(base_url=url, api_key=PUBLISHED_KEY))
        for team in TEAMS:
            secret = admin.keys.create(team_id=team, key_alias=f"{team} now", duration="1d").key
            _make_stores(Client(base_url=url, api_key=secret), team)
    with closing(sqlite3.connect(home / "upstream" / "catalogue.db")) as catalogue, catalogue:
        for team, days in IDLE_DAYS.items():
            catalogue.execute(_USED_LAST, {"seconds": days * DAY_S, "name": f"{IDLE_STORE} of {team}"})
    return len(TEAMS) * (len(TEXTS) + 1)


def _make_stores(client: Client, team: str) -> None:
    for name, texts in {**TEXTS, IDLE_STORE: IDLE_TEXTS}.items():
        store = client.vector_stores.create(name=f"{name} of {team}")
        for text in texts:
            file = client.files.create(file=(text.rpartition("/")[2], (ROOT / text).read_bytes()), purpose="assistants")
            client.vector_stores.files.create_and_poll(vector_store_id=store.id, file_id=file.id)
        client.vector_stores.search(store.id, query=QUESTION)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """The gateway on a free port of this machine, with the embedded engine, for as long as the block lasts."""
    upstream = EngineProcess(home / "upstream", os.environ)
    try:
        secret = openai_secret(upstream.base_url, upstream.api_key)
        local = LocalMode(Options(database=home / "ledger.db", secret=secret, master_key=PUBLISHED_KEY))
        try:
            serve, port = listen(App(Handlers(api=local.api, admin=local.admin)), "127.0.0.1", 0, drain_seconds=0)
            threading.Thread(target=serve, name="demo-server", daemon=True).start()
            yield f"http://127.0.0.1:{port}"
        finally:
            local.close()
    finally:
        upstream.stop()
