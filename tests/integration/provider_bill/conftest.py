"""A gateway whose provider reports, by its own truth, what it stored, searched and charged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.fakes.openai_reports import ADMIN_KEY, DAY, FakeReports
from vectorgate.api.http import Body, Request
from vectorgate.bootstrap import SEARCH_PROVIDER, build_meter
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.documents import ReaderDocuments
from vectorgate.settings import OPENAI_ADMIN

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

MODEL = "gpt-5-mini"


@dataclass
class Account:
    """The provider's account behind a gateway, and its meter with an admin key. Time passes by `wait`."""

    harness: GatewayHarness
    red: OpenAI
    project_ids: str | None = None

    def __post_init__(self) -> None:
        harness = self.harness
        self.reports = FakeReports(harness.openai, harness.time.wall)
        harness.openai.reports = self.reports
        secret = f'{{"type": "{OPENAI_ADMIN}", "base_url": "{harness.upstream.url}", "api_key": "{ADMIN_KEY}"'
        projects = f', "project_ids": "{self.project_ids}"' if self.project_ids else ""
        harness.secret_source.texts["bill"] = f"{secret}{projects}}}"
        self.settings = replace(harness.settings, bill_secret="bill")
        credentials = Credentials(
            harness.secret_source, self.settings.credential_names, harness.deps.clock, plain_http=True
        )
        self.deps = replace(harness.deps, credentials=credentials)
        self.meter = build_meter(self.settings, self.deps)
        self._passed = self.now

    @property
    def now(self) -> int:
        """The time in whole seconds."""
        return self.harness.deps.clock.unix_s()

    @property
    def today(self) -> int:
        """The UTC day, since 1970."""
        return self.now // DAY

    def wait(self, seconds: float) -> None:
        """Let time pass at the provider, and the meter tick in the end. What it settles is settled."""
        self.harness.time.skip(seconds)
        self.reports.pass_time(self._passed, self.now)
        self._passed = self.now
        self.meter.tick()
        self.harness.settle()

    def until_tomorrow(self, seconds: int = 60) -> None:
        """Wait until so many seconds after the next midnight."""
        self.wait((self.today + 1) * DAY + seconds - self.now)

    def store(self, size: int) -> str:
        """A store of red's of that size."""
        name = self.red.vector_stores.create(name="a store").id
        self.harness.openai.stores[name]["usage_bytes"] = size
        return name

    def ask(self, store: str) -> None:
        """One response that searches."""
        tool: Any = {"type": "file_search", "vector_store_ids": [store]}
        self.red.responses.create(model=MODEL, input="?", tools=[tool])
        self.reports.count_answers(self.now)

    def reconcile(self, **query: str) -> tuple[int, Any]:
        """The status and the document of `GET /spend/reconcile`."""
        import json  # noqa: PLC0415

        reads = ReaderDocuments(
            self.meter.reconciler.reader,
            without=SEARCH_PROVIDER,
            bills=self.meter.bill.document if self.meter.bill is not None else None,
        )
        app = replace(self.harness.app, deps=replace(self.harness.app.deps, provider=reads))
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        request = Request(method="GET", path="/spend/reconcile", headers=headers, query=query, body=Body.of(b""))
        response = app.handle(request)
        return response.status, json.loads(response.read_body())


@pytest.fixture
def account(harness: GatewayHarness, connect: Connect) -> Account:
    """An account with red's key."""
    return Account(harness, connect(harness.key("sk-red", team="red", models=("*",))))
