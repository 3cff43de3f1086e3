"""The exporter on AWS: from the stream to queues, and from each queue to its destination."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from tests.factories.ledger import answered, begun, settled
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.api.http import encode_json
from vectorgate.clock import Random
from vectorgate.entrypoints.exporter import handler
from vectorgate.exports.build import ExporterApp
from vectorgate.exports.documents import records_in
from vectorgate.exports.exporter import Exporter
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.ports import DeliveryFailed, RecordRefused
from vectorgate.exports.queues import Message, QueueUnavailable, messages_of
from vectorgate.exports.record import record_of
from vectorgate.ids import ObjectId
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.persistence.dynamodb.stream import settled_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.exports.ports import Destination
    from vectorgate.exports.record import Record
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore

EVENTS: Final = Path(__file__).parents[3] / "events"
SAMPLES: Final = ("exporter_stream.json", "exporter_queue.json")
REGION: Final = "eu-central-1"
HALF: Final = Random(lambda bits: 1 << (bits - 1))


def row(number: int, store: str | None = "vs_1", **fields: Any) -> LedgerEntry:
    """A settled row."""
    name = ObjectId(store) if store is not None else None
    return settled(answered(begun(number), vector_store_id=name, **fields))


def image(entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    """A store's rollup after a settlement of these rows, as in the stream."""
    return {"PK": {"S": "USE#store#2026-03#1"}, "settled": {"S": " ".join(entry.id for entry in entries)}}


def stream(*images: Mapping[str, Any]) -> dict[str, Any]:
    """The event of the stream with these images."""
    return {
        "Records": [
            {
                "eventSource": "aws:dynamodb",
                "eventName": "MODIFY",
                "dynamodb": {"SequenceNumber": str(at), "NewImage": each},
            }
            for at, each in enumerate(images)
        ]
    }


@dataclass
class Rows:
    """The part of the ledger that the exporter reads."""

    known: dict[str, LedgerEntry] = field(default_factory=dict)

    def entries(self, ids: Sequence[str]) -> dict[str, LedgerEntry]:
        """The rows that there are."""
        return {id_: self.known[id_] for id_ in ids if id_ in self.known}


@dataclass
class Kept:
    """A queue that keeps what it gets, and fails so many calls."""

    failing: int = 0
    sent: list[Message] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    pauses: list[tuple[str, int]] = field(default_factory=list)

    def send(self, messages: Sequence[Message]) -> None:
        """Keep messages."""
        self._fail()
        self.sent += messages

    def put_off(self, receipt: str, seconds: int) -> None:
        """Keep a pause."""
        self.pauses.append((receipt, seconds))

    def set_aside(self, message: Message, reason: str) -> None:
        """Keep a dead letter."""
        self._fail()
        self.aside.append((message.body, reason))

    def _fail(self) -> None:
        if self.failing:
            self.failing -= 1
            raise QueueUnavailable("unavailable")


@dataclass
class Picky:
    """A destination that fails at some records and refuses others."""

    fails: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()
    is_failing: bool = False
    name: str = "webhook"
    at_once: int = 2
    got: list[str] = field(default_factory=list)

    def deliver(self, records: Sequence[Record]) -> None:
        """Take them, or none."""
        ids = [str(record["id"]) for record in records]
        if self.is_failing or self.fails.intersection(ids):
            raise DeliveryFailed("status 503", retry_after=30)
        if self.refuses.intersection(ids):
            raise RecordRefused("status 400")
        self.got += ids


@dataclass
class App:
    """The function around fakes."""

    rows: list[LedgerEntry]
    destination: Picky = field(default_factory=Picky)
    queue: Kept = field(default_factory=Kept)
    alerts: Kept = field(default_factory=Kept)
    events: Kept = field(default_factory=Kept)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)

    def __call__(self, event: Mapping[str, object]) -> Any:
        """What the function returns."""
        ledger = cast("LedgerStore", Rows({entry.id: entry for entry in self.rows}))
        destination = cast("Destination", self.destination)
        app = ExporterApp(
            fan_out=FanOut(
                ledger, {"webhook": self.queue, "slack": self.alerts, "eventbridge": self.events}, self.telemetry
            ),
            exporter=Exporter({"webhook": self.queue}, {"webhook": destination}, HALF, self.telemetry),
            queues={"gate-export-webhook.fifo": "webhook"},
        )
        return handler.bound_to(app)(event, None)

    def receive(self, *bodies: str, attempts: int = 1) -> Any:
        """What the function returns for a batch of the queue."""
        records = [
            {
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:gate-export-webhook.fifo",
                "messageId": f"m{at}",
                "receiptHandle": f"r{at}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(attempts), "MessageGroupId": "g"},
            }
            for at, body in enumerate(bodies)
        ]
        return self({"Records": records})


