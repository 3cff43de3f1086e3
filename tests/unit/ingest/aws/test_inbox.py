"""A batch of the queue: what is sent before what is deleted, and that nothing is dropped."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.gateway import RecordingTelemetry
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
    """An event of messages with those bodies and numbers."""
    (record,) = CREATED["Records"]
    numbers = {name: {"stringValue": str(value), "dataType": "Number"} for name, value in attributes.items()}
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    records = [
        record | {"messageId": f"m{n}", "body": text, "messageAttributes": numbers} for n, text in enumerate(texts)
    ]
    return {"Records": records}


def created(key: str) -> Any:
    """A notification that the object is there."""
    body = json.loads(CREATED["Records"][0]["body"])
    body["Records"][0]["s3"]["object"]["key"] = key
    return body


@dataclass
class Post:
    """Mail that is only written down. `away`: the queues cannot be reached."""

    sent: list[tuple[Any, int, Mapping[str, int | str]]] = field(default_factory=list)
    aside: list[tuple[str, str, str]] = field(default_factory=list)
    away: bool = False

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        """Noted."""
        self._reach()
        self.sent.append((json.loads(body), seconds, attributes))

    def send_to_dead_letter_queue(self, body: str, *, reason: str, source: str) -> None:
        """Noted."""
        self._reach()
        self.aside.append((body, reason, source))

    def _reach(self) -> None:
        if self.away:
            raise SourceUnavailable("sqs: ConnectTimeoutError")


class Counting(RecordingTelemetry):
    """Telemetry that remembers numbers, too."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()
        self.flushed = 0

    def count(self, name: str, value: int = 1) -> None:
        """Remembered."""
        self.counted[name] += value

    def flush(self) -> None:
        """Counted."""
        self.flushed += 1


@dataclass
class Scene:
    """The function around a taker that answers as it is told, notice by notice."""

    answer: Callable[[IngestEvent], Outcome]
    now: float = SENT + 5
    post: Post = field(default_factory=Post)
    notes: Counting = field(default_factory=Counting)
    taken: list[list[IngestEvent]] = field(default_factory=list)

    def process(self, notices: Sequence[IngestEvent]) -> Sequence[Outcome]:
        """As told."""
        self.taken.append(list(notices))
        return [self.answer(notice) for notice in notices]

    def receive(self, event: Any) -> list[str]:
        """The ids of the messages that are to come again."""
        clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now, sleep=lambda _: None)
        result = handler.bound_to(SqsBatchHandler(self, self.post, self.notes, clock))(event, None)
        assert set(result) == {"batchItemFailures"}
        return [failure["itemIdentifier"] for failure in result["batchItemFailures"]]


def done(_: IngestEvent) -> Outcome:
    return Done()


def test_the_samples_are_what_they_say() -> None:
    scene = Scene(done)
    for event in (CREATED, REMOVED, WANTED, ATTACHED):
        assert scene.receive(event) == []
    (there,), (gone,), (wanted,), (attached,) = scene.taken
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
    assert scene.post == Post()


def test_a_batch_is_taken_at_once() -> None:
    scene = Scene(done)
    assert scene.receive(batch(*(created(f"red/docs/{n}.txt") for n in range(3)))) == []
    assert [len(taken) for taken in scene.taken] == [3]
    assert scene.notes.flushed == 1


def test_a_deployment_without_a_bucket_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "deployed_settings", lambda: Settings(table="-"))
    with pytest.raises(ValueError, match="VECTORGATE_INGEST_BUCKET"):
        deployed_ingest()


