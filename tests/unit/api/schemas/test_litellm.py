"""LiteLLM's own fields: taken off, checked, and never forwarded."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import (
    CreateVectorStore,
    LiteLLMFields,
    split_litellm_fields,
    split_litellm_form_fields,
    validate,
)
from vectorgate.api.schemas.litellm import DROPPED, USED, USED_IN_FORMS

# A loaded machine is no failure, and building the tables of st.text() takes seconds.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_fields_that_are_used_come_back_typed() -> None:
    mock = {"id": "vs_1", "object": "vector_store"}
    rest, fields = split_litellm_fields(
        {"name": "a", "custom_llm_provider": "openai", "user": "u", "mock_response": mock, "tags": ["x", "y"]}
    )
    assert rest == {"name": "a"}
    assert fields == LiteLLMFields(provider="openai", user="u", mock_response=mock, tags=("x", "y"))


def test_a_body_without_them_is_left_as_it_is() -> None:
    body: dict[str, object] = {"name": "a", "metadata": {"user": "b", "tags": "c"}}
    assert split_litellm_fields(body) == (body, LiteLLMFields())


def test_null_is_as_good_as_absent() -> None:
    assert split_litellm_fields(dict.fromkeys(USED)) == ({}, LiteLLMFields())


def test_the_given_body_is_not_changed() -> None:
    body: dict[str, object] = {"user": "u", "timeout": 5}
    split_litellm_fields(body)
    assert body == {"user": "u", "timeout": 5}


@PATIENT
@given(st.dictionaries(st.sampled_from(sorted(DROPPED)), st.integers() | st.text() | st.lists(st.text())))
def test_dropped_fields_vanish_whatever_they_hold(body: dict[str, object]) -> None:
    assert split_litellm_fields({**body, "name": "a"}) == ({"name": "a"}, LiteLLMFields())


def test_metadata_is_openais_and_stays() -> None:
    rest, _ = split_litellm_fields({"metadata": {"a": "b"}, "litellm_metadata": {"c": "d"}})
    assert validate(CreateVectorStore, rest).metadata == {"a": "b"}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"custom_llm_provider": 1}, "invalid_type", "custom_llm_provider"),
        ({"custom_llm_provider": ""}, "empty_string", "custom_llm_provider"),
        ({"custom_llm_provider": "x" * 65}, "string_above_max_length", "custom_llm_provider"),
        ({"user": []}, "invalid_type", "user"),
        ({"user": "x" * 257}, "string_above_max_length", "user"),
        ({"mock_response": "hi"}, "invalid_type", "mock_response"),
        ({"tags": "a"}, "invalid_type", "tags"),
        ({"tags": ["a", 1]}, "invalid_type", "tags[1]"),
        ({"tags": ["x" * 129]}, "string_above_max_length", "tags[0]"),
        ({"tags": ["a"] * 33}, "array_above_max_length", "tags"),
    ],
)
def test_a_malformed_one_is_refused(body: dict[str, object], code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        split_litellm_fields(body)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_form_says_provider_and_user_and_nothing_else_of_litellms() -> None:
    said = {"purpose": "assistants", "custom_llm_provider": "azure", "user": "u", "litellm_call_id": "c"}
    assert split_litellm_form_fields(said) == ({"purpose": "assistants"}, LiteLLMFields(provider="azure", user="u"))
    left = dict.fromkeys(USED - USED_IN_FORMS, "x")
    assert split_litellm_form_fields(left) == (left, LiteLLMFields())


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"custom_llm_provider": ""}, "empty_string", "custom_llm_provider"),
        ({"user": "x" * 257}, "string_above_max_length", "user"),
    ],
)
def test_a_malformed_field_of_a_form_is_refused(fields: dict[str, str], code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        split_litellm_form_fields(fields)
    assert (caught.value.code, caught.value.param) == (code, param)
