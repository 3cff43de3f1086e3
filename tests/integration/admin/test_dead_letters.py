"""`GET /admin/dead_letters`: what was set aside, on SQS and in local mode."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from local.dead_letters import LocalDeadLetters
from local.folder_source import BUCKET
from tests.factories.ledger import operation_id
from vectorgate.admin import dead_letters, sqs_dead_letters
from vectorgate.admin.dead_letter_queues import DeadLetter, DeadLetterQueue
from vectorgate.admin.sqs_dead_letters import SqsDeadLetters
from vectorgate.api.errors import Unavailable
from vectorgate.api.http import Request
from vectorgate.exports.ports import Waiting
from vectorgate.ingest.model import ObjectLocation
from vectorgate.persistence.sqlite import Database, SqliteIngest, SqliteOutbox
from vectorgate.settings import Settings, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.harnesses.admin import AdminHarness

REGION = "eu-central-1"


class Given:
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


def test_local_mode_has_those_of_exports_and_of_the_watched_folder() -> None:
    database = Database()
    outbox, ingest = SqliteOutbox(database, lambda: 7), SqliteIngest(database)
    outbox.set_aside("webhook", Waiting(1, operation_id(1), 1_772_600_767_000), "410 Gone")
    ingest.put_refusal(ObjectLocation(BUCKET, "demo/notes.exe"), "0.2.0")
    exports, folder = LocalDeadLetters(outbox, ingest).queues()
    assert (exports.name, exports.count, exports.letters[0].reason) == ("export webhook", 1, "410 Gone")
    assert (folder.name, [letter.id for letter in folder.letters]) == ("ingest", ["demo/notes.exe"])
    database.close()
