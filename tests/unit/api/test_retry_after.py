"""How long an answer asks to wait, in each of the forms that its headers may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.api.retry_after import retry_after

NOW = 1_772_600_767.0
TEXTS = st.one_of(st.text(max_size=30), st.from_regex(r"[-+]?[0-9]{1,25}( [A-Z][a-z]{2} [0-9]{1,12} [0-9:]{1,12})?"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "Wed, 04 Mar 2026 05:06:17 GMT"}, 10),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({}, None),
        *(({"retry-after": text}, None) for text in ("soon", "", "-1", "inf", "nan")),
    ],
)
def test_the_milliseconds_count_first_then_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(TEXTS)
def test_whatever_is_said_it_is_a_time_to_come_or_nothing(text: str) -> None:
    seconds = retry_after({"retry-after": text}, NOW)
    assert seconds is None or 0 <= seconds < float("inf")