def test_an_empty_batch_and_a_message_without_notices_ask_nobody() -> None:
    scene = Scene(done)
    assert scene.receive({"Records": []}) == []
    assert scene.receive(batch({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == []
    assert (scene.taken, scene.post) == ([], Post())


def test_what_follows_up_is_sent_as_a_reminder() -> None:
    scene = Scene(lambda _: Done(WATCH, 20))
    assert scene.receive(CREATED) == []
    ((body, seconds, attributes),) = scene.post.sent
    assert messages.read_events(body) == [WATCH]
    assert (seconds, attributes) == (20, {})


def test_what_comes_later_is_sent_again_with_when_it_was_first_seen() -> None:
    scene = Scene(lambda _: RetryLater(45, "paced"))
    assert scene.receive(CREATED) == []
    body = json.loads(CREATED["Records"][0]["body"])
    assert scene.post.sent == [(body, 45, {"first_seen": SENT, "attempts": 1, "reason": "paced"})]
    assert scene.receive(batch(body, first_seen=SENT - 60, attempts=1)) == []
    assert scene.post.sent[1] == (body, 45, {"first_seen": SENT - 60, "attempts": 2, "reason": "paced"})
    assert scene.notes.counted == {"IngestPutOff": 2}


def test_who_was_put_off_often_waits_longer() -> None:
    scene = Scene(lambda _: RetryLater(45, "paced"))
    scene.receive(batch(created("red/docs/a"), attempts=300))
    assert [seconds for _, seconds, _ in scene.post.sent] == [300]


def test_numbers_of_a_message_that_nobody_of_us_wrote_do_not_count() -> None:
    scene = Scene(lambda _: RetryLater(45, "paced"))
    event = batch(created("red/docs/a"))
    event["Records"][0]["messageAttributes"] = {
        "first_seen": {"stringValue": "9" * 12},
        "attempts": {"stringValue": "x"},
    }
    assert scene.receive(event) == []
    assert scene.post.sent[0][2] == {"first_seen": SENT, "attempts": 1, "reason": "paced"}


def test_what_was_put_off_for_hours_rings() -> None:
    scene = Scene(lambda _: RetryLater(45, "paced"), now=SENT + OVERDUE_S + 1)
    scene.receive(CREATED)
    assert scene.notes.counted["IngestOverdue"] == 1


def test_what_was_put_off_for_thirteen_days_is_set_aside_before_the_queue_loses_it() -> None:
    scene = Scene(lambda _: RetryLater(45, "paced"), now=SENT + MAX_AGE_S + 1)
    assert scene.receive(batch(created("red/docs/a"), attempts=9)) == []
    ((_, reason, source),) = scene.post.aside
    assert reason == "given up after 13 days and 9 attempts: paced"
    assert source.endswith("/red/docs/a")
    assert scene.post.sent == []


def test_poison_is_set_aside_with_its_reason_and_source() -> None:
    scene = Scene(lambda _: PermanentFailure("no team is mapped"))
    for event in (CREATED, WANTED):
        assert scene.receive(event) == []
    (_, reason, place), (body, _, sender) = scene.post.aside
    assert reason == "no team is mapped"
    assert place.endswith("/red/product-docs/tide tables, 2026.txt")
    assert sender == "com.example.crm 17793124-05d4-b198-2fde-7ededc63b103"
    assert body == WANTED["Records"][0]["body"]
    assert scene.notes.counted == {"IngestSetAside": 2}


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"hello": 1}', '"text"', '{"Records": [{}]}'])
def test_what_cannot_be_read_is_set_aside_and_holds_nobody_up(body: str) -> None:
    scene = Scene(done)
    assert scene.receive(batch(body, created("red/docs/a"))) == []
    ((kept, reason, source),) = scene.post.aside
    assert (kept, source) == (body, "unreadable")
    assert reason
    assert len(scene.taken[0]) == 1


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
    scene = Scene(lambda notice: by_key[notice.location.key[-1]])  # type: ignore[union-attr]
    assert scene.receive(batch(body)) == []
    assert [seconds for _, seconds, _ in scene.post.sent] == [30]
    assert scene.post.aside == []
    by_key |= {"a": Done(), "c": Done()}
    assert scene.receive(batch(body)) == []
    assert [reason for _, reason, _ in scene.post.aside] == ["bad"]


@pytest.mark.parametrize("outcome", [Done(WATCH, 20), RetryLater(45, "paced"), PermanentFailure("bad")])
def test_what_could_not_be_sent_is_not_deleted(outcome: Outcome) -> None:
    scene = Scene(lambda _: outcome)
    scene.post.away = True
    assert scene.receive(batch(created("red/docs/a"), created("red/docs/b"))) == ["m0", "m1"]
    assert scene.notes.counted == {"IngestUnsent": 2}
    scene.post.away = False
    assert scene.receive(batch(created("red/docs/a"))) == []


def test_a_table_that_cannot_be_reached_uses_up_no_receives() -> None:
    def away(_: IngestEvent) -> Outcome:
        raise StoreUnavailable("simulated")

    scene = Scene(away)
    assert scene.receive(batch(created("red/docs/a"), created("red/docs/b"))) == []
    assert len(scene.taken) == 1
    assert [seconds for _, seconds, _ in scene.post.sent] == [60, 60]


def test_a_defect_holds_back_the_message_that_it_is_about_and_no_other() -> None:
    def defective(notice: IngestEvent) -> Outcome:
        assert isinstance(notice, ObjectChange)
        if notice.location.key.endswith("b"):
            raise ZeroDivisionError
        return RetryLater(45, "paced")

    scene = Scene(defective)
    assert scene.receive(batch(*(created(f"red/docs/{key}") for key in "abc"))) == ["m1"]
    assert len(scene.post.sent) == 2
    assert {type(trouble) for trouble in scene.notes.troubles} == {ZeroDivisionError}
