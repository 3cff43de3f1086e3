"""Row 3 of docs/security.md: a path is exactly one of the templates, or nothing is asked and no credential read."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from local.server import path_of
from tests.harnesses.azure import READ as READ_PERMISSION
from tests.harnesses.azure import REAL, SEARCH, SEARCH_KEY, VERSION, VIRTUAL, WRITE, AzureGate, Vaults
from tests.harnesses.gateway import CHANCE, RecordingTelemetry
from vectorgate.api.errors import ApiError
from vectorgate.api.http import Body, Request
from vectorgate.api.operations import OPERATIONS
from vectorgate.api.router import PREFIXES
from vectorgate.azure_search.operations import INDEX_OPERATIONS
from vectorgate.bootstrap import Deps, build_gateway
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.http.outcome import Replied
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.providers.base import UpstreamRequest

HOW_MANY = 100_000
REFUSED_ONES = 10  # of those that the door refuses, every tenth goes the whole way; of the others, every one
KEY = "sk-hostile"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "MERGE", "")
VALID = sorted({"/azure_ai" + spelling for row in INDEX_OPERATIONS for spelling in row.path_variants})
TOKENS = (
    *("..", ".", "/", "//", "/./", "/../", "/../servicestats", "/%2e%2e/", "%2e", "%2f", "%2F", "%252f", "%25252f"),
    *(
        "\\",
        "%5c",
        "%5C",
        "%255c",
        "\0",
        "%00",
        "%2500",
        ";",
        "%3b",
        ";a=b",
        ";jsessionid=1",
        "'",
        "%27",
        "%2527",
        "''",
    ),
    *("('a')", "('a')('b')", "('')", "(", ")", "%28", "%29", "('", "')", "'or'1'eq'1", "' or 1 eq 1", "')/docs('2"),
    *(
        "@evil.example",
        ":80",
        "?",
        "%3f",
        "?api-version=2019-05-06",
        "#",
        "%23",
        "%23frag",
        "$metadata",
        "$count",
        "$batch",
    ),
    *(
        "search.analyze",
        "indexers",
        "datasources",
        "servicestats",
        "aliases",
        "synonymmaps",
        "docs",
        "indexes",
        "stats",
    ),
    *(
        "\u2025",
        "\uff0e\uff0e",
        "\uff0f",
        "%c0%af",
        "%e0%80%af",
        "%ff",
        "%u002f",
        "%",
        "%2",
        "%zz",
        "\n",
        "%0d%0a",
        "%0a",
    ),
    *(
        " ",
        "%20",
        "+",
        "*",
        "~",
        "{index}",
        "{key}",
        REAL,
        "other",
        "x" * 200,
        "a" * 129,
        "K" * 1100,
        "-",
        "_",
        "=",
        "0",
    ),
    *(
        "http://evil.example",
        "//evil.example/",
        "..;/",
        "/..;/",
        "%2e%2e%2f",
        "..%c0%af",
        "%uff0e",
        "\u0131",
        "\u017f",
        "\u0130",
    ),
)
LEGAL_KEY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=")


@dataclass
class Recorder:
    """A transport that answers everything, and remembers what it was asked."""

    asked: list[UpstreamRequest] = field(default_factory=list)

    def send(self, request: UpstreamRequest, *, seconds: float) -> Replied:
        """An empty success."""
        del seconds
        self.asked.append(request)
        content = b"1" if "/$count" in request.url else b'{"value":[]}'
        return Replied(UpstreamResponse(status=200, headers={}, body=Body.of(content)))


class NoLedger:
    """Forgets: what is proven here is what leaves the process."""

    def begin(self, *_: object, **__: object) -> None:
        """Nothing."""

    def advance(self, *_: object, **__: object) -> None:
        """Nothing."""


class Walls:
    """A gateway without sockets."""

    def __init__(self, harness: AzureGate) -> None:
        self.transport, self.notes = Recorder(), RecordingTelemetry()
        host = "https://svc.search.windows.net"
        openai = f'{{"base_url":"https://api.openai.com/v1","api_key":"{SEARCH_KEY}"}}'
        self.vaults = Vaults({SEARCH: f'{{"base_url":"{host}","api_key":"{SEARCH_KEY}"}}', "openai": openai})
        stores = replace(harness.stores, ledger=NoLedger())  # type: ignore[arg-type]
        settings = Settings(table="-", secrets={name: name for name in ("openai", SEARCH)})  # type: ignore[misc]
        clock = harness.time.clock()
        self._parts: dict[str, Any] = {"stores": stores, "clock": clock, "randomness": CHANCE}
        self._settings = settings
        self.fresh()

    def fresh(self) -> None:
        """With no credential in the cache."""
        self.vaults.readings.clear()
        self.transport.asked.clear()
        clock = self._parts["clock"]
        self.gateway = build_gateway(
            self._settings,
            Deps(
                credentials=Credentials(self.vaults, self._settings.secrets, clock),
                transport=self.transport,
                telemetry=self.notes,
                **self._parts,
            ),
        )

    def knows(self, method: str, path: str) -> bool:
        """Whether the door takes it for one of its operations. Only then can anything behind the door be asked."""
        try:
            self.gateway.surface(path).route(method, path)
        except ApiError:
            return False
        return True

    def ask(self, method: str, path: str) -> int:
        """The status of the answer."""
        headers = {"api-key": KEY, "content-type": "application/json"}
        body = Body.of(b"{}" if method == "POST" else b'{"name":"%s"}' % VIRTUAL.encode())
        query = {"api-version": VERSION} if path.startswith("/azure_ai") else {}
        return self.gateway.handle(Request(method=method, path=path, query=query, headers=headers, body=body)).status


@pytest.fixture
def walls(harness: AzureGate) -> Walls:
    harness.index()
    harness.key(KEY, indexes={VIRTUAL: frozenset({READ_PERMISSION, WRITE}), "other": frozenset({WRITE})})
    return Walls(harness)


def hostile(randomness: random.Random) -> Iterator[str]:
    """Templates, filled in and then mutilated; and heaps of pieces that never were one."""
    while True:
        if randomness.random() < 0.15:
            yield "/azure_ai/" + "".join(randomness.choice(TOKENS) for _ in range(randomness.randint(1, 8)))
            continue
        path = randomness.choice(VALID).format(
            index=randomness.choice((VIRTUAL, VIRTUAL, VIRTUAL, REAL, "other")), key="k-1_="
        )
        for _ in range(randomness.randint(0, 3)):
            path = mutilated(path, randomness)
        yield path


def mutilated(path: str, randomness: random.Random) -> str:  # noqa: PLR0911 - a return a way
    """With one thing changed."""
    place = randomness.randrange(len("/azure_ai"), len(path) + 1)
    match randomness.randrange(8):
        case 0 | 1:
            return path[:place] + randomness.choice(TOKENS) + path[place:]
        case 2:
            return path[:place] + path[place + randomness.randint(1, 4) :]
        case 3:
            return path[:place] + "".join(f"%{ord(char):02x}" for char in path[place : place + 3]) + path[place + 3 :]
        case 4:
            return path[:place] + "".join(f"%25{ord(char):02X}" for char in path[place : place + 1]) + path[place + 1 :]
        case 5:
            return path[:place] + path[place:].swapcase()
        case 6:
            return path.replace(
                "'", randomness.choice(("%27", "%27", "''", "\u2019", '"', "`")), randomness.randint(1, 2)
            )
        case _:
            first, *rest = path.split("/")[1:]
            randomness.shuffle(rest)
            return "/" + "/".join([first, *rest])


def on_one_machine(path: str) -> str:
    """What the one-machine edition makes of a request line's path."""
    return path_of({"REQUEST_URI": path})


