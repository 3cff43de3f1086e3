"""What a function answers over HTTP, as Lambda carries it: never more than it can."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from vectorgate.api.http import MAX_LAMBDA_RESPONSE, Body, Response
from vectorgate.entrypoints.lambda_http import write_response

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
