"""The responses of a function over HTTP, within the limits of Lambda."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from vectorgate.api.http import MAX_LAMBDA_RESPONSE, Body, Response
from vectorgate.entrypoints.lambda_http import write_response

if TYPE_CHECKING:
    from collections.abc import Iterator

LAMBDA = 6 * 1024 * 1024


def written(content: bytes, content_type: str) -> dict[str, Any]:
    return write_response(
        Response(status=200, headers={"content-type": content_type, "x-ours": "1"}, body=spool(content))
    )


def spool(content: bytes) -> Body:
    return Body(len(content), BytesIO(content))


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (bytes(4_700_000), "application/octet-stream"),
        (bytes(100_000_000), "application/octet-stream"),
        (b'"' * (LAMBDA // 2), "application/json"),
        (b"\x01" * (LAMBDA // 6), "text/plain"),
    ],
)
def test_an_answer_that_lambda_cannot_carry_is_a_typed_refusal(content: bytes, content_type: str) -> None:
    result = written(content, content_type)
    assert (result["statusCode"], result["headers"]["x-ours"]) == (413, "1")
    assert json.loads(result["body"])["error"]["code"] == "response_too_large"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (bytes(4_400_000), "application/octet-stream"),
        (b"a" * (MAX_LAMBDA_RESPONSE - 2), "application/json"),
        (b"\xff" * 1000, "text/plain"),
    ],
)
def test_an_answer_that_lambda_can_carry_is_carried(content: bytes, content_type: str) -> None:
    result = written(content, content_type)
    assert result["statusCode"] == 200
    assert len(json.dumps(result)) <= LAMBDA


def test_what_was_spooled_is_closed_whether_it_is_carried_or_not() -> None:
    bodies = [spool(b"small"), spool(bytes(MAX_LAMBDA_RESPONSE + 1))]
    for body in bodies:
        write_response(Response(status=200, headers={"content-type": "text/plain"}, body=body))
    assert [body.source.closed for body in bodies if isinstance(body.source, BytesIO)] == [True, True]


class Pieces:
    """A `ByteStream` of these pieces, which counts its closing."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("pieces", "status"),
    [((b"data: 1\n\n", b"", b"data: 2\n\n"), 200), ((bytes(MAX_LAMBDA_RESPONSE), b"x"), 413)],
    ids=["small", "too large"],
)
def test_a_stream_is_collected_for_a_result_that_cannot_stream_and_closed_once(
    pieces: tuple[bytes, ...], status: int
) -> None:
    stream = Pieces(*pieces)
    result = write_response(Response(status=200, headers={"content-type": "text/event-stream"}, body=stream))
    assert (result["statusCode"], stream.closed) == (status, 1)
    assert status == 413 or result["body"] == b"".join(pieces).decode()
