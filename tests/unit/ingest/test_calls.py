"""How long ingestion waits after an answer of the gateway."""

from __future__ import annotations

import pytest

from vectorgate.api.http import Response
from vectorgate.ingest.calls import AGAIN, FINDING_OUT, understood
from vectorgate.ingest.model import Postponed

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
        ({"x-should-retry": "false"}, FINDING_OUT),
    ],
)
def test_what_is_asked_again_waits_as_long_as_is_asked_for(headers: dict[str, str], seconds: int) -> None:
    with pytest.raises(Postponed) as postponed:
        understood(Response.of_json(503, {}, headers), NOW)
    assert postponed.value.seconds == seconds
