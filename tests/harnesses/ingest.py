"""Ingestion in memory: a bucket, a queue, a bus and a provider, each of which may fail as a seed decides.

A message whose handling crashes becomes visible again, as in SQS.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.factories.secrets import secret_text
from tests.fakes.bucket import BUCKET, FakeBucket
from tests.fakes.faults import FaultyEnvironment, FaultyPort, SimulatedCrash
from tests.fakes.indexing_provider import FaultlessTransport, IndexingProvider
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import RecordingTelemetry
from tests.helpers.memory_stores import memory_stores
from vectorgate.api.operations import UPLOAD_BODY
from vectorgate.bootstrap import build_gateway, build_meter
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ProviderName
from vectorgate.ingest.ingestor import Ingestor
from vectorgate.ingest.model import (
    DetailType,
    Done,
    IngestEvent,
    ObjectChange,
    Outcome,
    PermanentFailure,
    ResultEvent,
    RetryLater,
)
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ledger.ports import RecordQuery
from vectorgate.persistence.stores import Deps
from vectorgate.providers.credentials import Credentials
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.stores import Stores

BASE_URL: Final = "https://upstream.example/v1"
DAY_MS: Final = 86_400_000
KEY: Final = "acme/docs/guide.md"
VISIBILITY_S: Final = 90.0  # until a message whose handling crashed is visible again
SWEEP_S: Final = 60.0  # between two sweeps of the meter
LONGEST_DELAY_S: Final = 900  # that SQS takes
SENDERS: Final = {"acme": "red", "crm": "red", "other": "blue"}
SETTINGS: Final = Settings(table="-", secrets={ProviderName("openai"): "secret"}, max_upload=UPLOAD_BODY)


class Attachment(NamedTuple):
    """A file in a vector store, by what can be seen of both."""

    store: str
    filename: str
    content: str
    attributes: tuple[tuple[str, str], ...]


class IngestHarness(FaultyEnvironment):
    """The ingestor, what it works on, and the queue that feeds it; it is its own bus.

    `queue`: a heap of messages by the time at which they are visible. `failures`: the events that were set aside, with
    the reasons.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        fault_rate: float = 0.0,
        senders: Mapping[str, str] = SENDERS,
        stores: Stores | None = None,
    ) -> None:
        super().__init__(seed, fault_rate=fault_rate)
        self.bucket, self.provider = FakeBucket(self), IndexingProvider(self)
        self.events: list[ResultEvent] = []
        self.failures: list[tuple[IngestEvent, str]] = []
        self.queue: list[tuple[float, int, IngestEvent]] = []
        self._sent = 0
        self.stores = stores or memory_stores()
        self.secret_source = FakeSecretSource(secret_text(BASE_URL))
        self.telemetry = RecordingTelemetry()
        faulty = replace(
            self.stores, ingest=FaultyPort(self.stores.ingest, self), ledger=FaultyPort(self.stores.ledger, self)
        )
        deps = Deps(
            stores=faulty,
            credentials=Credentials(self.secret_source, SETTINGS.secrets, self.clock),
            transport=self.provider,
            telemetry=self.telemetry,
            clock=self.clock,
            randomness=self.randomness,
        )
        sound = replace(deps, stores=self.stores, transport=FaultlessTransport(self.provider))
        self._reconciler = build_meter(SETTINGS, sound).reconciler
        self.ingestor = Ingestor(
            gateway=build_gateway(SETTINGS, deps),
            store=faulty.ingest,
            objects=self.bucket,
            bus=self,
            senders=senders,
            buckets={BUCKET},
            clock=self.clock,
        )

    def publish(self, results: Sequence[ResultEvent]) -> None:
        """Keep result events, as `Bus`."""
        self.crash_point()
        if self.fails():
            raise SourceUnavailable("events")
        json.dumps([result.detail for result in results])
        self.events += results
        self.crash_point()

    def send(self, *events: IngestEvent, after: float = 0.0) -> None:
        """Put messages into the queue, visible after so many seconds."""
        for event in events:
            self._sent += 1
            heappush(self.queue, (self.now + after, self._sent, event))

    def step(self, most: int = 10) -> bool:
        """Invoke the function with the messages that are visible; False if the queue is empty."""
        if not self.queue:
            return False
        self.now = max(self.now, self.queue[0][0])
        taken: list[tuple[float, int, IngestEvent]] = []
        while self.queue and self.queue[0][0] <= self.now and len(taken) < most:
            taken.append(heappop(self.queue))
        try:
            outcomes = self.ingestor.process([event for _, _, event in taken])
        except SimulatedCrash:
            for _, number, event in taken:
                heappush(self.queue, (self.now + VISIBILITY_S, number, event))
            return True
        for (_, _, event), outcome in zip(taken, outcomes, strict=True):
            self._conclude(event, outcome)
        return True

    def _conclude(self, event: IngestEvent, outcome: Outcome) -> None:
        match outcome:
            case Done(follow_up=None):
                pass
            case Done(follow_up=watch, seconds=seconds) if watch is not None:
                self.send(watch, after=seconds)
            case RetryLater(seconds=seconds):
                assert 0 < seconds <= LONGEST_DELAY_S
                self.send(event, after=seconds)
            case PermanentFailure(reason=reason):
                self.failures.append((event, reason))

    def run(self, most: int = 10, *, rounds: int = 50_000) -> None:
        """Handle messages until the queue is empty, with a sweep of the meter once a minute."""
        swept = self.now
        for _ in range(rounds):
            if not self.step(most):
                return
            if self.now - swept >= SWEEP_S:
                self.sweep()
                swept = self.now
        raise AssertionError(f"{len(self.queue)} messages are left, such as {self.queue[0]}")

    def process(self, *events: IngestEvent) -> Any:
        """Have the ingestor process events at once, and return their outcomes, or the outcome of a single one."""
        outcomes = self.ingestor.process(list(events))
        return outcomes[0] if len(outcomes) == 1 else outcomes

    def ingest(self, key: str = KEY, content: bytes = b"hello") -> ObjectChange:
        """Put an object, and run until it is attached and its result is published."""
        change = self.bucket.put(key, content)
        self.send(change)
        self.run()
        return change

    def details(self, kind: DetailType) -> list[Any]:
        """Return the details of the published results of a kind."""
        return [event.detail for event in self.events if event.detail_type is kind]

    def rows(self) -> list[LedgerEntry]:
        """Return the ledger of the last day."""
        now_ms = int(self.now * MILLISECONDS)
        query = RecordQuery(start_ms=now_ms - DAY_MS, end_ms=now_ms + 1, limit=1000)
        return list(self.stores.ledger.search(query))

    def sweep(self) -> None:
        """Have the meter resolve calls without an answer. It meets no fault."""
        crash, self.crash_at = self.crash_at, None
        self._reconciler.sweep()
        self.crash_at = crash

    def attachments(self) -> Counter[Attachment]:
        """Return what is attached at the provider."""
        files = self.provider.files
        return Counter(
            Attachment(store.name, files[name].filename, files[name].content, tuple(sorted(attributes.items())))
            for store in self.provider.vector_stores.values()
            for name, attributes in store.files.items()
        )

    def expected_attachments(self) -> Counter[Attachment]:
        """Return what has to be attached, by the newest versions in the bucket."""
        found: Counter[Attachment] = Counter()
        for place, versions in self.bucket.objects.items():
            if versions and versions[-1].content is not None:
                _, store, *_, filename = place.key.split("/")
                newest, content = versions[-1], versions[-1].content
                attributes = tuple(sorted({**newest.metadata, **newest.tags}.items()))
                found[Attachment(store, filename, hashlib.sha256(content).hexdigest(), attributes)] += 1
        return found

    def close(self) -> None:
        """Close the database."""
        self.stores.close()
