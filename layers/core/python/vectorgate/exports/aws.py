"""The exporter on AWS: the queues, and the destinations EventBridge and S3."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from vectorgate.classes import dataclass
from vectorgate.exports.documents import document_of, parts_of
from vectorgate.exports.names import EVENTBRIDGE
from vectorgate.exports.ports import DeliveryFailed
from vectorgate.exports.queues import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from vectorgate.aws.clients import AwsClients
    from vectorgate.exports.queues import Message
    from vectorgate.exports.record import Record

    Returned = TypeVar("Returned")

AT_ONCE: Final = 10  # messages of one SendMessageBatch
EVENT_SOURCE: Final = "vectorgate"
DETAIL_TYPE: Final = "Usage Records"
EVENTS_AT_ONCE: Final = 4  # PutEvents takes 256 KB
RECORDS_AT_ONCE: Final = 1_000  # more than ten messages hold
FIFO: Final = ".fifo"
MOST_TEXT: Final = 256  # of a message's attribute


class SqsExportQueue:
    """ExportQueue on SQS: FIFO for a destination in order, a standard one for others."""

    def __init__(self, clients: AwsClients, *, url: str, failures_url: str) -> None:
        self._clients = clients
        self._url = url
        self._failures_url = failures_url

    def send(self, messages: Sequence[Message]) -> None:
        """One SendMessageBatch for up to ten messages. No two of a group are in one, of which either may fail."""
        for batch in batches(messages):
            entries: Any = [{"Id": str(at), **_message(self._url, message)} for at, message in enumerate(batch)]
            answer: Any = _call(lambda: self._clients.sqs.send_message_batch(QueueUrl=self._url, Entries=entries))  # noqa: B023 - now
            if answer.get("Failed"):
                raise QueueUnavailable(str(answer["Failed"][0].get("Code")))

    def put_off(self, receipt: str, seconds: int) -> None:
        """One ChangeMessageVisibility."""
        _call(
            lambda: self._clients.sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
        )

    def set_aside(self, message: Message, reason: str) -> None:
        """One SendMessage."""
        attributes = {"reason": {"DataType": "String", "StringValue": reason[:MOST_TEXT] or "-"}}
        arguments = {**_message(self._failures_url, message), "MessageAttributes": attributes}
        _call(lambda: self._clients.sqs.send_message(QueueUrl=self._failures_url, **arguments))


@dataclass(frozen=True, slots=True)
class EventBridge:
    """Destination: events of several records each, which are of one team, so that a rule can tell teams apart."""

    clients: AwsClients
    bus: str
    name: str = EVENTBRIDGE
    at_once: int = RECORDS_AT_ONCE

    def deliver(self, records: Sequence[Record]) -> None:
        """One PutEvents for up to four events. Where the bus refuses one of them, all are put again."""
        place = {"EventBusName": self.bus, "Source": EVENT_SOURCE, "DetailType": DETAIL_TYPE}
        entries = [{**place, "Detail": document_of(part)} for part in _of_teams(records)]
        for at in range(0, len(entries), EVENTS_AT_ONCE):
            self._put(entries[at : at + EVENTS_AT_ONCE])

    def _put(self, entries: Any) -> None:  # noqa: ANN401 - boto3's own types are not installed
        answer: Any = _call(lambda: self.clients.events.put_events(Entries=entries), DeliveryFailed)
        codes = sorted({str(entry["ErrorCode"]) for entry in answer["Entries"] if entry.get("ErrorCode")})
        if codes:
            raise DeliveryFailed(", ".join(codes))


@dataclass(frozen=True, slots=True)
class S3Sink:
    """ObjectSink: a bucket."""

    clients: AwsClients
    bucket: str

    def put(self, key: str, content: bytes) -> None:
        """One PutObject."""
        _call(lambda: self.clients.s3.put_object(Bucket=self.bucket, Key=key, Body=content), DeliveryFailed)


def batches(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages in their order, in batches of at most ten without two of one group. Pure."""
    found: list[list[Message]] = [[]]
    for message in messages:
        if len(found[-1]) == AT_ONCE or message.group in {each.group for each in found[-1]}:
            found.append([])
        found[-1].append(message)
    return [batch for batch in found if batch]


def _of_teams(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    teams: dict[object, list[Record]] = {}
    for record in records:
        teams.setdefault(record.get("team_id"), []).append(record)
    return chain.from_iterable(map(parts_of, teams.values()))


def _message(url: str, message: Message) -> dict[str, Any]:
    if not url.endswith(FIFO):
        return {"MessageBody": message.body}
    return {
        "MessageBody": message.body,
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.id,
    }


def _call(request: Callable[[], Returned], failed: type[Exception] = QueueUnavailable) -> Returned:
    """What the request returns, or `failed`, with AWS's code or the type of the error."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the client

    try:
        return request()
    except ClientError as error:
        raise failed(str(error.response.get("Error", {}).get("Code"))) from error
    except BotoCoreError as error:
        raise failed(type(error).__name__) from error
