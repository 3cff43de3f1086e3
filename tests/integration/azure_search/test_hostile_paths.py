"""Row 3 of docs/security.md: a path is exactly one of the templates, or no provider is asked and no credential read."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.factories.hostile_paths import METHODS, PATHS, TOKENS, hostile
from tests.fakes.azure import SEARCH_KEY, VERSION
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.azure import READ, REAL, SEARCH, VIRTUAL, WRITE, AzureGatewayHarness
from tests.harnesses.gateway import RANDOMNESS
from vectorgate.api.errors import ApiError
from vectorgate.api.http import Body, Request
from vectorgate.api.operations import OPERATIONS
from vectorgate.api.router import PREFIXES
from vectorgate.azure_search.operations import INDEX_OPERATIONS
from vectorgate.bootstrap import build_gateway
from vectorgate.entrypoints.lambda_http import path_of
from vectorgate.ids import ProviderName
from vectorgate.persistence.stores import Deps
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.http.outcome import Replied
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from vectorgate.clock import Clock
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.base import UpstreamRequest

HANDLED_SHARE = 10  # of the paths that are not routed, every tenth is handled; of the others, every one
KEY = "sk-hostile"
SETTINGS = Settings(table="-", secrets={ProviderName("openai"): "openai", SEARCH: str(SEARCH)})
LEGAL_KEY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=")


@dataclass
class RecordingTransport:
    """A `Transport` that answers every request with success, and keeps the requests."""

    asked: list[UpstreamRequest] = field(default_factory=list)

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Replied:
        """Return an empty success."""
        del seconds
        self.asked.append(request)
        content = b"1" if "/$count" in request.url else b'{"value":[]}'
        return Replied(UpstreamResponse(status=200, headers={}, body=Body.of(content)))


class DiscardingLedger:
    """A ledger that keeps nothing: these tests are of what leaves the process."""

    def begin(self, *_: object, **__: object) -> None:
        """Keep nothing."""

    def advance(self, *_: object, **__: object) -> None:
        """Keep nothing."""


class SocketlessGateway:
    """A gateway that records what it would send, and keeps no ledger."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self.transport, self.telemetry, self.secret_source = RecordingTransport(), RecordingTelemetry(), self._secrets()
        self.stores, self.clock = replace(stores, ledger=DiscardingLedger()), clock  # type: ignore[arg-type]
        self.reset()

    @staticmethod
    def _secrets() -> FakeSecretSource:
        texts: dict[str, str] = {"openai": "https://api.openai.com/v1", str(SEARCH): "https://svc.search.windows.net"}
        return FakeSecretSource(
            texts={name: json.dumps({"base_url": url, "api_key": SEARCH_KEY}) for name, url in texts.items()}
        )

    def reset(self) -> None:
        """Build the gateway again, without a credential in its cache, and forget what was recorded."""
        self.secret_source.names_read.clear()
        self.transport.asked.clear()
        self.gateway = build_gateway(
            SETTINGS,
            Deps(
                stores=self.stores,
                credentials=Credentials(self.secret_source, SETTINGS.secrets, self.clock),
                transport=self.transport,
                telemetry=self.telemetry,
                clock=self.clock,
                randomness=RANDOMNESS,
            ),
        )

    def routes(self, method: str, path: str) -> bool:
        """Whether the path is routed to an operation: of no other path can anything be sent."""
        try:
            self.gateway.surface(path).route(method, path)
        except ApiError:
            return False
        return True

    def ask(self, method: str, path: str) -> int:
        """Handle a request, and return the status of the answer."""
        headers = {"api-key": KEY, "content-type": "application/json"}
        body = Body.of(b"{}" if method == "POST" else b'{"name":"%s"}' % VIRTUAL.encode())
        query = {"api-version": VERSION} if path.startswith("/azure_ai") else {}
        return self.gateway.handle(Request(method=method, path=path, query=query, headers=headers, body=body)).status


@pytest.fixture
def socketless(harness: AzureGatewayHarness) -> SocketlessGateway:
    harness.index()
    harness.key(KEY, indexes={VIRTUAL: frozenset({READ, WRITE}), "other": frozenset({WRITE})})
    return SocketlessGateway(harness.stores, harness.time.clock())


def in_local_mode(path: str) -> str:
    """Return what local mode's server makes of a request line's path."""
    return path_of(path)


def behind_api_gateway(path: str) -> str:
    """Return what an HTTP API makes of it: a `rawPath` in which everything is decoded, slashes too, except `%25`."""
    return unquote(path.replace("%25", "%2525"))


def means(method: str, path: str) -> set[str]:
    """Return the paths at the service that a path means, found in the table by comparing texts, without a pattern."""
    if any(mark in path for mark in "%\\\0;"):
        return set()
    plain = path.removeprefix("/azure_ai").removesuffix("/")
    found = set()
    for row in INDEX_OPERATIONS:
        for spelling in row.path_variants if row.method == method else ():
            before, _, after = spelling.replace("{index}", VIRTUAL).partition("{key}")
            key = plain[len(before) : len(plain) - len(after)] if "{key}" in spelling else ""
            if plain == before + key + after and set(key) <= LEGAL_KEY and bool(key) == ("{key}" in spelling):
                found.add(row.path.format(index=REAL, key=key))
    return found


