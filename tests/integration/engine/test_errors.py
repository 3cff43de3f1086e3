"""Errors: OpenAI's statuses, codes, messages and parameters, and the headers of every answer."""

import json

import httpx
import pytest

LONG = "x" * 513
MANY = {str(n): "v" for n in range(17)}
STATIC = "chunking_strategy.static"


def sizes(size: object, overlap: object) -> dict[str, object]:
    static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    return {"chunking_strategy": {"type": "static", "static": static}}


CREATE: list[tuple[dict[str, object], str, str, str]] = [
    ({"foo": 1}, "unknown_parameter", "foo", "Unknown parameter: 'foo'."),
    ({"name": 5}, "invalid_type", "name", "Invalid type for 'name': expected a string, but got an integer instead."),
    ({"file_ids": "f"}, "invalid_type", "file_ids", "expected an array, but got a string instead."),
    ({"file_ids": ["f"] * 501}, "array_above_max_length", "file_ids", "maximum length 500, but got an array with"),
    ({"file_ids": [None]}, "invalid_type", "file_ids[0]", "expected a string, but got null instead."),
    ({"file_ids": ["../x"]}, "invalid_value", "file_ids[0]", "letters, numbers, underscores, or dashes"),
    ({"metadata": MANY}, "object_above_max_properties", "metadata", "at most 16 properties, but got an object with 17"),
    ({"metadata": {"k": LONG}}, "string_above_max_length", "metadata.k", "maximum length 512, but got a string with"),
    ({"metadata": {"k" * 65: ""}}, "string_above_max_length", "metadata", "maximum length 64"),
    ({"metadata": {"k": 1}}, "invalid_type", "metadata.k", "expected a string, but got an integer"),
    ({"expires_after": {"days": 1}}, "missing_required_parameter", "expires_after.anchor", "expires_after.anchor"),
    ({"expires_after": {"anchor": "x", "days": 1}}, "invalid_value", "expires_after.anchor", "'last_active_at'."),
    (
        {"expires_after": {"anchor": "last_active_at", "days": 366}},
        "integer_above_max_value",
        "expires_after.days",
        "Expected a value <= 365, but got 366 instead.",
    ),
    (
        {"expires_after": {"anchor": "last_active_at", "days": 0}},
        "integer_below_min_value",
        "expires_after.days",
        "Expected a value >= 1, but got 0 instead.",
    ),
    ({"expires_after": {"anchor": "last_active_at", "days": 1.5}}, "invalid_type", "expires_after.days", "an integer"),
    ({"expires_after": {"anchor": "last_active_at", "days": True}}, "invalid_type", "expires_after.days", "a boolean"),
    ({"chunking_strategy": {"type": "magic"}}, "invalid_value", "chunking_strategy.type", "'auto' and 'static'."),
    ({"chunking_strategy": {}}, "missing_required_parameter", "chunking_strategy.type", "chunking_strategy.type"),
    ({"chunking_strategy": "auto"}, "invalid_type", "chunking_strategy", "expected an object, but got a string"),
    ({"chunking_strategy": {"type": "static"}}, "missing_required_parameter", STATIC, STATIC),
    (sizes(99, 0), "integer_below_min_value", f"{STATIC}.max_chunk_size_tokens", ">= 100"),
    (sizes(4097, 0), "integer_above_max_value", f"{STATIC}.max_chunk_size_tokens", "<= 4096"),
    (sizes(100, 51), "invalid_value", f"{STATIC}.chunk_overlap_tokens", "half of 'max_chunk_size_tokens'"),
    (sizes(100, -1), "integer_below_min_value", f"{STATIC}.chunk_overlap_tokens", ">= 0"),
    (sizes("100", 1), "invalid_type", f"{STATIC}.max_chunk_size_tokens", "expected an integer, but got a string"),
]


