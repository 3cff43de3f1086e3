"""What the gateway's errors mean to ingestion, which can wait."""

from __future__ import annotations

import pytest

from vectorgate.api.errors import BadGateway, InvalidRequest, Unavailable
from vectorgate.ingest.model import Postponed, Rejected
from vectorgate.ingest.team_client import AGAIN, RESOLVING, trouble_of

NOW = 1_772_600_767.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 2),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Wed, 04 Mar 2026 05:06:17 GMT"}, 10),
        ({"retry-after": "nan"}, AGAIN),
        ({"retry-after": "inf"}, AGAIN),
        ({}, AGAIN),
        ({"x-should-retry": "false"}, RESOLVING),
    ],
)
def test_what_is_asked_again_waits_as_long_as_is_asked_for(headers: dict[str, str], seconds: int) -> None:
    trouble = trouble_of(Unavailable("", headers=headers), NOW)
    assert isinstance(trouble, Postponed)
    assert trouble.seconds == seconds


def test_a_refusal_keeps_its_code_and_is_not_asked_again() -> None:
    trouble = trouble_of(InvalidRequest("Wrong.", code="invalid_value", param="name"), NOW)
    assert isinstance(trouble, Rejected)
    assert (trouble.status, trouble.code, trouble.param) == (400, "invalid_value", "name")
    assert isinstance(trouble_of(BadGateway(""), NOW), Postponed)
