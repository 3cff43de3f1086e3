"""What ingestion reaches on AWS: the objects (S3), the queue and its dead letters (SQS), the bus (EventBridge).

Clients are made at the first use, boto3 is imported then. Whatever goes wrong that may be over in a minute is
SourceUnavailable; its message names the service, AWS's code and the place, and nothing of an object's content.
"""

from __future__ import annotations

import io
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from vectorgate.ingest.ports import SourceUnavailable, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

    from vectorgate.clock import Clock, Random
    from vectorgate.ingest.model import ObjectLocation, Result

    Answer = TypeVar("Answer")

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 20  # between two pieces of an object; an answer of the other services comes in milliseconds
ATTEMPTS: Final = 3
PIECE: Final = 256 * 1024  # of an object: what is held of it at a time

SOURCE: Final = "vectorgate"  # of our events; the role may put no other
ENTRIES: Final = 10  # of one PutEvents
PAUSES_S: Final = (0.1, 0.4, 1.6)  # upper bounds, before entries that the bus did not take are put again

LONGEST_DELAY_S: Final = 900  # SQS's
LONGEST_REASON: Final = 1024  # bytes

# GetObject of what is not there: the key, the version, or a version that is a delete marker.
_ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})
# What XML 1.0, and so an attribute of a message, cannot say: keys of objects can.
_UNSPEAKABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Clients:
    """One client for each service, all alike."""

    def __init__(self, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def s3(self) -> S3Client:
        """For the objects."""
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        """For both queues."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def events(self) -> Any:  # noqa: ANN401 - EventBridge's; its stubs are not installed
        """For the bus."""
        return self._client("events")

    def _client(self, service: Any) -> Any:  # noqa: ANN401 - boto3's name of a service, and what it makes of it
        import boto3  # noqa: PLC0415 - 250 ms that a function without a message does not pay
        from botocore.config import Config  # noqa: PLC0415 - the same

        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        return boto3.client(service, region_name=self._region, endpoint_url=self._endpoint_url, config=config)


class S3Objects:
    """Objects as S3 holds them, read a piece at a time."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def open(self, place: ObjectLocation, version: str | None) -> StoredObject | None:
        """That version with its metadata and tags; None when it is not there, or only its deletion is."""
        names: Any = {"Bucket": place.bucket, "Key": place.key} | ({"VersionId": version} if version else {})
        where = f"s3 {place.bucket}/{place.key}"
        found = _unless_absent(where, lambda: self._clients.s3.get_object(**names))
        if found is None:
            return None
        stream = io.BufferedReader(_Stream(found["Body"], where), PIECE)
        try:
            tags = self._tags(names, where) if found.get("TagCount") else {}
        except BaseException:
            stream.close()
            raise
        if tags is None:
            stream.close()
            return None
        return StoredObject(
            size=found["ContentLength"],
            version=found.get("VersionId"),
            content_type=found.get("ContentType"),
            metadata=found.get("Metadata", {}),
            tags=tags,
            stream=stream,
        )

    def _tags(self, names: Mapping[str, str], where: str) -> Mapping[str, str] | None:
        asked: Any = names
        found = _unless_absent(where, lambda: self._clients.s3.get_object_tagging(**asked))
        return None if found is None else {tag["Key"]: tag["Value"] for tag in found["TagSet"]}


class _Stream(io.RawIOBase):
    """The body of an answer. What breaks off while it is read is SourceUnavailable."""

    def __init__(self, body: Any, where: str) -> None:  # noqa: ANN401 - botocore's StreamingBody
        self._body = body
        self._where = where

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - anything that can be written to
        """As many bytes as come. botocore checks length and checksum at the end."""
        piece: bytes = _asked(self._where, lambda: self._body.read(len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Let go of the connection."""
        self._body.close()
        super().close()


class SqsQueue:
    """The queue that messages come from and are sent again to, and the one for what is set aside."""

    def __init__(self, clients: Clients, *, queue_url: str, failures_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url
        self._failures_url = failures_url

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        """A message that is to come in so many seconds (SQS: 15 minutes at most), with what goes with it."""
        _asked(
            "sqs",
            lambda: self._clients.sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body,
                DelaySeconds=min(max(seconds, 0), LONGEST_DELAY_S),
                MessageAttributes={name: _attribute(value) for name, value in attributes.items()},
            ),
        )

    def set_aside(self, body: str, *, reason: str, source: str) -> None:
        """A message for the dead-letter queue. Moved back from there, it is as new."""
        _asked(
            "sqs",
            lambda: self._clients.sqs.send_message(
                QueueUrl=self._failures_url,
                MessageBody=body,
                MessageAttributes={"reason": _attribute(reason), "source": _attribute(source)},
            ),
        )


class EventBridgeBus:
    """Results as events. An entry that the bus does not take is put again, then SourceUnavailable."""

    def __init__(self, clients: Clients, name: str, *, clock: Clock, randomness: Random) -> None:
        self._clients = clients
        self._name = name
        self._clock = clock
        self._chance = randomness

    def publish(self, results: Sequence[Result]) -> None:
        """All of them; after a failure some may be delivered and all may be published again."""
        for first in range(0, len(results), ENTRIES):
            self._put([self._entry(result) for result in results[first : first + ENTRIES]])

    def _put(self, entries: list[dict[str, str]]) -> None:
        for pause in (*PAUSES_S, None):
            answer: Any = _asked("events", lambda: self._clients.events.put_events(Entries=entries))  # noqa: B023 - now
            codes = {place: entry.get("ErrorCode") for place, entry in enumerate(answer["Entries"])}
            refused = {place: code for place, code in codes.items() if code is not None}
            if not refused:
                return
            if pause is None:
                raise SourceUnavailable(f"events: {sorted(set(refused.values()))}")
            entries = [entries[place] for place in refused]
            self._clock.sleep(pause * self._chance.fraction())

    def _entry(self, result: Result) -> dict[str, str]:
        detail = json.dumps(result.detail, allow_nan=False)
        return {"EventBusName": self._name, "Source": SOURCE, "DetailType": result.kind.value, "Detail": detail}


def _unless_absent(where: str, ask: Callable[[], Answer]) -> Answer | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - loaded with the client

    def present() -> Answer | None:
        try:
            return ask()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                return None
            raise

    return _asked(where, present)


def _asked(where: str, ask: Callable[[], Answer]) -> Answer:
    """The answer, or SourceUnavailable with the kind of failure."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the client
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - the same
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what botocore lets through while a body is read

    try:
        return ask()
    except ClientError as error:
        raise SourceUnavailable(f"{where}: {error.response.get('Error', {}).get('Code')}") from error
    except (BotoCoreError, ResponseParserError, HTTPError, OSError) as error:
        raise SourceUnavailable(f"{where}: {type(error).__name__}") from error


def _attribute(value: int | str) -> Any:  # noqa: ANN401 - SQS's
    """A number, or a text: 1 KB at most, and never empty."""
    if isinstance(value, int):
        return {"DataType": "Number", "StringValue": str(value)}
    cut = _UNSPEAKABLE.sub("\ufffd", value).encode("utf-8")[:LONGEST_REASON]
    return {"DataType": "String", "StringValue": cut.decode("utf-8", "ignore") or "-"}