def behind_api_gateway(path: str) -> str:
    """What an HTTP API makes of it: a `rawPath` in which everything is decoded, slashes too, but for `%25`."""
    return unquote(path.replace("%25", "%2525"))


def means(method: str, path: str) -> set[str]:
    """What an innocent reader would ask of the service: told from the table by comparing texts, without a pattern."""
    if any(mark in path for mark in "%\\\0;"):
        return set()
    plain = path.removeprefix("/azure_ai")
    found = set()
    for row in INDEX_OPERATIONS:
        for spelling in row.path_variants if row.method == method else ():
            before, _, after = spelling.replace("{index}", VIRTUAL).partition("{key}")
            key = plain[len(before) : len(plain) - len(after)] if "{key}" in spelling else ""
            if plain == before + key + after and set(key) <= LEGAL_KEY and bool(key) == ("{key}" in spelling):
                found.add(row.path.format(index=REAL, key=key))
    return found


def test_hostile_paths_are_a_template_or_nothing(walls: Walls) -> None:
    seen = Counter[str]()
    randomness = random.Random(20261122)  # noqa: S311 - the same paths at every run
    for number, sent in zip(range(HOW_MANY), hostile(randomness), strict=False):
        path = randomness.choice((on_one_machine, behind_api_gateway))(sent)
        method = randomness.choice(METHODS[:5]) if randomness.random() < 0.9 else randomness.choice(METHODS)
        expected = means(method, path)
        if not expected and number % REFUSED_ONES and not walls.knows(method, path):
            seen["nothing"] += 1
            continue
        status = walls.ask(method, path)
        if not expected:
            assert not walls.transport.asked, (method, path)
            assert not walls.vaults.readings, (method, path)
            assert status in {400, 404}, (status, method, path)
            seen["nothing"] += 1
            continue
        if walls.transport.asked:
            (asked,) = walls.transport.asked
            url = urlsplit(asked.url)
            assert (url.scheme, url.netloc) == ("https", "svc.search.windows.net")
            assert {url.path} == expected, (method, path)
            assert url.query == f"api-version={VERSION}"
            seen["template"] += 1
        walls.fresh()
    assert not walls.notes.troubles
    assert seen["nothing"] > HOW_MANY / 2
    assert seen["template"] > HOW_MANY / 50  # the generator does not merely make noise


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
        f"/azure_ai/indexes('{VIRTUAL}')/docs/",
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
def test_a_path_that_is_no_template_is_absent(walls: Walls, path: str) -> None:
    for method, said in product(("GET", "POST", "PUT", "DELETE"), (path, on_one_machine(path))):
        assert walls.ask(method, said) == 404
    assert not walls.transport.asked
    assert not walls.vaults.readings


