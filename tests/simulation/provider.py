"""The simulated provider, whose state says what exists. A `Transport`, so that the gateway's own retries are used."""

from __future__ import annotations

import json
from bisect import bisect
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.simulation.responses import SimulatedResponses
from vectorgate.api.http import EVENT_STREAM, Body
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import NotSent, Outcome, Replied, ResponseLost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.environment import SimulatedEnvironment
    from vectorgate.providers.base import UpstreamRequest

BASE_URL: Final = "https://upstream.example/v1"
_PATH: Final = urlsplit(BASE_URL).path
# Rates of an attempt; together 20 %.
FAULTS: Final[Mapping[str, float]] = {
    "not_sent": 0.02,
    "lost_before": 0.02,  # the request never arrived, which the caller cannot know
    "lost_after": 0.03,  # executed, and the answer lost
    "late": 0.01,  # the caller gave up; executed some seconds later
    "lost_late": 0.01,  # the connection broke at once; executed some seconds later
    "failed_before": 0.03,  # 500
    "failed_after": 0.02,  # 500, and executed; a response is not, for a provider charges nothing for one that fails
    "broken": 0.01,  # executed, and the answer cut short
    "limited": 0.02,  # 429
    "refused": 0.015,  # 400
    "unauthorized": 0.005,  # 401
    "slow": 0.01,
}
_NAMES: Final = tuple(FAULTS)
_EDGES: Final = tuple(accumulate(FAULTS.values()))
AMBIGUOUS: Final = frozenset(
    {"lost_before", "lost_after", "late", "lost_late", "failed_before", "failed_after", "broken"}
)
EXECUTED: Final = frozenset({"lost_after", "failed_after", "broken"})
LATEST: Final = 20.0  # seconds after which a late request is no longer executed
LISTED_LATE: Final = 0.1  # of the stores, which lists show only after up to LAG seconds
LAG: Final = 10.0
_NO_HEADERS: Final[Mapping[str, str]] = {}
_NO_SUCH: Final[dict[str, object]] = {"error": {"message": "No such thing", "type": "invalid_request_error"}}


@dataclass(slots=True)
class Store:
    """A store as the provider bills it. Times are the provider's own (Unix seconds)."""

    id: str
    name: str
    created_at: int
    metadata: dict[str, str] = field(default_factory=dict)
    size: int = 0
    deleted_at: int | None = None
    expires_at: int | None = None
    foreign: bool = False
    listed_at: float = 0.0
    files: dict[str, None] = field(default_factory=dict)  # in the order of attaching, for a digest
    sizes: list[tuple[int, int]] = field(default_factory=list)  # (second, size from there on)

    def resize(self, size: int, at: int) -> None:
        self.size = size
        self.sizes.append((at, size))

    def byte_seconds(self, end: int) -> int:
        """Return the byte-seconds that were stored until `end`."""
        moments = [*self.sizes, (max(end, self.sizes[-1][0]) if self.sizes else end, 0)]
        return sum(size * (after - at) for (at, size), (after, _) in pairwise(moments))

    def variation(self) -> int:
        """Return the sum of the changes of size, without their signs."""
        sizes = [0, *(size for _, size in self.sizes), 0]
        return sum(abs(after - before) for before, after in pairwise(sizes))

    def document(self) -> dict[str, object]:
        return {
            "id": self.id,
            "object": "vector_store",
            "created_at": self.created_at,
            "name": self.name,
            "usage_bytes": self.size,
            "status": "completed",
            "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
            "last_active_at": self.created_at,
            "expires_after": None,
            "expires_at": self.expires_at,
            "metadata": self.metadata,
        }


