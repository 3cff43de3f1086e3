"""Ingestion's adapters on AWS: objects (S3), the queue and its dead-letter queue (SQS), the bus (EventBridge).

Failures that may be over in a minute are SourceUnavailable; its message names the service, AWS's code and the object's
location, nothing of an object's content.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

from vectorgate.ingest.ports import SourceUnavailable, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from vectorgate.aws.clients import AwsClients
    from vectorgate.clock import Clock, Random
    from vectorgate.ingest.model import ObjectLocation, ResultEvent

    Returned = TypeVar("Returned")

READ_TIMEOUT_S: Final = 20  # between two chunks of an object; the other services answer in milliseconds
CHUNK_BYTES: Final = 256 * 1024  # of an object, which is read a chunk at a time

EVENT_SOURCE: Final = "vectorgate"  # of the events that are published; the role may put no other
MAX_ENTRIES: Final = 10  # of one PutEvents
BACKOFF_S: Final = (0.1, 0.4, 1.6)  # upper bounds of the delays before entries that the bus refused are put again

MAX_DELAY_S: Final = 900  # SQS's
MAX_ATTRIBUTE_BYTES: Final = 1024

# GetObject's codes for a key or a version that does not exist, and for a delete marker.
_ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})
# Such as `=?UTF-8?B?w6k=?=`, once or with spaces between them.
_ENCODED_WORDS: Final = r"=\?[\w-]+\?[BbQq]\?[^?\s]*\?=(\s+=\?[\w-]+\?[BbQq]\?[^?\s]*\?=)*"
# Characters that XML 1.0, and so a message's attribute, cannot hold. Keys of objects can. Compiled at its first use: it
# takes 20 ms.
_NOT_IN_XML: Final = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


class S3Objects:
    """ObjectSource on S3. Objects are read a chunk at a time."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def open(self, location: ObjectLocation, version: str | None) -> StoredObject | None:
        """Open that version, with its metadata and tags; None when it does not exist or is a delete marker."""
        names: Any = {"Bucket": location.bucket, "Key": location.key} | ({"VersionId": version} if version else {})
        target = f"s3 {location.bucket}/{location.key}"
        found = _unless_absent(target, lambda: self._clients.s3.get_object(**names))
        if found is None:
            return None
        stream = io.BufferedReader(_Stream(found["Body"], target), CHUNK_BYTES)
        try:
            tags = self._tags(names, target) if found.get("TagCount") else {}
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
            metadata={name: decoded(value) for name, value in found.get("Metadata", {}).items()},
            tags=tags,
            stream=stream,
        )

    def _tags(self, names: Mapping[str, str], target: str) -> Mapping[str, str] | None:
        arguments: Any = names
        found = _unless_absent(target, lambda: self._clients.s3.get_object_tagging(**arguments))
        return None if found is None else {tag["Key"]: tag["Value"] for tag in found["TagSet"]}


def decoded(value: str) -> str:
    """An object's metadata as it was given: S3 returns what is not ASCII as encoded words of RFC 2047.

    A value of another form, or in an encoding that is not known, stays as it is.
    """
    if not re.fullmatch(_ENCODED_WORDS, value, re.ASCII):
        return value
    from email.errors import HeaderParseError  # noqa: PLC0415 - of such values alone
    from email.header import decode_header  # noqa: PLC0415 - the same

    try:
        return "".join(part.decode(charset or "ascii") for part, charset in decode_header(value))
    except (HeaderParseError, LookupError, ValueError):
        return value


class _Stream(io.RawIOBase):
    """The body of a response as a file. SourceUnavailable when the connection breaks while it is read."""

    def __init__(self, body: Any, target: str) -> None:  # noqa: ANN401 - botocore's StreamingBody
        self._body = body
        self._target = target

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - anything that can be written to
        """Read into the buffer. botocore checks length and checksum at the end."""
        chunk: bytes = _call(self._target, lambda: self._body.read(len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Release the connection."""
        self._body.close()
        super().close()


class SqsQueue:
    """IngestQueue on SQS."""

    def __init__(self, clients: AwsClients, *, queue_url: str, failures_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url
        self._failures_url = failures_url

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        """Send a message with a delay in seconds (at most SQS's 15 minutes) and attributes."""
        _call(
            "sqs",
            lambda: self._clients.sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body,
                DelaySeconds=min(max(seconds, 0), MAX_DELAY_S),
                MessageAttributes={name: _attribute(value) for name, value in attributes.items()},
            ),
        )

    def send_to_dead_letter_queue(self, body: str, *, reason: str, source: str) -> None:
        """Send a message to the dead-letter queue. A message moved back from there counts as a new one."""
        _call(
            "sqs",
            lambda: self._clients.sqs.send_message(
                QueueUrl=self._failures_url,
                MessageBody=body,
                MessageAttributes={"reason": _attribute(reason), "source": _attribute(source)},
            ),
        )


class EventBridgeBus:
    """EventBus on EventBridge. An entry that the bus refuses is put up to four times, then SourceUnavailable."""

    def __init__(self, clients: AwsClients, name: str, *, clock: Clock, randomness: Random) -> None:
        self._clients = clients
        self._name = name
        self._clock = clock
        self._randomness = randomness

    def publish(self, results: Sequence[ResultEvent]) -> None:
        """Publish all of them. After SourceUnavailable some may be delivered, and all may be published again."""
        for first in range(0, len(results), MAX_ENTRIES):
            self._put([self._entry(result) for result in results[first : first + MAX_ENTRIES]])

    def _put(self, entries: list[dict[str, str]]) -> None:
        for backoff in (*BACKOFF_S, None):
            response: Any = _call("events", lambda: self._clients.events.put_events(Entries=entries))  # noqa: B023 - now
            codes = {index: entry.get("ErrorCode") for index, entry in enumerate(response["Entries"])}
            refused = {index: code for index, code in codes.items() if code is not None}
            if not refused:
                return
            if backoff is None:
                raise SourceUnavailable(f"events: {sorted(set(refused.values()))}")
            entries = [entries[index] for index in refused]
            self._clock.sleep(backoff * self._randomness.fraction())

    def _entry(self, result: ResultEvent) -> dict[str, str]:
        detail = json.dumps(result.detail, allow_nan=False)
        return {
            "EventBusName": self._name,
            "Source": EVENT_SOURCE,
            "DetailType": result.detail_type.value,
            "Detail": detail,
        }


def _unless_absent(target: str, request: Callable[[], Returned]) -> Returned | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - loaded with the client

    def unless_absent() -> Returned | None:
        try:
            return request()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                return None
            raise

    return _call(target, unless_absent)


def _call(target: str, request: Callable[[], Returned]) -> Returned:
    """What the request returns. SourceUnavailable, with AWS's code or the type of the error."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the client
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - the same
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - not wrapped by botocore while a body is read

    try:
        return request()
    except ClientError as error:
        raise SourceUnavailable(f"{target}: {error.response.get('Error', {}).get('Code')}") from error
    except (BotoCoreError, ResponseParserError, HTTPError, OSError) as error:
        raise SourceUnavailable(f"{target}: {type(error).__name__}") from error


def _attribute(value: int | str) -> Any:  # noqa: ANN401 - SQS's
    """A number, or a string of 1 KB at most, which is never empty."""
    if isinstance(value, int):
        return {"DataType": "Number", "StringValue": str(value)}
    text = re.sub(_NOT_IN_XML, "\ufffd", value).encode("utf-8")[:MAX_ATTRIBUTE_BYTES]
    return {"DataType": "String", "StringValue": text.decode("utf-8", "ignore") or "-"}