def body(entry: LedgerEntry) -> str:
    """The message of a row in order."""
    return encode_json(record_of(entry)).decode()


def together(*entries: LedgerEntry) -> str:
    """The message of rows without order."""
    return json.dumps({"records": [record_of(entry) for entry in entries]})


def test_each_settled_row_is_sent_to_every_queue_in_the_order_of_its_store() -> None:
    rows = [row(1), row(2), row(3, None, budgets=("key/ever",)), row(4)]
    app = App(rows)
    event = stream(image([rows[1], rows[0]]), operation_item(rows[2]), operation_item(rows[3]), image([rows[3]]))
    assert app(event) == {"batchItemFailures": []}
    assert [message.id for message in app.queue.sent] == [rows[at].id for at in (1, 0, 2, 3)]
    assert json.loads(app.queue.sent[0].body) == record_of(rows[1])
    groups = [message.group for message in app.queue.sent]
    assert groups[0] == groups[1] == groups[3] != groups[2] == rows[2].id
    assert [(message.id, message.group) for message in app.alerts.sent] == [(rows[2].id, "slack")]


def test_rows_go_together_to_a_destination_without_order_and_are_not_read() -> None:
    rows = [row(1), row(2, None), row(3, end_user="é")]
    app = App([])
    event = stream(image(rows), *map(operation_item, rows), operation_item(answered(begun(4))))
    assert app(event) == {"batchItemFailures": []}
    (message,) = app.events.sent
    assert (message.id, json.loads(message.body)) == (rows[0].id, {"records": [record_of(each) for each in rows]})
    assert app.queue.sent == []  # which reads the rows, and found none


def test_a_message_of_many_records_is_below_what_is_billed_twice_but_for_one_of_one_record() -> None:
    long = [row(number, tags=("é" * 2_000,) * (1 + number % 3)) for number in range(9)]
    alone = row(9, tags=("x" * 70_000,))
    found = messages_of([record_of(each) for each in (*long, alone, row(10))], "s3")
    sizes = [len(message.body) for message in found]
    assert [size > 64 * 1024 for size in sizes] == [False] * (len(found) - 2) + [True, False]
    assert 1 < len(found) < 9
    records = [record for message in found for record in records_in(message.body)]
    assert [record["id"] for record in records] == [each.id for each in (*long, alone, row(10))]


def test_a_batch_of_the_stream_that_could_not_be_sent_comes_again_from_its_first_change() -> None:
    rows = [row(1), row(2)]
    app = App(rows, queue=Kept(failing=1), events=Kept(failing=1))
    event = stream({"PK": {"S": "KEY#1"}}, image(rows), *map(operation_item, rows))
    assert app(event) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert app(event) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert app(event) == {"batchItemFailures": []}
    assert [message.id for message in app.queue.sent[2:]] == [entry.id for entry in rows]
    assert len(app.events.sent) == 1
    assert app(stream({"PK": {"S": "USE#key#1"}})) == {"batchItemFailures": []}


def test_rows_that_are_not_settled_or_have_a_store_are_no_changes_of_their_own() -> None:
    answered_row = answered(begun(1), vector_store_id=None)
    assert settled_ids(stream(operation_item(answered_row), operation_item(row(2)))) == []


