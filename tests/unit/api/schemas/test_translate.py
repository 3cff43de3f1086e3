"""The translation: complete, deterministic, and short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import check_id, validate
from vectorgate.api.schemas.translate import _TRANSLATIONS, UnmappedError, param_path
from vectorgate.ids import ObjectKind, is_of_another_kind

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from pydantic import BaseModel

# A loaded machine is no failure, and building the tables of st.text() takes seconds.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MODELS: list[type[BaseModel]] = [
    schemas.CreateVectorStore,
    schemas.UpdateVectorStore,
    schemas.CreateVectorStoreFile,
    schemas.UpdateAttributes,
    schemas.CreateFileBatch,
    schemas.Search,
    schemas.CreateFile,
    schemas.ListQuery,
    schemas.ListStoreFilesQuery,
    schemas.ListFilesQuery,
]

# Keys and words of the models, so that invalid bodies are not all refused at the first field.
NAMES = [
    *["name", "description", "file_ids", "files", "file_id", "expires_after", "anchor", "days", "seconds", "metadata"],
    *["chunking_strategy", "type", "static", "max_chunk_size_tokens", "chunk_overlap_tokens", "attributes", "query"],
    *["filters", "key", "value", "ranking_options", "ranker", "score_threshold", "rewrite_query", "max_num_results"],
    *["purpose", "limit", "order", "after", "before", "filter", "api_key"],
]
WORDS = [
    "auto",
    "static",
    "last_active_at",
    "created_at",
    "eq",
    "in",
    "and",
    "or",
    "desc",
    "batch",
    "file-a",
    "a b",
    "",
]
LEAVES: SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 100, 366, 5000, 2**40]),
    st.sampled_from([0.5, 1.0, -0.1, 1e300, float("nan"), float("inf")]),
    st.sampled_from(WORDS),
    st.sampled_from(["x" * 65, "x" * 129, "x" * 513, "x" * 40_000, "\ud800"]),
    st.text(max_size=5),
)
LONG: SearchStrategy[object] = st.sampled_from(
    [["a"] * 501, ["a"] * 2001, [1] * 101, {str(index): "a" for index in range(17)}, {"k" * 65: 1}]
)


def objects(below: SearchStrategy[object]) -> SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(NAMES), below, max_size=6)


VALUES = st.recursive(LEAVES | LONG, lambda below: st.lists(below, max_size=3) | objects(below), max_leaves=25)
BODIES = objects(VALUES)


def refused(model: type[BaseModel], body: dict[str, object]) -> InvalidRequest | None:
    """Return the refusal of `body`, or None if it is a valid `model`. Any other exception fails the test."""
    try:
        assert validate(model, body).model_fields_set <= set(body)
    except InvalidRequest as error:
        return error
    return None


@settings(PATIENT, max_examples=300)
@given(body=BODIES)
def test_any_body_is_a_model_or_one_short_refusal(body: dict[str, object]) -> None:
    for model in MODELS:  # generating a body takes longer than ten models take to check it
        refusal = refused(model, body)
        if refusal:
            assert refusal.code, model
            assert refusal.param, model
            assert len(refusal.message) < 600, model


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@PATIENT
@given(data=st.data())
def test_any_value_in_each_field_is_accepted_or_refused(model: type[BaseModel], data: st.DataObject) -> None:
    body = {name: data.draw(VALUES) for name in model.model_fields}
    refusal = refused(model, body)
    assert refusal is None or refusal.code


@PATIENT
@given(BODIES)
def test_a_field_that_is_not_there_is_what_is_reported_whatever_else_is_wrong(body: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(schemas.UpdateAttributes, {**body, "attributes": 5, "nobody_knows": 1})
    assert caught.value.code == "unknown_parameter"


def test_fields_are_judged_in_the_order_of_the_model() -> None:
    wrong = {"metadata": 1, "file_ids": 1, "name": 1}
    for body in (wrong, dict(reversed(wrong.items()))):
        with pytest.raises(InvalidRequest) as caught:
            validate(schemas.CreateVectorStore, body)
        assert caught.value.param == "name"


TRIGGERS: dict[str, tuple[type[BaseModel], dict[str, object]]] = {
    "extra_forbidden": (schemas.CreateVectorStore, {"x": 1}),
    "missing": (schemas.Search, {}),
    "union_tag_not_found": (schemas.CreateVectorStore, {"chunking_strategy": {}}),
    "union_tag_invalid": (schemas.CreateVectorStore, {"chunking_strategy": {"type": "x"}}),
    "string_type": (schemas.CreateVectorStore, {"name": 1}),
    "int_type": (schemas.Search, {"query": "a", "max_num_results": "1"}),
    "float_type": (schemas.Search, {"query": "a", "ranking_options": {"score_threshold": "1"}}),
    "bool_type": (schemas.Search, {"query": "a", "rewrite_query": 1}),
    "list_type": (schemas.CreateVectorStore, {"file_ids": 1}),
    "dict_type": (schemas.CreateVectorStore, {"metadata": 1}),
    "model_type": (schemas.CreateVectorStore, {"expires_after": 1}),
    "model_attributes_type": (schemas.CreateVectorStore, {"chunking_strategy": 1}),
    "wrong_type": (schemas.Search, {"query": 1}),
    "literal_error": (schemas.ListQuery, {"order": "up"}),
    "less_than_equal": (schemas.ListQuery, {"limit": 101}),
    "greater_than_equal": (schemas.ListQuery, {"limit": -1}),
    "finite_number": (schemas.Search, {"query": "a", "ranking_options": {"score_threshold": float("nan")}}),
    "string_too_long": (schemas.CreateVectorStore, {"name": "x" * 5000}),
    "string_too_short": (schemas.CreateVectorStoreFile, {"file_id": ""}),
    "string_unicode": (schemas.CreateVectorStore, {"name": "\ud800"}),
    "bad_id": (schemas.CreateVectorStoreFile, {"file_id": "a/b"}),
    "id_of_another_kind": (schemas.CreateVectorStoreFile, {"file_id": "vs_a"}),
    "bad_model": (schemas.CreateResponse, {"model": "a b"}),
    "too_long": (schemas.CreateVectorStore, {"file_ids": ["a"] * 501}),
    "too_short": (schemas.CreateFileBatch, {"file_ids": []}),
    "too_many_properties": (schemas.CreateVectorStore, {"metadata": {str(index): "" for index in range(17)}}),
    "key_too_long": (schemas.CreateVectorStore, {"metadata": {"k" * 65: ""}}),
    "overlap_too_large": (
        schemas.CreateVectorStore,
        {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}},
    ),
    "both_forms": (schemas.CreateFileBatch, {"file_ids": ["a"], "files": [{"file_id": "a"}]}),
    "no_form": (schemas.CreateFileBatch, {}),
    "filters_too_deep": (schemas.Search, {"query": "a", "filters": {}}),
    "filters_too_many": (schemas.Search, {"query": "a", "filters": {"type": "and", "filters": [{}] * 256}}),
}
for _ in range(16):
    TRIGGERS["filters_too_deep"][1]["filters"] = {"filters": [TRIGGERS["filters_too_deep"][1]["filters"]]}


def test_every_row_of_the_translation_has_a_body_that_needs_it() -> None:
    assert set(TRIGGERS) == set(_TRANSLATIONS)


@pytest.mark.parametrize("name", TRIGGERS)
def test_each_row_is_reached_and_without_it_the_gateway_would_say_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, body = TRIGGERS[name]
    with pytest.raises(InvalidRequest):
        validate(model, body)
    others = {key: row for key, row in _TRANSLATIONS.items() if key != name}
    monkeypatch.setattr("vectorgate.api.schemas.translate._TRANSLATIONS", others)
    with pytest.raises(UnmappedError, match=f"^{name}$"):
        validate(model, body)


def test_pydantics_report_with_the_clients_values_is_not_chained_to_the_refusal() -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(schemas.CreateVectorStore, {"name": ["secret"]})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("key", ["x" * 10_000, "é" * 10_000])
def test_a_long_key_is_not_repeated_whole(key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(schemas.CreateVectorStore, {key: 1})
    assert len(caught.value.message) < 100
    assert len(str(caught.value.param)) < 100


def test_many_mistakes_cost_no_more_than_their_number() -> None:
    body = {
        "file_ids": [1] * 500,
        "metadata": dict.fromkeys("abcdefghijklmnop", 1),
        **{f"k{n}": 1 for n in range(1000)},
    }
    with pytest.raises(InvalidRequest) as caught:
        validate(schemas.CreateVectorStore, body)
    assert caught.value.param == "k0"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ((), ""),
        (("expires_after", "days"), "expires_after.days"),
        (("file_ids", 3), "file_ids[3]"),
        (
            ("chunking_strategy", "static", "static", "chunk_overlap_tokens"),
            "chunking_strategy.static.chunk_overlap_tokens",
        ),
        (("filters", "and", "filters", 2, "eq", "key"), "filters.filters[2].key"),
        (("metadata", "filters"), "metadata.filters"),
        (("filters", "eq", "filters"), "filters.filters"),
    ],
)
def test_paths_are_written_as_openai_writes_them(location: tuple[str | int, ...], path: str) -> None:
    assert param_path(location) == path


@PATIENT
@given(st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True))
def test_ids_of_letters_digits_underscores_and_dashes_pass(value: str) -> None:
    if is_of_another_kind(ObjectKind.VECTOR_STORE, value):
        return
    assert check_id("vector_store_id", value) == value


@PATIENT
@given(st.text(max_size=200))
def test_an_id_with_anything_else_is_refused_on_its_parameter(value: str) -> None:
    legal = 0 < len(value) <= 128 and all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in value)
    if legal and not is_of_another_kind(ObjectKind.VECTOR_STORE, value):
        assert check_id("vector_store_id", value) == value
        return
    with pytest.raises(InvalidRequest) as caught:
        check_id("vector_store_id", value)
    assert caught.value.param == "vector_store_id"


def test_an_id_with_other_characters_is_refused_in_openais_words() -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_id("vector_store_id", "vs_a#b")
    assert caught.value.code == "invalid_value"
    assert caught.value.message == (
        "Invalid 'vector_store_id': 'vs_a#b'. Expected an ID that contains letters, numbers, underscores, or dashes, "
        "but this value contained additional characters."
    )
