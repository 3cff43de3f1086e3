"""The normal form of names: one for every way of writing what looks alike."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.ids import normal_name

BLANKS = [" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2060", "\ufeff", " \u200b\u00a0 "]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("name", ["bob", "Zoë", "日本", "a b"])
def test_blanks_at_either_end_are_no_part_of_a_name(name: str, blank: str) -> None:
    assert {normal_name(text) for text in (name, blank + name, name + blank, blank + name + blank)} == {name}


@given(st.text())
def test_composed_and_decomposed_are_one_name(text: str) -> None:
    forms = {normal_name(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert forms == {normal_name(text)}


@given(st.text())
def test_a_name_in_its_normal_form_stays_as_it_is(text: str) -> None:
    assert normal_name(normal_name(text)) == normal_name(text)


@pytest.mark.parametrize("text", ["bob smith", "Bob", "bob2"])
def test_what_does_not_look_alike_stays_another_name(text: str) -> None:
    assert normal_name(text) not in {"bob", "bobsmith"}
