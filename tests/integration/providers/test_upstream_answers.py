"""What a provider's answers may contain, and what of it reaches the client."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import openai
import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import (
    answer,
    chunked,
    raw,
)
from tests.harnesses.provider_faults import ASK, FaultHarness
from tests.integration.providers.test_upstream_faults import every_operation
from vectorgate.ledger.entry import State
from vectorgate.providers.http import transport
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect


def test_huge_headers_are_a_lost_answer_and_nothing_worse(system: FaultHarness) -> None:
    system.harness.upstream.always(answer(200, {"id": "vs_1"}, {"x-huge": "a" * 500_000}))
    assert system.fails("vector_stores.create").status_code == 502
    assert (system.calls, system.state()) == (1, State.UNCERTAIN)


def test_a_passed_header_is_cut_and_a_strange_one_stays_behind(system: FaultHarness) -> None:
    headers = {"x-ratelimit-long": "a" * 5_000, "x-internal": "1", "connection": "close"}
    system.harness.upstream.always(answer(200, store_document("vs_h"), headers))
    seen = system.client.vector_stores.with_raw_response.create(name="x").headers
    assert len(seen["x-ratelimit-long"]) == 1_000
    assert "x-internal" not in seen


@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_account_behind_the_gateway_has_no_name(system: FaultHarness, status: int) -> None:
    passed = {"openai-version": "2020-10-01", "openai-processing-ms": "7", "openai-poll-after-ms": "1000"}
    account = {"openai-organization": "org-platform", "openai-project": "proj_platform", "openai-what-comes-next": "x"}
    system.harness.upstream.always(answer(status, store_document("vs_h"), {**passed, **account}))
    try:
        seen = system.client.vector_stores.with_raw_response.create(name="x").headers
    except openai.APIStatusError as error:
        seen = error.response.headers
    assert passed.items() <= dict(seen).items()
    assert not account.keys() & set(seen)


@every_operation()
@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "invalid_request_error"), (429, "rate_limit_error"), (500, "server_error")],
)
def test_an_error_without_openais_envelope_has_openais_type(
    system: FaultHarness, operation: str, status: int, kind: str
) -> None:
    for body in (b"<h1>no</h1>", b"", b'{"detail": "no"}', b'{"error": {"message": "no"}}', b'{"error": "no"}'):
        system.harness.upstream.always(answer(status, body))
        error = system.fails(operation)
        assert (error.type, error.code) == (kind, None)


PAGES: dict[str, Callable[[openai.OpenAI, str], object]] = {
    "vector_stores.search": ASK["vector_stores.search"],
    "vector_stores.files.list": lambda client, store: client.vector_stores.files.list(store),
    "vector_stores.files.content": lambda client, store: client.vector_stores.files.content(
        "file-1", vector_store_id=store
    ),
}


@pytest.mark.parametrize("operation", list(PAGES))
@pytest.mark.parametrize(
    "data", [{}, {"error": {"message": "boom"}}, {"data": None}, {"data": {}}, {"data": "x"}], ids=str
)
def test_a_list_or_a_search_without_a_list_is_a_broken_answer(
    system: FaultHarness, operation: str, data: dict[str, object]
) -> None:
    system.client.files.create(file=("a.md", b"text"), purpose="assistants")
    system.harness.upstream.forget()
    system.harness.upstream.always(answer(200, {"object": "list", **data}))
    with pytest.raises(openai.InternalServerError) as caught:
        PAGES[operation](system.client, system.store)
    assert (caught.value.status_code, system.calls) == (502, 3)
    assert system.harness.rows()[-1].state is State.VOIDED
    system.harness.upstream.always(answer(200, {"object": "list", "data": [], "has_more": False}))
    PAGES[operation](system.client, system.store)


@pytest.mark.parametrize("surplus", [b', "more": 1}', b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], ids=repr)
def test_what_stands_behind_one_tenants_answer_never_reaches_another(
    system: FaultHarness, connect: Connect, surplus: bytes
) -> None:
    other = connect(system.harness.key("sk-another-tenant", team="other"))
    theirs = other.vector_stores.create(name="theirs").id
    system.harness.upstream.forget()
    content = json.dumps({"object": "list", "search_query": ["mine"], "data": [], "has_more": False}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content)
    system.harness.upstream.will(raw(head + content + surplus, reusable=True))
    system.client.vector_stores.search(system.store, query="mine")
    assert other.vector_stores.search(theirs, query="theirs").object == "vector_store.search_results.page"
    assert other.vector_stores.create(name="theirs too").name == "theirs too"
    assert system.calls == 3


def test_content_that_is_compressed_unasked_arrives_as_it_was(system: FaultHarness) -> None:
    file = system.client.files.create(file=("a.md", b"text"), purpose="assistants").id
    headers = {"content-type": "text/plain", "content-encoding": "gzip"}
    system.harness.upstream.always(answer(200, gzip.compress(b"text"), headers))
    answered = system.client.files.content(file)
    assert (answered.content, "content-encoding" in answered.response.headers) == (b"text", False)


def test_a_part_of_a_file_is_not_its_content(system: FaultHarness) -> None:
    file = system.client.files.create(file=("a.md", b"text"), purpose="assistants").id
    system.harness.upstream.forget()
    system.harness.upstream.always(answer(206, b"te", {"content-range": "bytes 0-1/4", "content-type": "text/plain"}))
    with pytest.raises(openai.InternalServerError) as caught:
        system.client.files.content(file)
    assert (caught.value.status_code, system.calls) == (502, 3)


def test_content_that_cannot_be_handed_on_is_refused_unread(system: FaultHarness) -> None:
    file = system.client.files.create(file=("a.md", b"text"), purpose="assistants").id
    system.harness.upstream.forget()
    clock = system.harness.time.clock()
    with closing(PooledTransport(clock, most_content=3_000_000)) as limited:
        system.harness.gateway = replace(system.harness.gateway, transport=limited)
        system.harness.upstream.always(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 3000001\r\n\r\n", reusable=True))
        with pytest.raises(openai.APIStatusError) as caught:
            system.client.files.content(file)
    assert (caught.value.status_code, caught.value.code, system.calls) == (413, "response_too_large", 1)
    assert system.harness.rows()[-1].state is State.VOIDED


def test_a_document_larger_than_any_operation_returns_is_a_lost_one(
    system: FaultHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_DOCUMENT", 3_000_000)
    system.harness.upstream.always(chunked(*[b" " * 1_000_000] * 4))
    assert system.fails("vector_stores.create").status_code == 502
    assert (system.calls, system.state()) == (1, State.UNCERTAIN)


def test_an_answer_of_some_megabytes_in_chunks_is_read_whole(system: FaultHarness) -> None:
    document = b'{"id": "vs_big", "object": "vector_store", "created_at": 1, "name": "' + b"n" * 3_000_000 + b'"}'
    system.harness.upstream.always(chunked(*(document[at : at + 65_536] for at in range(0, len(document), 65_536))))
    assert len(system.client.vector_stores.create(name="x").name) == 3_000_000
    assert (system.calls, system.state()) == (1, State.ANSWERED)


@pytest.mark.parametrize("created_at", [-1, 10**15, 2**63, True, None, "now", 1.5], ids=str)
def test_a_create_is_owned_and_answered_whatever_time_the_provider_names(
    system: FaultHarness, created_at: object
) -> None:
    system.harness.upstream.always(answer(200, store_document("vs_odd") | {"created_at": created_at}))
    system.client.with_raw_response.vector_stores.create(name="x")
    assert (system.calls, system.state()) == (1, State.ANSWERED)
    system.harness.upstream.always(system.harness.openai.act)
    system.harness.openai.stores["vs_odd"] = store_document("vs_odd")
    assert system.client.vector_stores.retrieve("vs_odd").id == "vs_odd"
