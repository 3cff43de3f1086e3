"""The adapters of ingestion on AWS: what is found, what is absent, and which errors are temporary."""

from __future__ import annotations

import io
import json
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError, IncompleteReadError
from botocore.response import StreamingBody

from tests.unit.ingest.aws.conftest import BUCKET, BUS, REGION, Account
from vectorgate.aws.clients import AwsClients
from vectorgate.ingest.aws import CHUNK_BYTES, S3Objects
from vectorgate.ingest.model import DetailType, ObjectLocation, ResultEvent
from vectorgate.ingest.ports import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
KEY = ObjectLocation(BUCKET, "red/docs/tides.txt")


def test_an_object_is_read_with_its_version_metadata_and_tags(account: Account) -> None:
    version = account.put(
        KEY.key, b"Ebb and flow.", ContentType="text/plain", Metadata={"author": "ada"}, Tagging="sea=north&year=2026"
    )
    found = account.objects.open(KEY, None)
    assert found is not None
    with closing(found.stream):
        assert (found.size, found.version, found.content_type) == (13, version, "text/plain")
        assert (found.metadata, found.tags) == ({"author": "ada"}, {"sea": "north", "year": "2026"})
        assert found.stream.read() == b"Ebb and flow."


def test_metadata_that_s3_returns_as_encoded_words_is_what_was_given(account: Account) -> None:
    words = {
        "b": "=?UTF-8?B?w6k=?=",
        "q": "=?utf-8?Q?caf=C3=A9_noir?=",
        "two": "=?UTF-8?B?w6k=?= =?UTF-8?B?w6k=?=",
        "plain": "=?",
        "unknown": "=?x-nothing?B?w6k=?=",
        "broken": "=?UTF-8?B?w?=",
        "invalid": "=?UTF-8?B?/w==?=",
        "within": "a =?UTF-8?B?w6k=?= b",
    }
    account.put(KEY.key, b"", Metadata=words)
    found = account.objects.open(KEY, None)
    assert found is not None
    found.stream.close()
    given = {"b": "\u00e9", "q": "caf\u00e9 noir", "two": "\u00e9\u00e9"}
    assert found.metadata == words | given


def test_a_version_is_read_though_a_newer_one_is_there(account: Account) -> None:
    first = account.put(KEY.key, b"first", Tagging="n=1")
    account.put(KEY.key, b"second", Tagging="n=2")
    found = account.objects.open(KEY, first)
    assert found is not None
    with closing(found.stream):
        assert (found.stream.read(), found.tags) == (b"first", {"n": "1"})


def test_what_is_not_there_is_none(account: Account) -> None:
    assert account.objects.open(KEY, None) is None
    version = account.put(KEY.key, b"here")
    marker = account.clients.s3.delete_object(Bucket=BUCKET, Key=KEY.key)["VersionId"]
    assert account.objects.open(KEY, None) is None
    assert account.objects.open(KEY, marker) is None
    account.clients.s3.delete_object(Bucket=BUCKET, Key=KEY.key, VersionId=version)
    assert account.objects.open(KEY, version) is None