def test_hostile_paths_are_a_template_or_nothing(socketless: SocketlessGateway) -> None:
    seen = Counter[str]()
    rng = random.Random(20261122)  # noqa: S311 - the same paths at every run
    for number, sent in zip(range(PATHS), hostile(rng), strict=False):
        path = rng.choice((in_local_mode, behind_api_gateway))(sent)
        method = rng.choice(METHODS[:5]) if rng.random() < 0.9 else rng.choice(METHODS)
        expected = means(method, path)
        if not expected and number % HANDLED_SHARE and not socketless.routes(method, path):
            seen["nothing"] += 1
            continue
        status = socketless.ask(method, path)
        if not expected:
            assert not socketless.transport.asked, (method, path)
            assert not socketless.secret_source.readings, (method, path)
            assert status in {400, 404}, (status, method, path)
            seen["nothing"] += 1
            continue
        if socketless.transport.asked:
            (asked,) = socketless.transport.asked
            url = urlsplit(asked.url)
            assert (url.scheme, url.netloc) == ("https", "svc.search.windows.net")
            assert {url.path} == expected, (method, path)
            assert url.query == f"api-version={VERSION}"
            seen["template"] += 1
        socketless.reset()
    assert not socketless.telemetry.errors
    assert seen["nothing"] > PATHS / 2
    assert seen["template"] > PATHS / 50  # enough of the paths are valid


@pytest.mark.parametrize(
    "path",
    [
        f"/azure_ai/indexes/{VIRTUAL}/../{REAL}/docs",
        f"/azure_ai/indexes/{VIRTUAL}%2f..%2f{REAL}/docs",
        f"/azure_ai/indexes/{VIRTUAL}/%2e%2e/{REAL}",
        f"/azure_ai/indexes('{VIRTUAL}')('{REAL}')/docs",
        f"/azure_ai/indexes('{VIRTUAL}'')/docs",
        "/azure_ai/indexes(%27%27)/docs",
        f'/azure_ai/indexes("{VIRTUAL}")/docs',
        f"/azure_ai/indexes('{VIRTUAL}')/docs('1')('2')",
        f"/azure_ai/indexes('{VIRTUAL}')/docs('1' or '1' eq '1')",
        f"/azure_ai/indexes('{VIRTUAL}')/docs('1'')",
        f"/azure_ai/indexes('{VIRTUAL}')/docs('1%2527')",
        f"/azure_ai/indexes('{VIRTUAL}')/docs;a=b",
        f"/azure_ai/indexes('{VIRTUAL}')/docs//",
        f"/azure_ai//indexes('{VIRTUAL}')/docs",
        f"/azure_ai/indexes('{VIRTUAL}%00')/docs",
        f"/azure_ai/indexes('{VIRTUAL}\n')/docs",
        f"/azure_ai/indexes('{VIRTUAL}')/docs%5c..",
        f"/azure_ai/indexes('{VIRTUAL}')/search.analyze",
        f"/azure_ai/indexes/{REAL}/docs",
        f"/azure_ai/indexes('{VIRTUAL}')\\docs",
        "/azure_ai/servicestats",
        "/azure_ai/datasources",
        "/azure_ai/indexes/$metadata",
        "/azure_ai",
        "/azure_ai/",
        "/azure_ai/v1/vector_stores",
        "/azure_aix/indexes",
        "/v1/azure_ai/indexes",
        "/openai/azure_ai/indexes",
    ],
)
def test_a_path_that_is_no_template_is_absent(socketless: SocketlessGateway, path: str) -> None:
    for method, said in product(("GET", "POST", "PUT", "DELETE"), (path, in_local_mode(path))):
        assert socketless.ask(method, said) == 404
    assert not socketless.transport.asked
    assert not socketless.secret_source.readings


@pytest.mark.parametrize("prefix", [*PREFIXES, ""])
def test_hostile_ids_on_azures_own_prefixes(socketless: SocketlessGateway, prefix: str) -> None:
    """OpenAI's surface under the prefixes of Azure's clients: a path is a template, or no provider is asked."""
    rng = random.Random(7)  # noqa: S311 - the same paths at every run
    named = [operation for operation in OPERATIONS if operation.parameters]
    for _ in range(500):
        operation, piece = rng.choice(named), f"vs_1{rng.choice(TOKENS)}"
        path = prefix + re.sub(r"\{\w+\}", lambda _match, piece=piece: piece, operation.path)  # type: ignore[misc]
        for said in (path, in_local_mode(path), behind_api_gateway(path)):
            # 403: what could be the name of a model is one that the key may not use.
            statuses = {400, 403, 404} if operation.name == "models.retrieve" else {400, 404, 405}
            assert socketless.ask(operation.method, said) in statuses, path
    assert not socketless.transport.asked
    assert not socketless.secret_source.readings


@pytest.mark.parametrize("field", ["host", "x-forwarded-host", "x-original-url", "x-rewrite-url", "forwarded"])
def test_no_header_says_where_to(socketless: SocketlessGateway, field: str) -> None:
    headers = {"api-key": KEY, field: "evil.example"}
    query = {"api-version": VERSION}
    socketless.gateway.handle(Request(method="GET", path=f"/azure_ai/indexes/{VIRTUAL}", headers=headers, query=query))
    (asked,) = socketless.transport.asked
    assert urlsplit(asked.url).netloc == "svc.search.windows.net"
    assert "evil" not in str(asked.headers)
