"""How long each report takes in local mode over a year of records.

`RECORDS=1000000 make bench` seeds a million; `HOME_OF_YEAR` names the folder of a year that `local.demo_year` wrote.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from local.demo_year.year import Year
from tests.factories.secrets import MASTER_KEY
from tests.fakes.provider_documents import FakeDocuments
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.admin.app import AdminApp
from vectorgate.admin.deps import AdminDeps
from vectorgate.api.http import Request
from vectorgate.bootstrap import price_book, system_clock, system_random
from vectorgate.clock import Random
from vectorgate.ids import ProviderName
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.sqlite import open_stores
from vectorgate.providers.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.persistence.stores import Stores

RECORDS: Final = 20_000
REPEATED: Final = 3
OPENAI: Final = ProviderName("openai")


def report() -> list[str]:
    """The lines of the section."""
    with TemporaryDirectory() as folder:
        given = os.environ.get("HOME_OF_YEAR")
        stores = open_stores(str(Path(given or folder) / "ledger.db"))
        number = None if given else seeded(stores, int(os.environ.get("RECORDS", RECORDS)))
        app = app_of(stores)
        lines = [f"{number} records of a year" if number else f"the year in {given}"]
        lines += [_line(app, path, query) for path, query in requests(system_clock().unix_s())]
        stores.close()
    return lines


def seeded(stores: Stores, records: int) -> int:
    """Write a year of about so many records; how many."""
    year = Year(
        stores=stores,
        book=price_book(None),
        provider=OPENAI,
        randomness=Random(random.Random(1).getrandbits),  # noqa: S311 - the same year each time
        now=system_clock().unix_s(),
        calls=records,
    )
    return [*year.written()][-1]


def app_of(stores: Stores) -> AdminApp:
    """The admin app on these stores."""
    deps = AdminDeps(stores, system_clock(), system_random(), price_book(None), FakeDocuments(), OPENAI)
    return AdminApp(master_key=Secret(MASTER_KEY), deps=deps, telemetry=RecordingTelemetry())


def requests(now: int) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each report as a dashboard asks for it: of the year, or of as many days as its page has."""
    today = datetime.fromtimestamp(now, UTC).date()
    year = {"start_date": (today - timedelta(days=364)).isoformat(), "end_date": today.isoformat()}
    for path, days, groups in (
        ("costs", 180, "line_item"),
        ("costs", 180, "project_id,api_key_id"),
        ("usage/vector_stores", 31, "project_id"),
        ("usage/file_search_calls", 31, "api_key_id,vector_store_id"),
        ("usage/completions", 31, "model,api_key_id"),
    ):
        window = {"start_time": str(now - days * DAY_S), "limit": str(days), "group_by": groups}
        yield f"/v1/organization/{path}", window
    for entity in ("team", "user", "tag", "customer"):
        yield f"/{entity}/daily/activity", {**year, "page_size": "1000"}
        yield f"/{entity}/daily/activity/export", year
    for path in ("/global/activity", "/global/latency", "/global/storage"):
        yield path, year
    yield "/admin/searches", {"days": "365"}
    yield "/global/spend/report", {**year, "group_by": "api_key"}
    yield "/spend/logs", {**year, "summarize": "true"}
    yield "/spend/logs/v2", {**year, "page_size": "100"}
    for path in ("/global/spend/forecast", "/spend/tags", "/spend/keys", "/spend/users", "/team/list", "/spend/logs"):
        yield path, {}


def _line(app: AdminApp, path: str, query: Mapping[str, str]) -> str:
    taken, used, size = [], [], 0
    for _ in range(REPEATED):
        began, worked = time.perf_counter(), time.process_time()
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        answer = app.handle(Request(method="GET", path=path, query=query, headers=headers))
        size = len(answer.read_body())
        taken.append((time.perf_counter() - began) * 1_000)
        used.append((time.process_time() - worked) * 1_000)
        if answer.status != 200:
            raise ValueError(f"{path}: {answer.status}")
    figures = f"{statistics.median(taken):5.0f} ms, of a processor {min(used):5.0f} ms"
    return f"{path + ':':40}{figures}, {size / 1_024:5.0f} KiB"
