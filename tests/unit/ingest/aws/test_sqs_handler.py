"""A batch of the queue: follow-ups are sent before messages are deleted, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.telemetry import RecordingTelemetry
from vectorgate import bootstrap
from vectorgate.bootstrap import deployed_ingest
from vectorgate.clock import Clock
from vectorgate.entrypoints.ingest import handler
from vectorgate.ingest import messages
from vectorgate.ingest.model import (
    AttachRequested,
    CreateRequested,
    Done,
    IndexingReminder,
    ObjectChange,
    ObjectLocation,
    PermanentFailure,
    RetryLater,
)
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ingest.sqs_handler import MAX_AGE_S, OVERDUE_S, SqsBatchHandler
from vectorgate.settings import Settings
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.ingest.model import IngestEvent, Outcome

EVENTS = Path(__file__).parents[4] / "events"
SENT = 1_795_380_100  # the samples', in Unix seconds
WATCH = IndexingReminder(
    team="red", vector_store_id="vs_1", batch_id="vsfb_1", files={"file-1": ObjectLocation("b", "red/docs/a.txt")}
)


def sample(name: str) -> Any:
    return json.loads((EVENTS / name).read_text())


CREATED, REMOVED = sample("ingest_s3_created.json"), sample("ingest_s3_removed.json")
WANTED, ATTACHED = sample("ingest_create_requested.json"), sample("ingest_attach_requested.json")


def batch(*bodies: object, **attributes: int) -> Any:
    """Return the event of messages with these bodies and numbers."""
    (record,) = CREATED["Records"]
    numbers = {name: {"stringValue": str(value), "dataType": "Number"} for name, value in attributes.items()}
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    records = [
        record | {"messageId": f"m{n}", "body": text, "messageAttributes": numbers} for n, text in enumerate(texts)
    ]
    return {"Records": records}


def created(key: str) -> Any:
    """Return the notification that an object was created."""
    body = json.loads(CREATED["Records"][0]["body"])
    body["Records"][0]["s3"]["object"]["key"] = key
    return body


@dataclass
class FakeQueue:
    """An `IngestQueue` that keeps what is sent. `unreachable`: every call fails."""

    sent: list[tuple[Any, int, Mapping[str, int | str]]] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    unreachable: bool = False

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        """Keep a message."""
        self._reach()
        self.sent.append((json.loads(body), seconds, attributes))

    def send_to_dead_letter_queue(self, body: str, *, reason: str, source: str) -> None:
        """Keep a message."""
        self._reach()
        self.failures.append((body, reason, source))

    def _reach(self) -> None:
        if self.unreachable:
            raise SourceUnavailable("sqs: ConnectTimeoutError")


@dataclass
class FlushedTelemetry(RecordingTelemetry):
    """Telemetry that also counts how often it is flushed."""

    flushed: int = 0

    def flush(self) -> None:
        """Count the calls."""
        self.flushed += 1


@dataclass
class HandlerHarness:
    """The handler around an ingestor that returns given outcomes."""

    answer: Callable[[IngestEvent], Outcome]
    now: float = SENT + 5
    queue: FakeQueue = field(default_factory=FakeQueue)
    telemetry: FlushedTelemetry = field(default_factory=FlushedTelemetry)
    taken: list[list[IngestEvent]] = field(default_factory=list)

    def process(self, events: Sequence[IngestEvent]) -> Sequence[Outcome]:
        """Return the given outcomes."""
        self.taken.append(list(events))
        return [self.answer(event) for event in events]

    def receive(self, event: Any) -> list[str]:
        """Handle a batch, and return the ids of the messages that are to be delivered again."""
        clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now, sleep=lambda _: None)
        result = handler.bound_to(SqsBatchHandler(self, self.queue, self.telemetry, clock))(event, None)
        assert set(result) == {"batchItemFailures"}
        return [failure["itemIdentifier"] for failure in result["batchItemFailures"]]


def done(_: IngestEvent) -> Outcome:
    return Done()


def test_the_samples_are_what_they_say() -> None:
    harness = HandlerHarness(done)
    for event in (CREATED, REMOVED, WANTED, ATTACHED):
        assert harness.receive(event) == []
    (there,), (gone,), (wanted,), (attached,) = harness.taken
    bucket = "vectorgate-ingest-6f1c2a34-0000-4000-8000-000000000000"
    place = ObjectLocation(bucket, "red/product-docs/tide tables, 2026.txt")
    assert isinstance(there, ObjectChange)
    assert isinstance(gone, ObjectChange)
    assert (there.location, there.deleted, gone.location, gone.deleted) == (place, False, place, True)
    assert there.sequencer < gone.sequencer
    assert there.version is not None
    assert isinstance(wanted, CreateRequested)
    assert (wanted.source, wanted.body["name"]) == ("com.example.crm", "product-docs")
    assert isinstance(attached, AttachRequested)
    assert (attached.file_id, attached.vector_store_id) == ("file-abc123", "vs_abc123")
    assert harness.queue == FakeQueue()


def test_a_batch_is_taken_at_once() -> None:
    harness = HandlerHarness(done)
    assert harness.receive(batch(*(created(f"red/docs/{n}.txt") for n in range(3)))) == []
    assert [len(taken) for taken in harness.taken] == [3]
    assert harness.telemetry.flushed == 1


def test_a_deployment_without_a_bucket_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "deployed_settings", lambda: Settings(table="-"))
    with pytest.raises(ValueError, match="VECTORGATE_INGEST_BUCKET"):
        deployed_ingest()


def test_an_empty_batch_and_a_message_without_events_have_no_effect() -> None:
    harness = HandlerHarness(done)
    assert harness.receive({"Records": []}) == []
    assert harness.receive(batch({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == []
    assert (harness.taken, harness.queue) == ([], FakeQueue())


def test_what_follows_up_is_sent_as_a_reminder() -> None:
    harness = HandlerHarness(lambda _: Done(WATCH, 20))
    assert harness.receive(CREATED) == []
    ((body, seconds, attributes),) = harness.queue.sent
    assert messages.read_events(body) == [WATCH]
    assert (seconds, attributes) == (20, {})


def test_a_postponed_message_is_sent_again_with_the_time_at_which_it_was_first_seen() -> None:
    harness = HandlerHarness(lambda _: RetryLater(45, "paced"))
    assert harness.receive(CREATED) == []
    body = json.loads(CREATED["Records"][0]["body"])
    assert harness.queue.sent == [(body, 45, {"first_seen": SENT, "attempts": 1, "reason": "paced"})]
    assert harness.receive(batch(body, first_seen=SENT - 60, attempts=1)) == []
    assert harness.queue.sent[1] == (body, 45, {"first_seen": SENT - 60, "attempts": 2, "reason": "paced"})
    assert harness.telemetry.counts == {"IngestPutOff": 2}


def test_a_message_that_was_postponed_often_waits_longer() -> None:
    harness = HandlerHarness(lambda _: RetryLater(45, "paced"))
    harness.receive(batch(created("red/docs/a"), attempts=300))
    assert [seconds for _, seconds, _ in harness.queue.sent] == [300]


def test_malformed_numbers_of_a_message_are_ignored() -> None:
    harness = HandlerHarness(lambda _: RetryLater(45, "paced"))
    event = batch(created("red/docs/a"))
    event["Records"][0]["messageAttributes"] = {
        "first_seen": {"stringValue": "9" * 12},
        "attempts": {"stringValue": "x"},
    }
    assert harness.receive(event) == []
    assert harness.queue.sent[0][2] == {"first_seen": SENT, "attempts": 1, "reason": "paced"}


def test_a_message_that_was_postponed_for_hours_raises_an_alarm() -> None:
    harness = HandlerHarness(lambda _: RetryLater(45, "paced"), now=SENT + OVERDUE_S + 1)
    harness.receive(CREATED)
    assert harness.telemetry.counts["IngestOverdue"] == 1


def test_a_message_that_was_postponed_for_thirteen_days_is_set_aside_before_the_queue_deletes_it() -> None:
    harness = HandlerHarness(lambda _: RetryLater(45, "paced"), now=SENT + MAX_AGE_S + 1)
    assert harness.receive(batch(created("red/docs/a"), attempts=9)) == []
    ((_, reason, source),) = harness.queue.failures
    assert reason == "given up after 13 days and 9 attempts: paced"
    assert source.endswith("/red/docs/a")
    assert harness.queue.sent == []


def test_a_permanent_failure_is_set_aside_with_its_reason_and_source() -> None:
    harness = HandlerHarness(lambda _: PermanentFailure("no team is mapped"))
    for event in (CREATED, WANTED):
        assert harness.receive(event) == []
    (_, reason, place), (body, _, sender) = harness.queue.failures
    assert reason == "no team is mapped"
    assert place.endswith("/red/product-docs/tide tables, 2026.txt")
    assert sender == "com.example.crm 17793124-05d4-b198-2fde-7ededc63b103"
    assert body == WANTED["Records"][0]["body"]
    assert harness.telemetry.counts == {"IngestSetAside": 2}


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"hello": 1}', '"text"', '{"Records": [{}]}'])
def test_an_unreadable_message_is_set_aside_and_delays_no_other(body: str) -> None:
    harness = HandlerHarness(done)
    assert harness.receive(batch(body, created("red/docs/a"))) == []
    ((kept, reason, source),) = harness.queue.failures
    assert (kept, source) == (body, "unreadable")
    assert reason
    assert len(harness.taken[0]) == 1


def test_a_message_of_which_a_part_comes_later_comes_again_as_a_whole() -> None:
    body = created("red/docs/a")
    body["Records"] = [json.loads(json.dumps(body["Records"][0])) for _ in range(3)]
    for key, record in zip("abc", body["Records"], strict=True):
        record["s3"]["object"]["key"] = f"red/docs/{key}"
    by_key: dict[str, Outcome] = {
        "a": RetryLater(10, "soon"),
        "b": PermanentFailure("bad"),
        "c": RetryLater(30, "paced"),
    }
    harness = HandlerHarness(lambda event: by_key[event.location.key[-1]])  # type: ignore[union-attr]
    assert harness.receive(batch(body)) == []
    assert [seconds for _, seconds, _ in harness.queue.sent] == [30]
    assert harness.queue.failures == []
    by_key |= {"a": Done(), "c": Done()}
    assert harness.receive(batch(body)) == []
    assert [reason for _, reason, _ in harness.queue.failures] == ["bad"]


@pytest.mark.parametrize("outcome", [Done(WATCH, 20), RetryLater(45, "paced"), PermanentFailure("bad")])
def test_a_message_whose_follow_up_cannot_be_sent_is_not_deleted(outcome: Outcome) -> None:
    harness = HandlerHarness(lambda _: outcome)
    harness.queue.unreachable = True
    assert harness.receive(batch(created("red/docs/a"), created("red/docs/b"))) == ["m0", "m1"]
    assert harness.telemetry.counts == {"IngestUnsent": 2}
    harness.queue.unreachable = False
    assert harness.receive(batch(created("red/docs/a"))) == []


def test_a_table_that_cannot_be_reached_uses_up_no_receives() -> None:
    def unavailable(_: IngestEvent) -> Outcome:
        raise StoreUnavailable("simulated")

    harness = HandlerHarness(unavailable)
    assert harness.receive(batch(created("red/docs/a"), created("red/docs/b"))) == []
    assert len(harness.taken) == 1
    assert [seconds for _, seconds, _ in harness.queue.sent] == [60, 60]


def test_a_defect_holds_back_the_message_that_it_is_about_and_no_other() -> None:
    def defective(event: IngestEvent) -> Outcome:
        assert isinstance(event, ObjectChange)
        if event.location.key.endswith("b"):
            raise ZeroDivisionError
        return RetryLater(45, "paced")

    harness = HandlerHarness(defective)
    assert harness.receive(batch(*(created(f"red/docs/{key}") for key in "abc"))) == ["m1"]
    assert len(harness.queue.sent) == 2
    assert {type(error) for error in harness.telemetry.errors} == {ZeroDivisionError}