def test_tags_are_not_asked_for_where_there_are_none(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.put(KEY.key, b"plain")
    monkeypatch.setattr(account.clients.s3, "get_object_tagging", None)
    found = account.objects.open(KEY, None)
    assert found is not None
    with closing(found.stream):
        assert found.tags == {}


def test_a_bucket_that_is_not_there_is_no_absent_object(account: Account) -> None:
    with pytest.raises(SourceUnavailable, match="NoSuchBucket"):
        account.objects.open(ObjectLocation("elsewhere", "red/a"), None)


class Endless(io.RawIOBase):
    """A stream that generates its bytes while they are read, up to a size."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        """Return as many bytes as are left."""
        piece = min(self._left, size) if size >= 0 else self._left
        self._left -= piece
        return bytes(piece)


class OneObject:
    """An S3 client with one object, whose body is given."""

    def __init__(self, body: Any, size: int) -> None:
        self._answer = {"Body": StreamingBody(body, size), "ContentLength": size}

    def get_object(self, **_: str) -> Any:
        """Return the object."""
        return self._answer


def objects_with(body: Any, size: int) -> S3Objects:
    """Return the adapter of a client that answers with a body."""
    clients = AwsClients(region=REGION)
    clients.__dict__["s3"] = OneObject(body, size)
    return S3Objects(clients)


def test_a_large_object_is_never_held_whole() -> None:
    size = 64 * MIB
    found = objects_with(Endless(size), size).open(KEY, None)
    assert found is not None
    tracemalloc.start()
    try:
        read = 0
        with closing(found.stream):
            while piece := found.stream.read(64 * 1024):
                read += len(piece)
        assert read == size
        assert tracemalloc.get_traced_memory()[1] < 4 * CHUNK_BYTES
    finally:
        tracemalloc.stop()


def broken(error: Exception) -> Any:
    """Raise as a body does that is cut short."""

    class Broken(Endless):
        def read(self, size: int = -1) -> bytes:
            del size
            raise error

    return Broken(1)


@pytest.mark.parametrize(
    ("body", "size"), [(broken(ConnectionResetError()), 10), (Endless(5), 10)], ids=["reset", "short"]
)
def test_a_connection_that_breaks_off_is_an_unavailable_source(body: Any, size: int) -> None:
    found = objects_with(body, size).open(KEY, None)
    assert found is not None
    with closing(found.stream), pytest.raises(SourceUnavailable):
        found.stream.read()


def test_closing_a_stream_releases_the_connection() -> None:
    body = Endless(10)
    found = objects_with(body, 10).open(KEY, None)
    assert found is not None
    found.stream.close()
    assert body.closed


def failing(_error: Exception) -> Callable[..., Any]:
    """Return a call that raises."""

    def call(**_: Any) -> Any:
        raise _error

    return call


def test_a_service_that_cannot_be_reached_is_an_unavailable_source(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = failing(ConnectTimeoutError(endpoint_url="https://nowhere"))
    monkeypatch.setattr(account.clients.s3, "get_object", unreachable)
    monkeypatch.setattr(account.clients.sqs, "send_message", unreachable)
    monkeypatch.setattr(account.clients.events, "put_events", unreachable)
    acts: tuple[Callable[[], object], ...] = (
        lambda: account.objects.open(KEY, None),
        lambda: account.sqs.send("{}", seconds=0, attributes={}),
        lambda: account.sqs.send_to_dead_letter_queue("{}", reason="r", source="s"),
        lambda: account.bus.publish([ResultEvent(detail_type=DetailType.STORE_CREATED, detail={})]),
    )
    for act in acts:
        with pytest.raises(SourceUnavailable, match="ConnectTimeoutError"):
            act()


def test_a_stream_whose_tags_cannot_be_had_is_closed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    account.put(KEY.key, b"tagged", Tagging="a=b")
    monkeypatch.setattr(StreamingBody, "close", lambda _: closed.append(True))
    monkeypatch.setattr(
        account.clients.s3, "get_object_tagging", failing(IncompleteReadError(actual_bytes=0, expected_bytes=1))
    )
    with pytest.raises(SourceUnavailable):
        account.objects.open(KEY, None)
    assert closed


def test_a_message_that_is_sent_again_carries_its_numbers_and_its_reason(account: Account) -> None:
    attributes: dict[str, int | str] = {"first_seen": 1_795_380_000, "attempts": 3, "reason": "paced"}
    account.sqs.send('{"a": 1}', seconds=0, attributes=attributes)
    (message,) = account.messages(account.queue)
    assert message["Body"] == '{"a": 1}'
    carried = {name: (value["DataType"], value["StringValue"]) for name, value in message["MessageAttributes"].items()}
    assert carried == {
        "first_seen": ("Number", "1795380000"),
        "attempts": ("Number", "3"),
        "reason": ("String", "paced"),
    }


@pytest.mark.parametrize(("seconds", "waits"), [(-1, 0), (30, 30), (86_400, 900)])
def test_a_delay_is_what_the_queue_can_wait(
    account: Account, monkeypatch: pytest.MonkeyPatch, seconds: int, waits: int
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(account.clients.sqs, "send_message", lambda **message: sent.append(message))
    account.sqs.send("{}", seconds=seconds, attributes={})
    assert sent[0]["DelaySeconds"] == waits


def test_what_is_set_aside_says_why_in_a_kilobyte_that_sqs_takes(account: Account) -> None:
    account.sqs.send_to_dead_letter_queue("body", reason="\x00\ud800é" * 1000, source="s3://ingest/red/\x01")
    account.sqs.send_to_dead_letter_queue("body", reason="", source="-")
    for message, reason in zip(account.messages(account.failures), ("\ufffd\ufffdé", "-"), strict=True):
        value = message["MessageAttributes"]["reason"]["StringValue"]
        assert value.startswith(reason)
        assert len(value.encode()) <= 1024
        assert message["Body"] == "body"


def test_results_are_events_of_the_bus_ten_at_a_time(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[Any] = []
    real = account.clients.events.put_events

    def noted(*, Entries: list[Any]) -> Any:  # noqa: N803 - boto3's name
        put.append(Entries)
        return real(Entries=Entries)

    monkeypatch.setattr(account.clients.events, "put_events", noted)
    account.bus.publish(
        [ResultEvent(detail_type=DetailType.FILE_INDEXED, detail={"file_id": f"file-{n}"}) for n in range(12)]
    )
    assert [len(entries) for entries in put] == [10, 2]
    assert put[0][0] == {
        "EventBusName": BUS,
        "Source": "vectorgate",
        "DetailType": "File Indexed",
        "Detail": json.dumps({"file_id": "file-0"}),
    }
    assert account.slept == []


def refusing(times: int) -> tuple[Callable[..., Any], list[Any]]:
    """Return a bus that throttles its second entry so many times, and the list of what was put."""
    put: list[Any] = []

    def call(*, Entries: list[Any]) -> Any:  # noqa: N803 - boto3's name
        put.append(Entries)
        refused = len(put) <= times
        entries = [{"EventId": "1"} for _ in Entries]
        if refused:
            entries[-1] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}
        return {"FailedEntryCount": int(refused), "Entries": entries}

    return call, put


def test_what_the_bus_does_not_take_is_put_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    call, put = refusing(2)
    monkeypatch.setattr(account.clients.events, "put_events", call)
    account.bus.publish([ResultEvent(detail_type=DetailType.STORE_CREATED, detail={"id": n}) for n in range(2)])
    assert [[json.loads(entry["Detail"])["id"] for entry in entries] for entries in put] == [[0, 1], [1], [1]]
    assert account.slept == [0.05, 0.2]


def test_a_bus_that_goes_on_refusing_is_an_unavailable_source(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, put = refusing(100)
    monkeypatch.setattr(account.clients.events, "put_events", call)
    with pytest.raises(SourceUnavailable, match="ThrottlingException"):
        account.bus.publish([ResultEvent(detail_type=DetailType.STORE_CREATED, detail={})])
    assert len(put) == 4
