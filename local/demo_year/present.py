"""What the teams have now: stores of the embedded upstream, made through the gateway as clients make them."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Texts that every clone has, by the store that gets them.
TEXTS: Final = {"Handbook": ("README.md", "CONTRIBUTING.md"), "Operations": ("docs/runbook.md", "docs/deploy.md")}
QUESTION: Final = "How is the gateway deployed?"


def make_present(home: Path) -> int:
    """Give every team its stores, and search each once; how many stores. CannotStart, APIError, OSError."""
    with _served(home) as url:
        admin = Admin(Client(base_url=url, api_key=PUBLISHED_KEY))
        for team in TEAMS:
            secret = admin.keys.create(team_id=team, key_alias=f"{team} now", duration="1d").key
            _make_stores(Client(base_url=url, api_key=secret), team)
    return len(TEAMS) * len(TEXTS)


def _make_stores(client: Client, team: str) -> None:
    for name, texts in TEXTS.items():
        store = client.vector_stores.create(name=f"{name} of {team}")
        for text in texts:
            file = client.files.create(file=(text.rpartition("/")[2], (ROOT / text).read_bytes()), purpose="assistants")
            client.vector_stores.files.create_and_poll(vector_store_id=store.id, file_id=file.id)
        client.vector_stores.search(store.id, query=QUESTION)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """The gateway on a free port of this machine, with the embedded upstream, for as long as the block lasts."""
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
