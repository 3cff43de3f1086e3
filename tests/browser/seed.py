"""What the dashboard shows in its tests: teams, keys, end users, stores, and calls that were made and refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.browser.dashboard import MASTER_KEY
from tests.harnesses.engine_process import EngineProcess

if TYPE_CHECKING:
    from pathlib import Path

UNOWNED: Final = ("made-elsewhere", "made-by-hand")
HOSTILE: Final = "<img src=x onerror=alert(1)>"
TEAMS: Final = {"search": 250, "support": 40, "growth": None, HOSTILE: 1}


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
    """A data folder whose upstream has two stores that were made past the gateway."""
    home.mkdir()
    engine = EngineProcess(home / "upstream").start()
    for name in UNOWNED:
        engine.client().vector_stores.create(name=name)
    engine.kill()


def seed_calls(url: str) -> None:
    """Teams with keys, stores that were searched, an end user, and a call that failed."""
    for team, budget in TEAMS.items():
        called(url, "POST", "/team/new", {"team_id": team, "max_budget": budget, "budget_duration": "30d"})
        key = called(url, "POST", "/key/generate", {"team_id": team, "key_alias": f"{team} app", "max_budget": 20})[
            "key"
        ]
        for name in ("Handbook", HOSTILE):
            store = called(url, "POST", "/v1/vector_stores", {"name": name}, key)
            called(url, "POST", f"/v1/vector_stores/{store['id']}/search", {"query": "refunds"}, key)
        called(url, "GET", "/v1/vector_stores/vs_unknown", None, key)
    for number in range(40):
        called(url, "POST", "/key/generate", {"team_id": "growth", "key_alias": f"batch-{number:02}"})
    called(url, "POST", "/customer/new", {"user_id": "ann@example.com", "max_budget": 5})
