"""The native door on plain HTTP: who may, what passes, what the ledger keeps, what never leaks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.azure_requests import CREATE, LIST, SEARCH_ROW, UPDATE, UPLOAD, ask, row
from tests.fakes.upstream import answer, reset
from tests.harnesses.azure import READ, REAL, SEARCH, SEARCH_KEY, VERSION, VIRTUAL, WRITE, AzureGate
from vectorgate.azure_search.operations import API_VERSIONS, INDEX_OPERATIONS, IndexOperation
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    import httpx

SPELLINGS = [(row, spelling) for row in INDEX_OPERATIONS for spelling in row.path_variants]
ROW_NAMES = [f"{row.method} {spelling}" for row, spelling in SPELLINGS]


@pytest.mark.parametrize(("row", "spelling"), SPELLINGS, ids=ROW_NAMES)
def test_every_spelling_goes_upstream_as_one(
    harness: AzureGate, http: httpx.Client, made: str, row: IndexOperation, spelling: str
) -> None:
    if row is CREATE:
        harness.plain_search.indexes.clear()
    answered = ask(http, made, row, spelling)
    assert answered.is_success, answered.text
    (received,) = harness.search.received
    assert received.path.partition("?")[0] == row.path.format(index=REAL, key="1")
    assert received.headers["api-key"] == SEARCH_KEY
    entry = harness.row()
    expected = None if row is LIST else VIRTUAL
    assert (entry.operation, entry.provider, entry.vector_store_id) == (row.name, SEARCH, expected)
    assert (entry.state, entry.status_code) == (State.ANSWERED, answered.status_code)
    assert entry.upstream_request_id == "9f0c-req"
    assert harness.settle() == 1
    assert harness.row().price_id == "azure_ai.calls.2025-03-11"


@pytest.mark.parametrize(("row", "spelling"), SPELLINGS, ids=ROW_NAMES)
def test_neither_real_name_nor_host_nor_key_is_in_an_answer(
    harness: AzureGate, http: httpx.Client, made: str, row: IndexOperation, spelling: str
) -> None:
    if row is CREATE:
        harness.plain_search.indexes.clear()
    harness.plain_search.indexes.get(REAL, {"docs": {}})["docs"].clear()
    for _ in range(2):  # the second one may be refused: it is there already, or no longer
        answered = ask(http, made, row, spelling)
        seen = answered.text + str(dict(answered.headers))
        for secret in (REAL, harness.plain_search.host, SEARCH_KEY, "set-cookie", "node-7"):
            assert secret not in seen
        assert len(answered.headers["x-litellm-call-id"]) == 36


@pytest.mark.parametrize(("row", "spelling"), SPELLINGS, ids=ROW_NAMES)
def test_a_permission_of_the_other_kind_is_none(
    harness: AzureGate, http: httpx.Client, row: IndexOperation, spelling: str
) -> None:
    """The same bytes for: may not, is not there, and somebody else's. Nothing is asked, no credential read."""
    harness.index()
    harness.index("other", "other-real")
    if row is LIST:
        key = harness.index_key("sk-wrong", WRITE)
        assert ask(http, key, row).json() == {"value": []}
        assert not harness.search.received
        return
    wrong = harness.index_key("sk-wrong", WRITE if row.permission is READ else READ)
    foreign = harness.index_key("sk-foreign", READ, WRITE, index="other")
    absent = harness.index_key("sk-absent", READ, WRITE, index="absent")
    answers = [ask(http, key, row, spelling) for key in (wrong, foreign, harness.key("sk-none"))]
    answers.append(ask(http, absent, row, spelling, index="absent"))
    assert {answered.status_code for answered in answers} == {404}
    bodies = {answered.text.replace("'absent'", f"'{VIRTUAL}'") for answered in answers}
    assert bodies == {
        json.dumps(
            {"error": {"code": "ResourceNotFound", "message": f"No index with the name '{VIRTUAL}' was found."}},
            separators=(",", ":"),
        )
    }
    assert harness.nothing_left_here()
    assert {entry.state for entry in harness.rows()} == {State.VOIDED}


def test_a_list_shows_what_the_key_may_read(harness: AzureGate, http: httpx.Client) -> None:
    for name in ("hidden", "seen", "written", "gone"):
        harness.index(name, f"real-{name}")
    harness.index("seen-too", "real-seen")
    for real in ("real-hidden", "real-seen", "real-written", "unmapped"):
        harness.plain_search.indexes[real] = {"definition": {"name": real, "fields": []}, "docs": {}}
    grants = {
        "seen": {READ},
        "seen-too": {READ, WRITE},
        "written": {WRITE},
        "gone": {READ},
        "odd name": {READ},
        "never-mapped": {READ},
    }
    key = harness.key("sk-lister", indexes={name: frozenset(permissions) for name, permissions in grants.items()})
    answered = ask(http, key, LIST)
    assert [item["name"] for item in answered.json()["value"]] == ["seen", "seen-too"]
    assert set(answered.json()) == {"value"}
    path = f"/azure_ai/indexes?api-version={VERSION}&$select=fields"
    chosen = http.get(path, headers={"api-key": key}).json()["value"]
    assert [item["name"] for item in chosen] == ["seen", "seen-too"]
    assert harness.search.received[-1].path.endswith("select=name%2Cfields")


