"""What the gateway's errors mean to ingestion, which can wait."""

from __future__ import annotations

import pytest

from vectorgate.api.errors import BadGateway, InvalidRequest, Unavailable
from vectorgate.ingest.model import PermanentFailureError, RetryLaterError
from vectorgate.ingest.team_client import RESOLVING_SECONDS, RETRY_SECONDS, ingest_error

NOW = 1_772_600_767.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 2),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Wed, 04 Mar 2026 05:06:17 GMT"}, 10),
        ({"retry-after": "nan"}, RETRY_SECONDS),
        ({"retry-after": "inf"}, RETRY_SECONDS),
        ({}, RETRY_SECONDS),
        ({"x-should-retry": "false"}, RESOLVING_SECONDS),
    ],
)
def test_what_is_asked_again_waits_as_long_as_is_asked_for(headers: dict[str, str], seconds: int) -> None:
    trouble = ingest_error(Unavailable("", headers=headers), NOW)
    assert isinstance(trouble, RetryLaterError)
    assert trouble.seconds == seconds


def test_a_refusal_keeps_its_code_and_is_not_asked_again() -> None:
    trouble = ingest_error(InvalidRequest("Wrong.", code="invalid_value", param="name"), NOW)
    assert isinstance(trouble, PermanentFailureError)
    assert (trouble.status, trouble.code, trouble.param) == (400, "invalid_value", "name")
    assert isinstance(ingest_error(BadGateway(""), NOW), RetryLaterError)
