"""A secret has no printable form, and knows its own pieces."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.providers.base import Credential
from vectorgate.secret import Secret

TEXT = "sk-Zt5VyCq8HwD2eJmR1oLu"


def test_no_form_of_a_secret_shows_it() -> None:
    secret = Secret(TEXT)
    credential = Credential(base_url="https://x", api_key=secret, version="1")
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>30}",
        repr(credential),
        repr([secret]),
    ):
        assert not secret.leaks_into(shown)


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda copied: copied.__name__)
def test_a_secret_is_not_copied_by_accident(copied: object) -> None:
    with pytest.raises(TypeError):
        copied(Secret(TEXT))  # type: ignore[operator]


def test_a_secret_is_no_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(TEXT)})


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        Secret(text)


@given(st.integers(0, len(TEXT) - 8), st.integers(8, len(TEXT)), st.text(), st.text())
def test_eight_characters_in_a_row_are_a_leak(start: int, length: int, before: str, after: str) -> None:
    assert Secret(TEXT).leaks_into(before + TEXT[start : start + length][: max(8, length)] + after)


@given(st.integers(0, len(TEXT)), st.integers(0, 7))
def test_seven_are_none(start: int, length: int) -> None:
    assert not Secret(TEXT).leaks_into(TEXT[start : start + length])


def test_a_short_secret_leaks_as_a_whole() -> None:
    assert Secret("abc").leaks_into("xabcx")
    assert not Secret("abc").leaks_into("ab c")
