"""`GET /admin/dead_letters`: what was set aside, on SQS and in local mode."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from local.dead_letters import LocalDeadLetters
from local.folder_source import BUCKET
from tests.factories.ledger import begun
from tests.factories.secrets import MASTER_KEY
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.admin import AdminHarness
from vectorgate.admin import dead_letters, sqs_dead_letters
from vectorgate.admin.app import AdminApp
from vectorgate.admin.dead_letter_queues import DeadLetter, DeadLetterQueue, NoDeadLetters
from vectorgate.admin.sqs_dead_letters import SqsDeadLetters
from vectorgate.api.errors import InvalidRequest, Unavailable
from vectorgate.api.http import Body, Request
from vectorgate.exports.ports import DeliveryFailed, RecordRefused, Waiting
from vectorgate.ingest.model import ObjectLocation
from vectorgate.ledger.entry import State
from vectorgate.persistence.sqlite import Database, SqliteIngest, SqliteOutbox, stores_on
from vectorgate.providers.credentials import Secret
from vectorgate.settings import Settings, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vectorgate.admin.dead_letter_queues import DeadLetters
    from vectorgate.exports.record import Record

REGION = "eu-central-1"


class Given(NoDeadLetters):
    """The queues that a test names."""

    def __init__(self, *queues: DeadLetterQueue) -> None:
        self._queues = queues

    def queues(self) -> Sequence[DeadLetterQueue]:
        return self._queues


def test_every_queue_is_listed_with_some_of_its_messages(admin: AdminHarness) -> None:
    letters = [DeadLetter(id=f"m{number}", at_ms=1_772_600_767_000, reason="refused: 410") for number in range(12)]
    given = Given(
        DeadLetterQueue(name="settlement", count=0), DeadLetterQueue(name="ingest", count=40, letters=letters)
    )
    found = dead_letters.listing(Request(method="GET", path="/"), replace(admin.deps(), dead_letters=given))
    assert isinstance(found["data"], list)
    assert [(each["queue"], each["count"], len(each["messages"])) for each in found["data"]] == [
        ("ingest", 40, 10),
        ("settlement", 0, 0),
    ]
    first = {"id": "m0", "set_aside_at": "2026-03-04T05:06:07+00:00", "reason": "refused: 410"}
    assert found["data"][0]["messages"][0] == first
    assert admin.ask("GET", "/admin/dead_letters") == (200, {"object": "list", "data": [], "has_more": False})
    assert admin.ask("GET", "/admin/dead_letters", queue="ingest")[0] == 400


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Two queues of an emulated SQS, by name."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    sqs_dead_letters._client.cache_clear()
    with mock_aws():
        sqs = boto3.client("sqs", region_name=REGION)
        yield {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("ingest", "settlement")}
    sqs_dead_letters._client.cache_clear()


def test_messages_of_sqs_are_shown_and_stay_visible(queues: dict[str, str]) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    attributes: Any = {"reason": {"DataType": "String", "StringValue": "no such team"}}
    sent = sqs.send_message(QueueUrl=queues["ingest"], MessageBody="{}", MessageAttributes=attributes)["MessageId"]
    environment = {f"VECTORGATE_DEAD_LETTERS_{name.upper()}": url for name, url in queues.items()}
    looked = SqsDeadLetters(read({"VECTORGATE_TABLE": "t", "AWS_REGION": REGION, **environment}))
    for _ in range(2):
        found = {queue.name: queue for queue in looked.queues()}
        assert found["settlement"] == DeadLetterQueue(name="settlement", count=0)
        (letter,) = found["ingest"].letters
        assert (found["ingest"].count, letter.id, letter.reason) == (1, sent, "no such team")
        assert letter.at_ms is not None
    assert len(sqs.receive_message(QueueUrl=queues["ingest"])["Messages"]) == 1


def test_queues_that_cannot_be_read_are_503(queues: dict[str, str]) -> None:
    settings = Settings(table="t", region=REGION, dead_letters={"ingest": queues["ingest"] + "-gone"})
    with pytest.raises(Unavailable, match="dead-letter queues"):
        SqsDeadLetters(settings).queues()


class Receiver:
    """A destination that refuses what a test names, or takes nothing now."""

    name = "webhook"
    at_once = 10

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.is_away = False
        self.got: list[str] = []

    def deliver(self, records: Sequence[Record]) -> None:
        """All or none of them."""
        ids = [str(record["id"]) for record in records]
        if self.is_away:
            raise DeliveryFailed("503")
        if self.refused & {*ids}:
            raise RecordRefused("410 Gone")
        self.got += ids


@dataclass
class Local:
    """The dead letters of local mode, with a destination, and the admin app that handles them."""

    outbox: SqliteOutbox
    receiver: Receiver
    admin: AdminHarness
    letters: LocalDeadLetters

    def ask(self, verb: str, **body: object) -> tuple[int, Any]:
        """The answer to a change."""
        deps = replace(self.admin.deps(), dead_letters=self.letters)
        app = AdminApp(master_key=Secret(MASTER_KEY), deps=deps, telemetry=RecordingTelemetry())
        headers = {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"}
        content, path = Body.of(json.dumps(body).encode()), f"/admin/dead_letters/{verb}"
        answer = app.handle(Request(method="POST", path=path, query={}, headers=headers, body=content))
        return answer.status, json.loads(answer.read_body())


@pytest.fixture
def local() -> Iterator[Local]:
    """Three records that the webhook has refused, one of a destination that is not chosen any more, and a file."""
    database = Database()
    stores = stores_on(database)
    outbox, ingest = SqliteOutbox(database, lambda: 7), SqliteIngest(database)
    for number in range(3):
        stores.ledger.begin(begun(number, state=State.ANSWERED))
        outbox.set_aside("webhook", Waiting(number, begun(number).id, 1_772_600_767_000), "410 Gone")
    outbox.set_aside("slack", Waiting(1, begun(1).id, 1), "404")
    ingest.put_refusal(ObjectLocation(BUCKET, "demo/notes.exe"), "0.2.0")
    receiver = Receiver()
    letters = LocalDeadLetters(outbox, ingest, stores.ledger, {"webhook": receiver})
    yield Local(outbox, receiver, AdminHarness(stores), letters)
    database.close()


def test_local_mode_has_those_of_exports_and_of_the_watched_folder(local: Local) -> None:
    webhook, slack, folder = local.letters.queues()
    assert (webhook.name, webhook.count, webhook.letters[0].reason) == ("export webhook", 3, "410 Gone")
    assert (webhook.actions, slack.actions, folder.actions) == (("retry", "drop"), ("drop",), ("retry",))
    assert (folder.name, [letter.id for letter in folder.letters]) == ("ingest", ["demo/notes.exe"])


def test_records_are_delivered_again_in_their_order_and_what_is_refused_again_stays(local: Local) -> None:
    ids = [str(begun(number).id) for number in range(3)]
    local.receiver.is_away = True
    away = {"queue": "export webhook", "retried": 0, "left": 3, "reason": "503"}
    assert local.ask("retry", queue="export webhook") == (200, away)
    local.receiver.is_away, local.receiver.refused = False, {ids[1]}
    assert local.ask("retry", queue="export webhook", ids=[ids[2]])[1]["retried"] == 1
    again = {"queue": "export webhook", "retried": 1, "left": 1, "reason": "410 Gone"}
    assert local.ask("retry", queue="export webhook") == (200, again)
    assert local.receiver.got == [ids[2], ids[0]]
    assert [row.id for row in local.outbox.dead_of("webhook", 9)] == [ids[1]]
    changes = local.admin.ask("GET", "/audit", table_name="dead_letter")[1]["audit_logs"]
    assert [(each["action"], each["object_id"]) for each in changes] == [("updated", "export webhook")] * 3


def test_records_are_given_up_and_a_refused_file_is_tried_again(local: Local) -> None:
    assert local.ask("drop", queue="export webhook", ids=[begun(1).id])[1]["dropped"] == 1
    assert local.ask("drop", queue="export slack") == (200, {"queue": "export slack", "dropped": 1})
    assert [queue.count for queue in local.letters.queues()] == [2, 1]
    assert local.ask("retry", queue="ingest", ids=["demo/notes.exe"])[1]["retried"] == 1
    assert [queue.count for queue in local.letters.queues()] == [2, 0]
    for verb, queue in (("drop", "ingest"), ("retry", "export slack"), ("retry", "settlement"), ("drop", "")):
        status, document = local.ask(verb, queue=queue)
        assert (status, document["error"]["param"]) == (400, "queue"), (verb, queue)


def test_sqs_moves_its_own_dead_letters_and_a_gateway_without_any_has_none() -> None:
    on_aws: DeadLetters = SqsDeadLetters(Settings(table="t", region=REGION))
    for letters, hint in ((on_aws, "On AWS, SQS"), (NoDeadLetters(), "no dead letters of 'ingest'")):
        for act in (letters.retry, letters.drop):
            with pytest.raises(InvalidRequest, match=hint):
                act("ingest", None)