def refused(response: httpx.Response) -> dict[str, str | None]:
    body = response.json()["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert body["type"] == "invalid_request_error"
    return dict(body)


@pytest.mark.parametrize(("body", "code", "param", "message"), CREATE)
def test_create(http: httpx.Client, body: dict[str, object], code: str, param: str, message: str) -> None:
    response = http.post("/vector_stores", json=body)
    error = refused(response)
    assert (response.status_code, error["code"], error["param"]) == (400, code, param)
    assert message in (error["message"] or "")


SEARCH: list[tuple[dict[str, object], str, str]] = [
    ({}, "missing_required_parameter", "query"),
    ({"query": 1}, "invalid_type", "query"),
    ({"query": ["a", 1]}, "invalid_type", "query[1]"),
    ({"query": " "}, "empty_string", "query"),
    ({"query": []}, "empty_array", "query"),
    ({"query": "q", "max_num_results": 51}, "integer_above_max_value", "max_num_results"),
    ({"query": "q", "max_num_results": 0}, "integer_below_min_value", "max_num_results"),
    ({"query": "q", "rewrite_query": "yes"}, "invalid_type", "rewrite_query"),
    ({"query": "q", "ranking_options": {"ranker": "best"}}, "invalid_value", "ranking_options.ranker"),
    (
        {"query": "q", "ranking_options": {"score_threshold": 1.5}},
        "decimal_above_max_value",
        "ranking_options.score_threshold",
    ),
    ({"query": "q", "ranking_options": {"x": 1}}, "unknown_parameter", "ranking_options.x"),
    ({"query": "q", "filters": []}, "invalid_type", "filters"),
    ({"query": "q", "filters": {"key": "k"}}, "missing_required_parameter", "filters.type"),
    ({"query": "q", "filters": {"type": "eq", "key": "k"}}, "missing_required_parameter", "filters.value"),
    ({"query": "q", "filters": {"type": "like", "key": "k", "value": 1}}, "invalid_value", "filters.type"),
    ({"query": "q", "filters": {"type": ["eq"]}}, "invalid_type", "filters.type"),
    ({"query": "q", "filters": {"type": "in", "key": "k", "value": 1}}, "invalid_type", "filters.value"),
    ({"query": "q", "filters": {"type": "eq", "key": "k", "value": {}}}, "invalid_type", "filters.value"),
    (
        {"query": "q", "filters": {"type": "and", "filters": [{"type": "or", "x": 1}]}},
        "unknown_parameter",
        "filters.filters[0].x",
    ),
]


@pytest.mark.parametrize(("body", "code", "param"), SEARCH)
def test_search(http: httpx.Client, body: dict[str, object], code: str, param: str) -> None:
    store = http.post("/vector_stores", json={}).json()["id"]
    response = http.post(f"/vector_stores/{store}/search", json=body)
    error = refused(response)
    assert (response.status_code, error["code"], error["param"]) == (400, code, param)


BATCH: list[tuple[dict[str, object], str, str]] = [
    ({}, "missing_required_parameter", "file_ids"),
    ({"file_ids": ["a"], "files": [{"file_id": "a"}]}, "mutually_exclusive_parameters", "files"),
    ({"file_ids": []}, "empty_array", "file_ids"),
    ({"file_ids": ["a"] * 2001}, "array_above_max_length", "file_ids"),
    ({"files": [{"file_id": "a"}, {}]}, "missing_required_parameter", "files[1].file_id"),
    ({"files": [{"file_id": "a", "attributes": {"k": None}}]}, "invalid_type", "files[0].attributes.k"),
    ({"file_ids": ["a"], "attributes": {"k": LONG}}, "string_above_max_length", "attributes.k"),
]


@pytest.mark.parametrize(("body", "code", "param"), BATCH)
def test_batches(http: httpx.Client, body: dict[str, object], code: str, param: str) -> None:
    store = http.post("/vector_stores", json={}).json()["id"]
    error = refused(http.post(f"/vector_stores/{store}/file_batches", json=body))
    assert (error["code"], error["param"]) == (code, param)


QUERIES = [
    ("order=up", "invalid_value", "order"),
    ("limit=many", "invalid_type", "limit"),
    ("filter=done", "invalid_value", "filter"),
]


@pytest.mark.parametrize(("query", "code", "param"), QUERIES)
def test_query_strings(http: httpx.Client, query: str, code: str, param: str) -> None:
    store = http.post("/vector_stores", json={}).json()["id"]
    error = refused(http.get(f"/vector_stores/{store}/files?{query}"))
    assert (error["code"], error["param"]) == (code, param)


def test_update_takes_neither_description_nor_files(http: httpx.Client) -> None:
    store = http.post("/vector_stores", json={}).json()["id"]
    for field in ("description", "file_ids", "chunking_strategy"):
        assert refused(http.post(f"/vector_stores/{store}", json={field: None}))["code"] == "unknown_parameter"


def test_attributes_are_required_but_nullable(http: httpx.Client) -> None:
    error = refused(http.post("/vector_stores/vs_x/files/file-x", json={}))
    assert (error["code"], error["param"]) == ("missing_required_parameter", "attributes")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"n": 1e999}',
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"n": ' + b"1" * 10_000 + b"}",
    ],
)
def test_what_is_not_json_is_refused(http: httpx.Client, body: bytes) -> None:
    response = http.post("/vector_stores", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert (refused(response)["message"] or "").startswith("We could not parse the JSON body of your request.")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null"])
def test_json_that_is_no_object_is_refused(http: httpx.Client, body: bytes) -> None:
    response = http.post("/vector_stores", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, refused(response)["code"]) == (400, "invalid_type")


def test_a_body_over_the_limit_is_refused(http: httpx.Client) -> None:
    body = json.dumps({"name": "x" * (33 * 2**20)}).encode()
    response = http.post("/vector_stores", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 413


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=utf-8", ""])
def test_only_plain_json_is_accepted(http: httpx.Client, content_type: str) -> None:
    response = http.post("/vector_stores", content=b"{}", headers={"Content-Type": content_type})
    assert (response.status_code, refused(response)["code"]) == (400, "unsupported_content_type")


@pytest.mark.parametrize(("levels", "code", "param"), [(17, "invalid_value", "filters"), (400, None, None)])
def test_a_deep_filter_is_refused(http: httpx.Client, levels: int, code: str | None, param: str | None) -> None:
    """By the schema, or if it is deeper than any body may be, before it is parsed."""
    condition: dict[str, object] = {"type": "eq", "key": "k", "value": 1}
    for _ in range(levels - 1):
        condition = {"type": "and", "filters": [condition]}
    store = http.post("/vector_stores", json={}).json()["id"]
    response = http.post(f"/vector_stores/{store}/search", json={"query": "q", "filters": condition})
    error = refused(response)
    assert (response.status_code, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize("bad", ["vs_%2e%2e", "vs%20x", "vs_\u00e9", "%2e%2e", "vs_x;drop"])
def test_an_id_is_an_id(http: httpx.Client, bad: str) -> None:
    response = http.get(f"/vector_stores/{bad}")
    error = refused(response)
    assert (response.status_code, error["code"], error["param"]) == (400, "invalid_value", "vector_store_id")


def test_keys_are_required_and_checked(http: httpx.Client) -> None:
    missing = http.get("/vector_stores", headers={"Authorization": ""})
    assert (missing.status_code, refused(missing)["code"]) == (401, None)
    wrong = http.get("/vector_stores", headers={"Authorization": "Bearer sk-wrong-0123456789abcdef"})
    error = refused(wrong)
    assert (wrong.status_code, error["code"]) == (401, "invalid_api_key")
    assert error["message"] == "Incorrect API key provided: sk-w***cdef."
    strange = http.get("/vector_stores", headers={b"Authorization": b"Bearer \xff\xfe"})
    assert strange.status_code == 401


def test_unknown_routes_and_verbs(http: httpx.Client) -> None:
    unknown = http.get("/nothing")
    assert (unknown.status_code, refused(unknown)["message"]) == (404, "Invalid URL (GET /v1/nothing)")
    wrong = http.put("/vector_stores")
    assert (wrong.status_code, refused(wrong)["code"]) == (405, "method_not_supported")


def test_every_answer_has_openais_headers(http: httpx.Client) -> None:
    for path in ("/vector_stores", "/nothing"):
        headers = http.get(path).headers
        assert headers["x-request-id"].startswith("req_")
        assert headers["openai-version"] == "2020-10-01"
        assert int(headers["openai-processing-ms"]) >= 0
        assert headers["content-type"] == "application/json"


def test_a_defect_is_a_500_that_says_nothing(
    clocked: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> float:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(clocked.service.engine), "now", lambda _: fail())  # type: ignore[attr-defined]
    response = clocked.raw.get("/vector_stores")  # type: ignore[attr-defined]
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "server_error"
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text
