"""Identifiers: ordered by time, checked before use, and ids of keys that reveal nothing of the key."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.auth.authenticate import key_id_of
from vectorgate.ids import KeyId, is_label, is_object_id, team_of, tenant_of_key, tenant_of_team
from vectorgate.ledger.entry import unix_ms_of, uuid7

MOMENTS = st.integers(0, (1 << 48) - 1)
BITS = st.integers(0, (1 << 74) - 1)


@given(MOMENTS, BITS)
def test_an_operation_id_is_a_version_7_uuid_that_tells_its_moment(unix_ms: int, bits: int) -> None:
    made = uuid7(unix_ms, bits)
    parsed = uuid.UUID(made)
    assert (str(parsed), parsed.version, parsed.variant) == (made, 7, uuid.RFC_4122)
    assert unix_ms_of(made) == unix_ms


@given(MOMENTS, MOMENTS, BITS, BITS)
def test_operation_ids_sort_by_time(first: int, second: int, some: int, other: int) -> None:
    if first != second:
        assert (uuid7(first, some) < uuid7(second, other)) == (first < second)


@given(MOMENTS, BITS, BITS)
def test_all_74_bits_tell_two_ids_of_a_moment_apart(unix_ms: int, some: int, other: int) -> None:
    assert (uuid7(unix_ms, some) == uuid7(unix_ms, other)) == (some == other)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a#b", "a.b", "é", "٣", "a\n", "x" * 129, "%41", "a;b"])
def test_what_could_mean_something_else_is_no_object_id(text: str) -> None:
    assert not is_object_id(text)


@pytest.mark.parametrize("text", ["", "a#b", "a\nb", "\x00", "\x7f", "\x85", "\ud800", "x" * 257])
def test_what_could_join_two_parts_is_no_label(text: str) -> None:
    assert not is_label(text)


@given(st.text(), st.text())
def test_different_keys_have_different_names(some: str, other: str) -> None:
    assert (key_id_of(some) == key_id_of(other)) == (some == other)


@given(st.text(min_size=8))
def test_a_keys_name_is_an_object_id_without_any_of_the_key(secret: str) -> None:
    assert is_object_id(key_id_of(secret))
    assert len(key_id_of(secret)) == 64


@given(st.text(max_size=20))
def test_a_tenant_names_its_team_and_no_team_is_the_tenant_of_a_key(team: str) -> None:
    assert team_of(tenant_of_team(team)) == team
    assert team_of(tenant_of_key(KeyId(team))) is None
