"""Everything around ingestion in memory: a bucket, a queue, a bus and a provider, on which anything may happen.

Time is the town's own. A message that is taken and not answered for (a crash) comes again, as SQS brings it again.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.harnesses.gateway import FakeSecretSource, RecordingTelemetry, secret_text
from vectorgate.api.http import Body, FileUpload
from vectorgate.api.operations import UPLOAD_BODY
from vectorgate.bootstrap import Deps, build_gateway
from vectorgate.clock import Clock, Random
from vectorgate.ids import ProviderName
from vectorgate.ingest.ingestor import Ingestor
from vectorgate.ingest.model import (
    Done,
    IngestEvent,
    ObjectChange,
    ObjectLocation,
    PermanentFailure,
    ResultEvent,
    RetryLater,
)
from vectorgate.ingest.ports import SourceUnavailable, StoredObject
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.persistence.sqlite import open_stores
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.http.outcome import NotSent, Outcome, Replied, ResponseLost
from vectorgate.providers.reader import ProviderReader
from vectorgate.settings import Settings
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.providers.base import UpstreamRequest

BASE: Final = "https://upstream.example/v1"
BUCKET: Final = "ingest"
PROVIDER: Final = ProviderName("openai")
EPOCH: Final = 1_772_600_767.0
VISIBILITY: Final = 90.0  # seconds until a message that nobody answered for comes again
FAULTS: Final = {
    "not_sent": 0.15,
    "lost_before": 0.15,
    "lost_after": 0.25,
    "failed_before": 0.15,
    "failed_after": 0.1,
    "limited": 0.2,
}
_EXECUTED: Final = frozenset({"lost_after", "failed_after"})
_NO_SUCH: Final = {"error": {"message": "No such thing", "type": "invalid_request_error", "param": None, "code": None}}


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Version:
    """One version of an object. `content` None: a delete marker."""

    content: bytes | None
    version: str
    sequencer: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class File:
    """A file at the provider."""

    content: str
    filename: str
    size: int
    created_at: int


@dataclass
class Store:
    """A store there. `files`: attributes by file id."""

    name: str
    metadata: dict[str, str]
    created_at: int
    files: dict[str, Any] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)


class Attached(NamedTuple):
    """One attachment, by what can be seen of it."""

    store: str
    filename: str
    content: str
    attributes: tuple[tuple[str, str], ...]


class Town:
    """`odds`: of a fault at each call. `crash_at`: the effect at which the process ends, counted down."""

    def __init__(self, seed: int = 0, *, odds: float = 0.0, senders: Mapping[str, str] | None = None) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a test's own
        self.odds = odds
        self.now = EPOCH
        self.crash_at: int | None = None
        self.objects: dict[ObjectLocation, list[Version]] = {}
        self.files: dict[str, File] = {}
        self.vector_stores: dict[str, Store] = {}
        self.attached: Counter[tuple[str, str]] = Counter()
        self.calls: Counter[str] = Counter()
        self.attaches: dict[str, list[float]] = {}
        self.bodies: list[dict[str, Any]] = []
        self.events: list[ResultEvent] = []
        self.dead: list[tuple[IngestEvent, str]] = []
        self.queue: list[tuple[float, int, IngestEvent]] = []
        self.index_seconds = 3.0
        self.last_error: dict[str, dict[str, str]] = {}
        self.refuse: Callable[[str, str, dict[str, Any]], tuple[int, dict[str, Any]] | None] = lambda *_: None
        self.stores = open_stores()
        self.secret_source = FakeSecretSource(secret_text(BASE))
        self.notes = RecordingTelemetry()
        self._numbers = iter(range(10**9))
        self._sent = 0
        self.clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now, sleep=self._sleep)
        self.randomness = Random(self.dice.getrandbits)
        shaky = replace(
            self.stores,
            ingest=Shaky(self.stores.ingest, self),
            ledger=Shaky(self.stores.ledger, self),
        )
        settings = Settings(table="-", secrets={PROVIDER: "secret"}, max_upload=UPLOAD_BODY)
        self.gateway = build_gateway(
            settings,
            Deps(
                stores=shaky,
                credentials=Credentials(self.secret_source, settings.secrets, self.clock),
                transport=Faulty(self),
                telemetry=self.notes,
                clock=self.clock,
                randomness=self.randomness,
            ),
        )
        self.ingestor = Ingestor(
            gateway=self.gateway,
            store=shaky.ingest,
            objects=self,
            bus=self,
            senders=senders or {"acme": "red", "crm": "red", "other": "blue"},
            buckets={BUCKET},
            clock=self.clock,
        )

    # ------------------------------------------------------------------------------------------------- time and crashes

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def point(self) -> None:
        """Here the process may end."""
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0:
                self.crash_at = None
                raise Crash

    def unlucky(self) -> bool:
        """Whether something fails now."""
        return self.odds > 0 and self.dice.random() < self.odds

    # ---------------------------------------------------------------------------------------------------------- bucket

    def put(self, key: str, content: bytes, *, metadata: Mapping[str, str] | None = None, **tags: str) -> ObjectChange:
        """Write an object; the notice of it."""
        place = ObjectLocation(BUCKET, key)
        number = next(self._numbers) + 1
        version = Version(content, f"v{number}", f"{number:016X}", metadata or {}, tags)
        self.objects.setdefault(place, []).append(version)
        return ObjectChange(location=place, sequencer=version.sequencer, version=version.version)

    def remove(self, key: str) -> ObjectChange:
        """A delete marker."""
        place = ObjectLocation(BUCKET, key)
        number = next(self._numbers) + 1
        self.objects.setdefault(place, []).append(Version(None, f"v{number}", f"{number:016X}"))
        return ObjectChange(location=place, sequencer=f"{number:016X}", deleted=True)

    def purge(self, key: str, version: str | None) -> ObjectChange:
        """Remove one version for good."""
        place = ObjectLocation(BUCKET, key)
        self.objects[place] = [each for each in self.objects[place] if each.version != version]
        return ObjectChange(location=place, sequencer=f"{next(self._numbers) + 1:016X}", version=version, deleted=True)

    def open(self, place: ObjectLocation, version: str | None) -> StoredObject | None:
        """`Objects`."""
        self.point()
        if self.unlucky():
            raise SourceUnavailable("s3")
        versions = self.objects.get(place, [])
        wanted = versions[-1:] if version is None else [each for each in versions if each.version == version]
        if not wanted or wanted[0].content is None:
            return None
        found, content = wanted[0], wanted[0].content
        stream = Torn(content) if self.unlucky() else io.BytesIO(content)
        return StoredObject(
            size=len(content),
            version=found.version,
            content_type="text/plain",
            metadata=found.metadata,
            tags=found.tags,
            stream=stream,
        )

    # ------------------------------------------------------------------------------------------------- bus and queue

    def publish(self, results: Sequence[ResultEvent]) -> None:
        """`Bus`."""
        self.point()
        if self.unlucky():
            raise SourceUnavailable("events")
        json.dumps([result.detail for result in results])
        self.events += results
        self.point()

    def send(self, *notices: IngestEvent, after: float = 0.0) -> None:
        """Put messages into the queue."""
        for notice in notices:
            self._sent += 1
            self.queue.append((self.now + after, self._sent, notice))

    def step(self, most: int = 10) -> bool:
        """One invocation of the function, with whatever is due; False when nothing waits."""
        if not self.queue:
            return False
        self.queue.sort(key=lambda message: message[:2])
        self.now = max(self.now, self.queue[0][0])
        taken = [message for message in self.queue if message[0] <= self.now][:most]
        numbers = {number for _, number, _ in taken}
        self.queue = [message for message in self.queue if message[1] not in numbers]
        try:
            outcomes = self.ingestor.process([notice for _, _, notice in taken])
        except Crash:
            self.queue += [(self.now + VISIBILITY, number, notice) for _, number, notice in taken]
            return True
        assert len(outcomes) == len(taken)
        for (_, _, notice), outcome in zip(taken, outcomes, strict=True):
            match outcome:
                case Done(follow_up=None):
                    pass
                case Done(follow_up=watch, seconds=seconds) if watch is not None:
                    self.send(watch, after=seconds)
                case RetryLater(seconds=seconds):
                    assert 0 < seconds <= 900
                    self.send(notice, after=seconds)
                case PermanentFailure(reason=reason):
                    self.dead.append((notice, reason))
        return True

    def run(self, most: int = 10, *, rounds: int = 50_000) -> None:
        """Until nothing waits any more; the meter's sweep runs beside, once a minute."""
        swept = self.now
        for _ in range(rounds):
            if not self.step(most):
                return
            if self.now - swept >= 60:
                self.sweep()
                swept = self.now
        raise AssertionError(f"{len(self.queue)} messages still wait, such as {self.queue[0]}")

    def sweep(self) -> None:
        """The meter finds out what became of calls without an answer."""
        crash, self.crash_at = self.crash_at, None
        reader = ProviderReader(
            providers=self.gateway.providers,
            credentials=self.gateway.credentials,
            transport=Calm(self),
            clock=self.clock,
            randomness=self.randomness,
        )
        Reconciler(
            ledger=self.stores.ledger,
            ownership=self.stores.ownership,
            reader=reader,
            clock=self.clock,
            telemetry=self.notes,
        ).sweep()
        self.crash_at = crash

    # -------------------------------------------------------------------------------------------------------- provider

    def transported(self, request: UpstreamRequest) -> Outcome:
        """One attempt, on which anything may happen."""
        self.point()
        self.now += 0.01
        self._noted(request)
        fault = None
        if self.unlucky():
            edges = list(accumulate(FAULTS.values()))
            fault = list(FAULTS)[min(bisect(edges, self.dice.random()), len(FAULTS) - 1)]
        if fault is not None and fault not in _EXECUTED:
            return _OUTCOMES[fault]
        status, document = self.execute(request)
        self.point()
        return _reply(status, document) if fault is None else _OUTCOMES[fault]

    def _noted(self, request: UpstreamRequest) -> None:
        """Each attempt to attach, by store and time, whatever becomes of it."""
        parts = urlsplit(request.url).path.removeprefix("/v1/").split("/")
        if request.method == "POST" and parts[0] == "vector_stores" and parts[2:] in (["files"], ["file_batches"]):
            self.attaches.setdefault(parts[1], []).append(self.now)

    def busiest(self, seconds: float = 60) -> int:
        """The most attempts to attach to one store within any so many seconds."""
        counts = (
            place + 1 - bisect(times, each - seconds)
            for times in self.attaches.values()
            for place, each in enumerate(times)
        )
        return max(counts, default=0)

    def execute(self, request: UpstreamRequest) -> tuple[int, dict[str, Any]]:
        """What the provider does."""
        url = urlsplit(request.url)
        parts = url.path.removeprefix("/v1/").split("/")
        named = "/".join(part if place % 2 == 0 else "*" for place, part in enumerate(parts))
        self.calls[f"{request.method} {named}"] += 1
        if isinstance(request.content, FileUpload):
            return 200, self._new_file(request.content)
        body: dict[str, Any] = json.loads(request.content) if request.content else {}
        refused = self.refuse(request.method, named, body)
        if refused is not None:
            return refused
        if parts[0] == "files":
            return self._file(request.method, parts, dict(parse_qsl(url.query)))
        return self._store(request.method, parts, body, dict(parse_qsl(url.query)))

    def _new_file(self, upload: FileUpload) -> dict[str, Any]:
        stream = upload.content.open()
        digest, size = hashlib.sha256(), 0
        while piece := stream.read(65536):
            digest.update(piece)
            size += len(piece)
        name = f"file-{next(self._numbers)}"
        self.files[name] = File(digest.hexdigest(), upload.filename, size, int(self.now))
        return self._file_document(name)

    def _file_document(self, name: str) -> dict[str, Any]:
        file = self.files[name]
        return {
            "id": name,
            "object": "file",
            "bytes": file.size,
            "created_at": file.created_at,
            "filename": file.filename,
            "purpose": "assistants",
        }

    def _file(self, method: str, parts: list[str], query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if len(parts) == 1:
            return 200, _page([self._file_document(name) for name in self.files], query)
        if parts[1] not in self.files:
            return 404, _NO_SUCH
        if method == "DELETE":
            del self.files[parts[1]]
            for store in self.vector_stores.values():
                store.files.pop(parts[1], None)
            return 200, {"id": parts[1], "object": "file", "deleted": True}
        return 200, self._file_document(parts[1])

    def _store(  # noqa: PLR0911 - a table of routes
        self, method: str, parts: list[str], body: dict[str, Any], query: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if len(parts) == 1:
            if method == "GET":
                return 200, _page([self._store_document(name) for name in self.vector_stores], query)
            name = f"vs_{next(self._numbers)}"
            self.vector_stores[name] = Store(body.get("name", ""), body.get("metadata", {}), int(self.now))
            return 200, self._store_document(name)
        store = self.vector_stores.get(parts[1])
        if store is None:
            return 404, _NO_SUCH
        if parts[2:] == ["file_batches"]:
            return self._batch(parts[1], store, body)
        if parts[2:3] == ["file_batches"]:
            return 200, self._batch_document(parts[1], parts[3])
        if parts[2:3] == ["files"]:
            if parts[3] not in store.files:
                return 404, _NO_SUCH
            if method == "DELETE":
                del store.files[parts[3]]
                return 200, {"id": parts[3], "object": "vector_store.file.deleted", "deleted": True}
            return 200, self._attachment(store, parts[1], parts[3])
        return 200, self._store_document(parts[1])

    def _batch(self, store_id: str, store: Store, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.bodies.append(body)
        items = body.get("files") or [
            {"file_id": each, "attributes": body.get("attributes")} for each in body["file_ids"]
        ]
        missing = [item["file_id"] for item in items if item["file_id"] not in self.files]
        if missing:
            return 404, {"error": {"message": f"Files {missing} were not found", "type": "invalid_request_error"}}
        for item in items:
            self.attached[store_id, item["file_id"]] += 1
            store.files[item["file_id"]] = item.get("attributes") or {}
            store.status[item["file_id"]] = f"{self.now + self.index_seconds}"
        return 200, self._batch_document(store_id, f"vsfb_{next(self._numbers)}")

    def _batch_document(self, store_id: str, name: str) -> dict[str, Any]:
        counts = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
        return {"id": name, "object": "vector_store.files_batch", "vector_store_id": store_id, "file_counts": counts}

    def _attachment(self, store: Store, store_id: str, name: str) -> dict[str, Any]:
        error = self.last_error.get(self.files[name].filename)
        done = self.now >= float(store.status[name])
        status = "in_progress" if not done else "failed" if error else "completed"
        return {
            "id": name,
            "object": "vector_store.file",
            "vector_store_id": store_id,
            "status": status,
            "usage_bytes": self.files[name].size,
            "last_error": error if done else None,
        }

    def _store_document(self, name: str) -> dict[str, Any]:
        store = self.vector_stores[name]
        return {
            "id": name,
            "object": "vector_store",
            "created_at": store.created_at,
            "name": store.name,
            "usage_bytes": 0,
            "metadata": store.metadata,
        }

    # -------------------------------------------------------------------------------------------------------- the truth

    def truth(self) -> Counter[Attached]:
        """What is attached: the store's name, the file's, its content, its attributes."""
        return Counter(
            Attached(store.name, self.files[name].filename, self.files[name].content, tuple(sorted(attributes.items())))
            for store in self.vector_stores.values()
            for name, attributes in store.files.items()
        )

    def expected(self) -> Counter[Attached]:
        """The same, as the bucket has it."""
        found: Counter[Attached] = Counter()
        for place, versions in self.objects.items():
            if versions and versions[-1].content is not None:
                _, store, *_, filename = place.key.split("/")
                newest, content = versions[-1], versions[-1].content
                attributes = tuple(sorted({**newest.metadata, **newest.tags}.items()))
                found[Attached(store, filename, hashlib.sha256(content).hexdigest(), attributes)] += 1
        return found

    def close(self) -> None:
        """Let go of the database."""
        self.stores.close()


class Calm:
    """The provider without faults and crashes, for the meter."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """`Transport`."""
        del seconds
        return _reply(*self._town.execute(request))


class Faulty:
    """The provider as the gateway meets it."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """`Transport`."""
        del seconds
        return self._town.transported(request)


class Shaky:
    """A port at each of whose methods the process may end, or the store be away: before and after."""

    def __init__(self, port: object, town: Town) -> None:
        self._port, self._town = port, town

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._town.point()
            if self._town.odds and self._town.dice.random() < self._town.odds / 20:
                raise StoreUnavailable("away")
            result = method(*arguments, **named)
            self._town.point()
            if self._town.odds and self._town.dice.random() < self._town.odds / 20:
                raise StoreUnavailable("the answer is lost")
            return result

        return call


class Torn(io.BytesIO):
    """An object whose connection breaks after its first half."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() * 2 >= len(self.getvalue()):
            raise SourceUnavailable("torn")
        return super().read(min(size or 1, max(1, len(self.getvalue()) // 2)))


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    newest = items[::-1]
    start = next((place + 1 for place, item in enumerate(newest) if item["id"] == query.get("after")), 0)
    shown = newest[start : start + int(query.get("limit", "20"))]
    return {"object": "list", "data": shown, "has_more": start + len(shown) < len(newest)}


def _reply(status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Replied:
    return Replied(UpstreamResponse(status=status, headers=headers or {}, body=Body.of(json.dumps(document).encode())))


def _error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Replied:
    return _reply(status, {"error": {"message": "simulated", "type": code, "code": code}}, headers)


_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "not_sent": NotSent(timed_out=False),
    "lost_before": ResponseLost(timed_out=False),
    "lost_after": ResponseLost(timed_out=False),
    "failed_before": _error(500, "server_error"),
    "failed_after": _error(500, "server_error"),
    "limited": _error(429, "rate_limit_exceeded", {"retry-after": "40"}),
}