@pytest.mark.parametrize("prefix", [*PREFIXES, ""])
def test_hostile_ids_on_azures_own_prefixes(walls: Walls, prefix: str) -> None:
    """The other door, through the prefixes that Azure's clients build: a path is a template, or nothing is asked."""
    randomness = random.Random(7)  # noqa: S311 - the same paths at every run
    named = [operation for operation in OPERATIONS if operation.parameters]
    for _ in range(2_000):
        operation, piece = randomness.choice(named), f"vs_1{randomness.choice(TOKENS)}"
        path = prefix + re.sub(r"\{\w+\}", lambda _match, piece=piece: piece, operation.path)  # type: ignore[misc]
        for said in (path, on_one_machine(path), behind_api_gateway(path)):
            assert walls.ask(operation.method, said) in {400, 404, 405}, path
    assert not walls.transport.asked
    assert not walls.vaults.readings


@pytest.mark.parametrize("field", ["host", "x-forwarded-host", "x-original-url", "x-rewrite-url", "forwarded"])
def test_no_header_says_where_to(walls: Walls, field: str) -> None:
    headers = {"api-key": KEY, field: "evil.example"}
    query = {"api-version": VERSION}
    walls.gateway.handle(Request(method="GET", path=f"/azure_ai/indexes/{VIRTUAL}", headers=headers, query=query))
    (asked,) = walls.transport.asked
    assert urlsplit(asked.url).netloc == "svc.search.windows.net"
    assert "evil" not in str(asked.headers)