@pytest.mark.parametrize("version", sorted(API_VERSIONS))
def test_the_clients_version_is_forwarded(harness: AzureGate, http: httpx.Client, made: str, version: str) -> None:
    assert ask(http, made, SEARCH_ROW, version=version).is_success
    assert harness.search.received[0].path.endswith(f"?api-version={version}")


@pytest.mark.parametrize("version", ["2020-06-30", "2024-07-01 ", "2024-07-01/../x", "2026-04-01-preview", "latest"])
def test_another_version_is_not_there(harness: AzureGate, http: httpx.Client, made: str, version: str) -> None:
    answered = ask(http, made, SEARCH_ROW, version=version)
    assert (answered.status_code, answered.json()["error"]["code"]) == (404, "UnsupportedApiVersion")
    assert harness.nothing_left_here()


def test_a_version_is_needed(harness: AzureGate, http: httpx.Client, made: str) -> None:
    answered = http.post(f"/azure_ai/indexes/{VIRTUAL}/docs/search", json={}, headers={"api-key": made})
    assert (answered.status_code, answered.json()["error"]["code"]) == (400, "MissingApiVersionParameter")
    assert harness.nothing_left_here()


def test_the_key_may_be_a_bearer_token(http: httpx.Client, made: str) -> None:
    headers = {"authorization": f"Bearer {made}"}
    assert ask(http, made, SEARCH_ROW, headers=headers).is_success


def test_statuses_are_preserved(harness: AzureGate, http: httpx.Client, key: str) -> None:
    assert ask(http, key, CREATE).status_code == 201
    updated = ask(http, key, UPDATE)
    assert (updated.status_code, updated.content) == (204, b"")
    assert "content-type" not in updated.headers
    assert ask(http, key, UPDATE, headers={"api-key": key, "prefer": "return=representation"}).status_code == 200
    assert ask(http, key, UPDATE, headers={"api-key": key, "if-match": '"old"'}).status_code == 412
    assert ask(http, key, CREATE).status_code == 409
    assert ask(http, key, UPLOAD, json={"value": [{"id": "1"}, {}]}).status_code == 207
    count = ask(http, key, row("indexes.documents.count", "GET"))
    assert (count.text, count.headers["content-type"]) == ("1", "text/plain")
    assert ask(http, key, row("indexes.delete", "DELETE")).status_code == 204
    assert ask(http, key, row("indexes.delete", "DELETE")).status_code == 404
    states = [entry.state for entry in harness.rows()]
    assert states.count(State.VOIDED) == 3
    assert State.UNCERTAIN not in states


def test_links_lead_to_the_gateway(http: httpx.Client, made: str) -> None:
    found = ask(http, made, SEARCH_ROW).json()
    assert found["@odata.context"] == f"/azure_ai/indexes('{VIRTUAL}')/$metadata#docs(*)"
    assert found["@odata.nextLink"].startswith(f"/azure_ai/indexes('{VIRTUAL}')/docs/search.post.search?")


def test_a_link_to_another_index_is_dropped(harness: AzureGate, http: httpx.Client, made: str) -> None:
    harness.search.will(answer(200, {"@odata.context": "https://h/indexes('secret')/$metadata", "value": []}))
    assert ask(http, made, SEARCH_ROW).json() == {"value": []}


def test_what_a_definition_says_of_hosts_is_not_shown(harness: AzureGate, http: httpx.Client, made: str) -> None:
    vectorizer = {
        "name": "v",
        "kind": "azureOpenAI",
        "azureOpenAIParameters": {"resourceUri": "https://r", "apiKey": "k"},
    }
    harness.plain_search.indexes[REAL]["definition"] |= {
        "encryptionKey": {"keyVaultUri": "https://vault"},
        "vectorSearch": {"profiles": [], "vectorizers": [vectorizer]},
    }
    shown = ask(http, made, row("indexes.retrieve", "GET")).json()
    assert shown["encryptionKey"] is None
    assert shown["vectorSearch"] == {"profiles": [], "vectorizers": [{"name": "v", "kind": "azureOpenAI"}]}


def test_a_conditional_change_is_asked_once(harness: AzureGate, http: httpx.Client, made: str) -> None:
    """Had the first attempt succeeded, the second would be told that the condition does not hold."""
    harness.search.always(reset)
    answered = ask(http, made, UPDATE, headers={"api-key": made, "if-match": '"0x1"'})
    assert answered.status_code == 502
    assert answered.headers["x-should-retry"] == "false"
    assert harness.search.calls == 1
    assert harness.row().state is State.UNCERTAIN


