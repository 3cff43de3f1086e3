"""Bodies: what is read, what is refused, and what that costs in time and memory."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectorgate.api.errors import ApiError, InvalidRequest, PayloadTooLarge
from vectorgate.api.schemas import CreateFileBatch, CreateVectorStore, Search, parse_json_object, validate
from vectorgate.api.schemas.filters import FILTER_DEPTH_MAX
from vectorgate.api.schemas.parsing import DEPTH_MAX

MEGABYTES_10 = 10 * 1024 * 1024
# A loaded machine is no failure, and building the tables of st.text() takes seconds.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text()
# Of five members at most at each level: what is read back does not depend on how many there are, and making them does.
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=5) | st.dictionaries(st.text(), below, max_size=5),
    max_leaves=30,
)


def parse(body: bytes, content_type: str | None = "application/json") -> dict[str, object]:
    return parse_json_object(body, content_type, max_bytes=MEGABYTES_10)


def refused(body: bytes, content_type: str | None = "application/json") -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse(body, content_type)
    return caught.value


@PATIENT
@given(st.dictionaries(st.text(), JSON, max_size=5), st.booleans())
def test_every_object_that_json_can_write_is_read_back(value: dict[str, object], ascii_only: bool) -> None:  # noqa: FBT001
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@PATIENT
@given(st.binary())
def test_arbitrary_bytes_are_an_object_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(parse(body), dict)
    except InvalidRequest:
        return


@PATIENT
@given(st.text(alphabet='{}[]",:\\ud8a10.eE-NI \n', max_size=60))
def test_near_json_is_an_object_or_a_refusal_and_agrees_with_the_standard_parser(text: str) -> None:
    try:
        value = parse(text.encode())
    except InvalidRequest:
        return
    assert value == (json.loads(text) if text else {})


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=UTF-8; x=y",
        " application/json ;",
    ],
)
def test_json_is_accepted_with_any_parameters_and_case(content_type: str) -> None:
    assert parse(b'{"name":"a"}', content_type) == {"name": "a"}


@pytest.mark.parametrize("content_type", [None, "", "application/json"])
def test_an_empty_body_is_an_empty_object(content_type: str | None) -> None:
    assert parse(b"", content_type) == {}


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/jsonx", "multipart/form-data", "x" * 9999]
)
def test_another_content_type_is_refused_in_openais_words(content_type: str | None) -> None:
    error = refused(b"{}", content_type)
    assert (error.code, error.param) == ("unsupported_content_type", None)
    assert error.message.startswith("Unsupported content type: '")
    assert "only accepts 'application/json' requests" in error.message
    assert len(error.message) < 400


def test_a_body_over_the_limit_is_413_before_anything_else_is_looked_at() -> None:
    with pytest.raises(PayloadTooLarge) as caught:
        parse_json_object(b"\xff" * 11, "text/plain", max_bytes=10)
    assert "maximum is 10" in caught.value.message


def test_a_body_at_the_limit_is_read() -> None:
    assert parse_json_object(b'{"a": 1}', "application/json", max_bytes=8) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b" ", id="white space"),
        pytest.param(b'{"a": 1,}', id="trailing comma"),
        pytest.param(b'{"a": 01}', id="leading zero"),
        pytest.param(b'{"a": "\x00"}', id="raw control character"),
        pytest.param(b'{"a": "\xff"}', id="no UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="raw surrogate"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="infinity"),
        pytest.param(b'{"a": -Infinity}', id="negative infinity"),
        pytest.param(b'{"a": 1e999}', id="overflowing decimal"),
        pytest.param(b'{"a": 9223372036854775808}', id="over 64 bits"),
        pytest.param(b'{"a": -9223372036854775809}', id="under 64 bits"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="over Python's digits"),
        pytest.param(b'{"a": 1, "a": 1}', id="duplicate key"),
        pytest.param(b'{"b": [{"a": 1, "\\u0061": 2}]}', id="duplicate key, nested and escaped"),
        pytest.param(b'{"a": "\\ud800"}', id="lone high surrogate"),
        pytest.param(b'{"a": ["\\udfff"]}', id="lone low surrogate"),
        pytest.param(b'{"\\uD83D": 1}', id="lone surrogate in a key"),
        pytest.param(b'{"a": "\\ude00\\ud83d"}', id="surrogates in the wrong order"),
    ],
)
def test_what_is_not_strictly_json_is_refused_with_openais_message(body: bytes) -> None:
    error = refused(body)
    assert error.message.startswith("We could not parse the JSON body of your request. (HINT: ")
    assert (error.code, error.param, error.status) == (None, None, 400)
    assert len(error.message) < 400


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b"[]", "an array"),
        (b'"a"', "a string"),
        (b"1", "an integer"),
        (b"1.5", "a decimal"),
        (b"true", "a boolean"),
        (b"null", "null"),
    ],
)
def test_the_top_level_must_be_an_object(body: bytes, got: str) -> None:
    error = refused(body)
    assert error.message == f"Invalid type for the request body: expected an object, but got {got} instead."
    assert (error.code, error.param) == ("invalid_type", None)


def test_pairs_of_surrogates_and_escaped_backslashes_are_read() -> None:
    assert parse(b'{"a": "\\ud83d\\ude00", "b": "\\\\ud800"}') == {"a": "\U0001f600", "b": "\\ud800"}


def test_64_bit_integers_are_read_exactly() -> None:
    assert parse(b'{"a": 9223372036854775807, "b": -9223372036854775808}') == {"a": 2**63 - 1, "b": -(2**63)}


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    assert parse(b'{"a": "' + b'[{\\"' * 1000 + b'"}') == {"a": '[{"' * 1000}


@PATIENT
@given(st.integers(min_value=DEPTH_MAX - 3, max_value=DEPTH_MAX + 3))
def test_the_depth_cap_is_exact(depth: int) -> None:
    body = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    if depth <= DEPTH_MAX:
        assert parse(body)
    else:
        assert "levels deep" in refused(body).message


def test_siblings_do_not_count_as_depth() -> None:
    assert parse(b'{"a": [' + b"[]," * 1000 + b"[]]}")


def test_the_largest_legal_bodies_are_within_the_caps() -> None:
    attributes = {f"{index:064}": "x" for index in range(16)}
    chunking = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
    item = {"file_id": "file-a", "attributes": attributes, "chunking_strategy": chunking}
    batch = parse(json.dumps({"files": [item] * 2000}).encode())
    assert len(validate(CreateFileBatch, batch).files) == 2000
    filters: dict[str, object] = {"type": "in", "key": "a", "value": ["b"] * 1000}
    for _ in range(FILTER_DEPTH_MAX - 1):
        filters = {"type": "and", "filters": [filters]}
    assert validate(Search, parse(json.dumps({"query": "a", "filters": filters}).encode()))


def _filled(head: bytes, unit: bytes, tail: bytes, size: int = MEGABYTES_10) -> bytes:
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def hostile(size: int) -> dict[str, bytes]:
    """Bodies of as many bytes, or of a fixed depth and number of keys."""
    return {
        "depth 10^5": b"[" * 100_000 + b"]" * 100_000,
        "depth 10^5, objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "brackets": b"[" * size,
        "empty lists": _filled(b'{"a":[', b"[],", b"[]]}", size),
        "empty strings": _filled(b'{"a":[', b'"",', b'""]}', size),
        "keys": _filled(b"{", b'"abc":1,', b'"d":1}', size),
        "many keys": b"{" + b",".join(b'"%d":1' % index for index in range(size // 200)) + b"}",
        "quotes": b'"' * size,
        "escaped quotes": _filled(b'{"a":"', b'\\"', b"", size),
        "backslashes": _filled(b'{"a":"', b"\\", b"", size),
        "digits": _filled(b'{"a":', b"9", b"}", size),
        "decimals": _filled(b'{"a":0.', b"9", b"}", size),
        "exponent": _filled(b'{"a":1e', b"9", b"}", size),
        "half pairs": _filled(b'{"a":"', b"\\ud83d", b'"}', size),
        "NaN": _filled(b'{"a":[', b"NaN,", b"1]}", size),
    }


# Refused at the same limit as the "empty lists", whose memory is measured, which takes ten times as long.
ALIKE = frozenset({"empty strings", "keys", "quotes", "NaN"})


@pytest.mark.parametrize(
    ("size", "alike"),
    [(MEGABYTES_10 // 10, ALIKE), pytest.param(MEGABYTES_10, frozenset[str](), marks=pytest.mark.exhaustive)],
    ids=["1 MB", "10 MB"],
)
def test_a_hostile_body_is_a_short_refusal_quickly_and_in_flat_memory(size: int, alike: frozenset[str]) -> None:
    for name, body in hostile(size).items():
        if name not in alike:
            tracemalloc.start()
        started = time.process_time()
        error = refused(body)
        seconds = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert error.status == 400, name
        assert len(error.message) < 400, name
        assert seconds < 8, name  # about 1 under tracemalloc on a laptop: quadratic would be hours
        assert peak < 3 * size, name


@pytest.mark.parametrize("unit", [b"[]", b"x", b"[", b'\\"'])
def test_a_10_megabyte_string_is_parsed_and_then_refused_by_the_model_in_flat_memory(unit: bytes) -> None:
    body = _filled(b'{"name":"', unit, b'"}')
    tracemalloc.start()
    with pytest.raises(ApiError) as caught:
        validate(CreateVectorStore, parse(body))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "string_above_max_length"
    assert len(caught.value.message) < 400
    assert peak < 5 * MEGABYTES_10