class SimulatedProvider:
    """Every vector store ever created, by id, in the order of creation; and every response."""

    def __init__(self, environment: SimulatedEnvironment) -> None:
        self.stores: dict[str, Store] = {}
        self.responses = SimulatedResponses(environment)
        self._environment = environment
        self._late: list[tuple[float, UpstreamRequest]] = []

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Make one attempt, which may meet a fault."""
        environment = self._environment
        if environment.faultless:
            return self._answer(request)
        environment.interleave()
        environment.crash_point()
        environment.now += environment.rng.random() * 0.2
        self.execute_late_requests()
        place = (
            bisect(_EDGES, environment.rng.random() / environment.rates.provider)
            if environment.rates.provider
            else len(_NAMES)
        )
        outcome = self._faulty(_NAMES[place], request, seconds) if place < len(_NAMES) else None
        if outcome is None:
            outcome = self._answer(request)
        environment.crash_point()
        environment.interleave()
        return outcome

    def execute_late_requests(self, *, wait: bool = False) -> None:
        """Execute the late requests that are due, each at its own time; all of them if `wait`."""
        environment, now = self._environment, self._environment.now
        for due, request in [late for late in self._late if wait or late[0] <= self._environment.now]:
            self._late.remove((due, request))
            environment.now = due
            self._execute(request)
            environment.now = now

    def make_foreign(self, name: str, metadata: Mapping[str, str]) -> None:
        """Create a store without the gateway, in the same account."""
        self.make_store({"name": name, "metadata": dict(metadata)}).foreign = True

    def _faulty(self, fault: str, request: UpstreamRequest, seconds: float) -> Outcome | None:
        environment = self._environment
        if fault in AMBIGUOUS:
            environment.tally.ambiguous += 1
        if fault in EXECUTED and not (fault == "failed_after" and _is_response(request)):
            self._execute(request)
        if fault == "late":
            environment.now += max(seconds, 0.0)
        if fault in {"late", "lost_late"}:
            self._late.append((environment.now + environment.rng.random() * LATEST, request))
        if fault == "slow":
            environment.now += environment.rng.random() * 20
        return _OUTCOMES.get(fault)

    def _answer(self, request: UpstreamRequest) -> Outcome:
        status, document = self._execute(request)
        if request.stream and status == 200:
            since = dict(parse_qsl(urlsplit(request.url).query)).get("starting_after")
            run_id = str(document["id"])
            is_new = request.method == "POST"
            events = self.responses.stream(run_id) if is_new else self.responses.follow(run_id, int(since or -1))
            headers = {"content-type": EVENT_STREAM}
            return Replied(UpstreamResponse(status=status, headers=headers, events=events))
        return _reply(status, document, {"date": formatdate(self._environment.now, usegmt=True)})

    def _execute(self, request: UpstreamRequest) -> tuple[int, dict[str, object]]:
        url = urlsplit(request.url)
        parts = url.path.removeprefix(_PATH).strip("/").split("/")
        content = request.content if isinstance(request.content, bytes) else b"{}"
        if parts[0] == "responses":
            return self.responses.execute(request.method, parts[1:], json.loads(content))
        if len(parts) == 1:
            if request.method == "GET":
                return 200, self._page(dict(parse_qsl(url.query)))
            return 200, self.make_store(json.loads(content)).document()
        store = self.stores.get(parts[1])
        if store is None or store.deleted_at is not None:
            return 404, _NO_SUCH
        return self._on_store(store, request.method, parts[2:], content)

    def _on_store(self, store: Store, method: str, below: list[str], content: bytes) -> tuple[int, dict[str, object]]:
        if below[:1] == ["files"] and below[1:]:
            known = below[1] in store.files
            return (200, {"id": below[1], "object": "vector_store.file"}) if known else (404, _NO_SUCH)
        if below == ["files"]:
            store.files[json.loads(content)["file_id"]] = None
            store.resize(store.size + 1000 * self._environment.rng.randrange(1, 4000), int(self._environment.now))
            file_id = json.loads(content)["file_id"]
            return 200, {"id": file_id, "object": "vector_store.file", "vector_store_id": store.id}
        if below == ["search"]:
            return 200, {"object": "vector_store.search_results.page", "search_query": [], "data": []}
        if method == "DELETE":
            store.deleted_at = int(self._environment.now)
            store.sizes.append((store.deleted_at, 0))
            return 200, {"id": store.id, "object": "vector_store.deleted", "deleted": True}
        if method == "POST":
            change: dict[str, Any] = json.loads(content)
            store.name = change.get("name", store.name)
            store.metadata = change.get("metadata", store.metadata)
        return 200, store.document()

    def make_store(self, body: dict[str, Any]) -> Store:
        store_id = f"vs_{self._environment.seed:x}_{len(self.stores)}"
        store = Store(store_id, body.get("name") or "", int(self._environment.now), body.get("metadata") or {})
        self.stores[store.id] = store
        if not self._environment.faultless and self._environment.happens(
            LISTED_LATE * self._environment.rates.provider
        ):
            store.listed_at = self._environment.now + self._environment.rng.random() * LAG
        store.files.update(dict.fromkeys(body.get("file_ids") or ()))
        store.resize(1000 * len(body.get("file_ids") or ()), store.created_at)
        return store

    def _page(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return a page of OpenAI's list: newest first unless `order=asc`, `after` an id, at most 100."""
        now = self._environment.now
        live = [store for store in self.stores.values() if store.deleted_at is None and store.listed_at <= now]
        live.sort(key=lambda store: store.created_at)
        if query.get("order", "desc") == "desc":
            live.reverse()
        if "after" in query:
            place = next((at for at, store in enumerate(live) if store.id == query["after"]), len(live))
            live = live[place + 1 :]
        limit = int(query.get("limit", "20"))
        shown = [store.document() for store in live[:limit]]
        return {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": len(live) > limit,
        }


def _is_response(request: UpstreamRequest) -> bool:
    return urlsplit(request.url).path.startswith(f"{_PATH}/responses")


def _reply(status: int, document: dict[str, object], headers: Mapping[str, str] = _NO_HEADERS) -> Replied:
    return Replied(UpstreamResponse(status=status, headers=headers, body=Body.of(json.dumps(document).encode())))


def _error(status: int, code: str, headers: Mapping[str, str] = _NO_HEADERS) -> Replied:
    return _reply(status, {"error": {"message": "simulated", "type": code, "code": code}}, headers)


_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "not_sent": NotSent(timed_out=False),
    "late": ResponseLost(timed_out=True),
    "lost_late": ResponseLost(timed_out=False),
    "lost_before": ResponseLost(timed_out=False),
    "lost_after": ResponseLost(timed_out=False),
    "failed_before": _error(500, "server_error"),
    "failed_after": _error(500, "server_error"),
    "broken": Replied(UpstreamResponse(status=200, headers=_NO_HEADERS, body=Body.of(b'{"id":'))),
    "limited": _error(429, "rate_limit_exceeded", {"retry-after": "1"}),
    "refused": _error(400, "invalid_value"),
    "unauthorized": _error(401, "invalid_api_key"),
}