@pytest.mark.parametrize(("row", "calls"), [(CREATE, 1), (UPDATE, 3), (UPLOAD, 3), (SEARCH_ROW, 3)])
def test_what_is_safe_is_asked_again(
    harness: AzureGate, http: httpx.Client, made: str, row: IndexOperation, calls: int
) -> None:
    harness.search.always(reset)
    assert ask(http, made, row).status_code == 502
    assert harness.search.calls == calls


def test_a_write_leaves_its_trace_before_it_is_sent(harness: AzureGate, http: httpx.Client, made: str) -> None:
    seen: list[State] = []

    def look(connection: Any, received: Any) -> bool:
        seen.extend(entry.state for entry in harness.rows())
        return harness.plain_search.act(connection, received)

    harness.search.always(look)
    assert ask(http, made, UPLOAD).is_success
    assert ask(http, made, SEARCH_ROW).is_success
    assert seen == [State.STARTED, State.ANSWERED]
    assert len(harness.rows()) == 2


def test_a_service_that_refuses_the_gateways_key_is_not_the_clients_doing(
    harness: AzureGate, http: httpx.Client, made: str
) -> None:
    for status in (401, 403):
        harness.search.will(answer(status, b""))
        answered = ask(http, made, SEARCH_ROW)
        assert (answered.status_code, answered.json()["error"]["code"]) == (502, "provider_credential_refused")


def test_an_error_of_the_service_is_emitted_anew(harness: AzureGate, http: httpx.Client, made: str) -> None:
    host = harness.plain_search.host
    said = {
        "error": {
            "code": "InvalidRequestParameter",
            "message": f"Bad filter for '{REAL}' at https://{host}/indexes('{REAL}')",
            "details": [{"code": "InvalidFilter", "message": f"in {REAL}", "target": "x"}, 5],
            "innererror": {"stack": REAL},
        }
    }
    harness.search.will(answer(400, said, {"request-id": "r", "x-ms-foo": "1"}))
    answered = ask(http, made, SEARCH_ROW)
    assert answered.status_code == 400
    error = answered.json()["error"]
    assert error["code"] == "InvalidRequestParameter"
    assert error["details"] == [{"code": "InvalidFilter", "message": f"in {VIRTUAL}"}]
    assert VIRTUAL in error["message"]
    assert REAL not in answered.text
    assert host.partition(":")[0] not in answered.text
    assert answered.headers["request-id"] == "r"
    assert "x-ms-foo" not in answered.headers


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":"x"}', b"null", b'{"error":{"code":5,"message":[]}}'])
def test_an_error_in_no_known_form_has_a_message_of_ours(
    harness: AzureGate, http: httpx.Client, made: str, body: bytes
) -> None:
    harness.search.will(answer(400, body))
    assert ask(http, made, SEARCH_ROW).json() == {"error": {"code": "400", "message": "The provider answered 400."}}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"v":NaN}'])
def test_a_broken_success_is_a_failure(harness: AzureGate, http: httpx.Client, made: str, body: bytes) -> None:
    harness.search.always(answer(200, body))
    assert ask(http, made, SEARCH_ROW).status_code == 502


LISTING = [row for row in INDEX_OPERATIONS if row.name.endswith((".list", ".search", ".suggest", ".autocomplete"))]


@pytest.mark.parametrize("row", LISTING, ids=lambda row: f"{row.method} {row.name}")
@pytest.mark.parametrize("body", [b"{}", b'{"error":{"message":"boom"}}', b'{"value":null}', b'{"value":{}}'])
def test_a_list_or_a_search_without_a_list_is_a_failure(
    harness: AzureGate, http: httpx.Client, made: str, row: IndexOperation, body: bytes
) -> None:
    harness.search.always(answer(200, body))
    assert (ask(http, made, row).status_code, harness.search.calls) == (502, 3)


def test_a_search_without_all_of_its_semantics_is_passed_on_as_the_service_marks_it(
    harness: AzureGate, http: httpx.Client, made: str
) -> None:
    harness.search.always(answer(206, {"@search.semanticPartialResponseReason": "maxWaitExceeded", "value": []}))
    assert ask(http, made, SEARCH_ROW).status_code == 206


def test_a_count_that_is_no_number_is_a_failure(harness: AzureGate, http: httpx.Client, made: str) -> None:
    harness.search.always(answer(200, b"<script>"))
    assert ask(http, made, row("indexes.documents.count", "GET")).status_code == 502


def test_the_name_of_a_mapping_counts_from_the_next_call_on(harness: AzureGate, http: httpx.Client, made: str) -> None:
    assert ask(http, made, SEARCH_ROW).is_success
    assert harness.stores.indexes.delete_index(VIRTUAL)
    assert ask(http, made, SEARCH_ROW).status_code == 404