def test_the_first_message_that_fails_and_all_behind_it_come_again_after_a_growing_pause() -> None:
    rows = [row(at) for at in range(5)]
    app = App(rows, Picky(fails=frozenset({rows[2].id})))
    again = {"batchItemFailures": [{"itemIdentifier": f"m{at}"} for at in (2, 3, 4)]}
    assert app.receive(*map(body, rows), attempts=1) == again
    assert app.destination.got == [rows[0].id, rows[1].id]
    assert app.queue.pauses == [("r2", 30), ("r3", 30), ("r4", 30)]  # as the destination asks for
    app.receive(*map(body, rows), attempts=40)
    assert app.queue.pauses[3:] == [("r2", 675), ("r3", 675), ("r4", 675)]


def test_what_is_refused_or_unreadable_is_a_dead_letter_and_delays_no_other() -> None:
    rows = [row(at) for at in range(4)]
    app = App(rows, Picky(refuses=frozenset({rows[1].id})))
    assert app.receive(body(rows[0]), body(rows[1]), "[1", '{"version": 1}', body(rows[3])) == {"batchItemFailures": []}
    assert app.destination.got == [rows[0].id, rows[3].id]
    assert app.queue.aside == [
        ("[1", "unreadable"),
        ('{"version": 1}', "unreadable"),
        (body(rows[1]), "status 400"),
    ]
    assert app.telemetry.counts["ExportDeadLetters"] == 3


def test_of_a_message_of_many_records_the_refused_ones_are_dead_letters_and_what_failed_comes_again() -> None:
    rows = [row(at) for at in range(6)]
    app = App(rows, Picky(refuses=frozenset({rows[1].id}), fails=frozenset({rows[4].id})))
    again = {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert app.receive(together(*rows[:3]), together(*rows[3:])) == again
    assert app.queue.aside == [(body(rows[1]), "status 400")]
    assert app.destination.got == [rows[0].id, rows[2].id, rows[3].id]
    assert [receipt for receipt, _ in app.queue.pauses] == ["r1"]


def test_a_message_that_no_destination_could_be_told_of_is_a_dead_letter() -> None:
    record = json.loads(body(row(1)))
    changes: list[dict[str, object]] = [
        {"started_at": "yesterday"},
        {"ended_at": None},
        {"spend_nano_usd": "7"},
        {"byte_seconds": float("inf")},
        {"id": 1},
        {"key_alias": "\ud800"},
        {"spend_nano_usd": 10**400},
    ]
    unreadable = [json.dumps(record | change) for change in changes]
    lists: list[object] = [[], {}, "", 5, None, [record, 7], [record, record | {"id": 1}]]
    unreadable += [json.dumps({"records": each}) for each in lists]
    app = App([row(1)], Picky())
    assert app.receive(*unreadable, body(row(1))) == {"batchItemFailures": []}
    assert app.queue.aside == [(each, "unreadable") for each in unreadable]
    assert app.destination.got == [row(1).id]


def test_a_dead_letter_that_cannot_be_sent_leaves_its_message_in_the_queue() -> None:
    rows = [row(1)]
    app = App(rows, Picky(refuses=frozenset({rows[0].id})), Kept(failing=1))
    assert app.receive(body(rows[0])) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_the_sample_events_are_those_of_the_stream_and_of_a_queue() -> None:
    stream_event, queue_event = (json.loads((EVENTS / name).read_text()) for name in SAMPLES)
    sample = json.loads(queue_event["Records"][0]["body"])
    named = row(1).changed(id=sample["id"])
    app = App([named])
    assert app(stream_event) == {"batchItemFailures": []}
    assert [message.id for message in app.queue.sent] == [sample["id"]]
    (together,) = app.events.sent
    assert [record["id"] for record in records_in(together.body)] == [sample["id"]]
    assert app(queue_event) == {"batchItemFailures": []}
    assert app.destination.got == [sample["id"]]
    assert sample.keys() <= {"upstream_us", "overhead_us", "team_id", *record_of(named)}


def test_a_check_delivers_a_record_past_the_queue_and_says_what_failed() -> None:
    app = App([])
    assert app({"check": "webhook"}) == {"delivered": True}
    assert len(app.destination.got) == 1
    assert app({"check": "otel"}) == {"chosen": ["webhook"]}
    app.destination.is_failing = True
    assert app({"check": "webhook"}) == {"error": "status 503"}
    with pytest.raises(ValueError, match="without records"):
        app({})
