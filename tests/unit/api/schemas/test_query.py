"""Queries of listings, and the text fields of an upload."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types import file_list_params, vector_store_list_params
from openai.types.vector_stores import file_batch_list_files_params
from openai.types.vector_stores import file_list_params as store_file_list_params

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import CreateFile, ListFilesQuery, ListQuery, ListStoreFilesQuery, validate_form
from vectorgate.api.schemas.query import parse_query

# A loaded machine is no failure, and building the tables of st.text() takes seconds.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
AnyQuery = type[ListQuery] | type[ListStoreFilesQuery] | type[ListFilesQuery]
QUERIES: list[AnyQuery] = [ListQuery, ListStoreFilesQuery, ListFilesQuery]


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (ListQuery, vector_store_list_params.VectorStoreListParams),
        (ListStoreFilesQuery, store_file_list_params.FileListParams),
        (ListStoreFilesQuery, file_batch_list_files_params.FileBatchListFilesParams),
        (ListFilesQuery, file_list_params.FileListParams),
    ],
)
def test_the_queries_have_the_parameters_of_the_official_client(model: AnyQuery, params: type[object]) -> None:
    assert set(model.model_fields) == set(get_type_hints(params)) - {"vector_store_id"}


def test_the_defaults_are_openais() -> None:
    assert parse_query(ListQuery, {}).model_dump() == {"limit": 20, "order": "desc", "after": None, "before": None}
    assert parse_query(ListFilesQuery, {}).limit == 10_000


def test_what_was_given_is_forwarded_and_nothing_else() -> None:
    query = parse_query(ListStoreFilesQuery, {"limit": "5", "filter": "failed", "api_base": "https://evil.example"})
    assert query.to_params() == {"limit": "5", "filter": "failed"}
    assert parse_query(ListFilesQuery, {"before": "x", "purpose": "batch"}).to_params() == {"purpose": "batch"}


def test_an_empty_parameter_is_as_good_as_an_absent_one() -> None:
    assert parse_query(ListQuery, {"after": "", "limit": ""}).to_params() == {}


@pytest.mark.parametrize(
    ("model", "params", "code", "param"),
    [
        (ListQuery, {"limit": "101"}, "integer_above_max_value", "limit"),
        (ListQuery, {"limit": "-1"}, "integer_below_min_value", "limit"),
        (ListQuery, {"limit": "ten"}, "invalid_type", "limit"),
        (ListQuery, {"limit": "1.0"}, "invalid_type", "limit"),
        (ListQuery, {"limit": "٣"}, "invalid_type", "limit"),
        (ListQuery, {"limit": "9" * 5000}, "invalid_type", "limit"),
        (ListFilesQuery, {"limit": "-1"}, "integer_below_min_value", "limit"),
        (ListFilesQuery, {"limit": "10001"}, "integer_above_max_value", "limit"),
        (ListFilesQuery, {"purpose": "x" * 65}, "string_above_max_length", "purpose"),
        (ListQuery, {"order": "ASC"}, "invalid_value", "order"),
        (ListQuery, {"after": "a/../b"}, "invalid_value", "after"),
        (ListQuery, {"before": "a" * 129}, "string_above_max_length", "before"),
        (ListStoreFilesQuery, {"filter": "expired"}, "invalid_value", "filter"),
    ],
)
def test_a_bad_value_of_a_known_parameter_is_refused(
    model: type[ListQuery], params: dict[str, str], code: str, param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_query(model, params)
    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize("model", QUERIES, ids=lambda model: model.__name__)
@PATIENT
@given(st.dictionaries(st.sampled_from(["limit", "order", "after", "before", "filter", "purpose", "x"]), st.text()))
def test_any_strings_are_a_query_or_a_refusal(model: type[ListQuery], params: dict[str, str]) -> None:
    refusal: InvalidRequest | None = None
    try:
        assert "x" not in parse_query(model, params).to_params()
    except InvalidRequest as error:
        refusal = error
    assert refusal is None or refusal.param in params


@pytest.mark.parametrize("model", QUERIES, ids=lambda model: model.__name__)
def test_a_limit_of_zero_is_passed_on(model: type[ListQuery]) -> None:
    assert parse_query(model, {"limit": "0"}).to_params() == {"limit": "0"}


@PATIENT
@given(st.integers(min_value=0, max_value=100))
def test_every_limit_in_range_is_read(limit: int) -> None:
    assert parse_query(ListQuery, {"limit": str(limit)}).limit == limit


def test_an_upload_with_an_expiry_in_brackets_is_read() -> None:
    form = validate_form(
        CreateFile, {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    )
    assert form.purpose == "user_data"
    assert form.expires_after is not None
    assert form.expires_after.seconds == 3600


@pytest.mark.parametrize("purpose", ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"])
def test_every_purpose_that_openai_takes_is_accepted(purpose: str) -> None:
    assert validate_form(CreateFile, {"purpose": purpose}).expires_after is None


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, "missing_required_parameter", "purpose"),
        ({"purpose": "assistants_output"}, "invalid_value", "purpose"),
        ({"purpose": "batch", "api_key": "x"}, "unknown_parameter", "api_key"),
        ({"purpose": "batch", "expires_after": "x"}, "invalid_type", "expires_after"),
        (
            {"purpose": "batch", "expires_after[seconds]": "3600"},
            "missing_required_parameter",
            "expires_after.anchor",
        ),
        (
            {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"},
            "integer_below_min_value",
            "expires_after.seconds",
        ),
        (
            {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "2592001"},
            "integer_above_max_value",
            "expires_after.seconds",
        ),
        (
            {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "1h"},
            "invalid_type",
            "expires_after.seconds",
        ),
        (
            {"purpose": "batch", "expires_after[headers]": "x"},
            "unknown_parameter",
            "expires_after.headers",
        ),
        ({"purpose": "batch", "expires_after[a][b]": "x"}, "unknown_parameter", "expires_after[a][b]"),
    ],
)
def test_a_bad_form_is_refused(fields: dict[str, str], code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate_form(CreateFile, fields)
    assert (caught.value.code, caught.value.param) == (code, param)
