"""What the provider can do to us, operation by operation.

Asserted each time: the answer, the class that the official client raises, the number of upstream calls, and the one row
that is left.
"""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import (
    FaultyUpstream,
    answer,
    chunked,
    hang,
    hang_up,
    raw,
    refusal,
    reset,
    trickle,
    trickle_headers,
)
from vectorgate.api.operations import BY_NAME
from vectorgate.api.safety import Safety
from vectorgate.ledger.entry import State
from vectorgate.providers.http import transport
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.upstream import Act
    from tests.harnesses.gateway import Connect, GatewayHarness

KEY = "sk-fault-client"
ASK: dict[str, Callable[[openai.OpenAI, str], object]] = {
    "vector_stores.create": lambda client, _: client.vector_stores.create(name="x"),
    "vector_stores.retrieve": lambda client, store: client.vector_stores.retrieve(store),
    "vector_stores.update": lambda client, store: client.vector_stores.update(store, name="y"),
    "vector_stores.delete": lambda client, store: client.vector_stores.delete(store),
    "vector_stores.search": lambda client, store: client.vector_stores.search(store, query="q"),
}
CLASSES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}
CREATE, IDEMPOTENT, READ = Safety.CREATE, Safety.IDEMPOTENT, Safety.READ
OPEN = {CREATE: State.UNCERTAIN, IDEMPOTENT: State.UNCERTAIN, READ: State.VOIDED}
SHORT = 0.3  # seconds: a deadline that leaves no room for a second attempt
BROKEN = answer(200, b'{"id": "vs_1", "object')


@dataclass(frozen=True)
class Town:
    """A gateway with one key and one store of its own."""

    harness: GatewayHarness
    client: openai.OpenAI
    store: str

    def fails(self, operation: str) -> openai.APIStatusError:
        """Ask for something that ends in an error."""
        with pytest.raises(openai.APIStatusError) as caught:
            ASK[operation](self.client, self.store)
        return caught.value

    @property
    def calls(self) -> int:
        """The requests, without those by which a create looks in the list for what it made."""
        received = self.harness.upstream.received
        is_create = any(one.method == "POST" and one.path == "/v1/vector_stores" for one in received)
        return len([one for one in received if not is_create or one.method == "POST"])

    def state(self) -> State:
        """Of the row of the call that the test is about: there is exactly one after the store's own."""
        (_, entry) = self.harness.rows()
        return entry.state


@pytest.fixture
def town(harness: GatewayHarness, connect: Connect) -> Town:
    client = connect(harness.key(KEY))
    store = client.vector_stores.create(name="own").id
    harness.upstream.forget()
    harness.settle()
    harness.time.skip(1)
    return Town(harness, client, store)


@pytest.fixture
def deadline(harness: GatewayHarness) -> float:
    """A small one, in place of API Gateway's."""
    harness.gateway = replace(harness.gateway, deadline_seconds=SHORT)
    return SHORT


def every_operation() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", list(ASK))


@every_operation()
@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 422])
def test_a_refusal_is_passed_on_once_and_voided(town: Town, operation: str, status: int) -> None:
    town.harness.upstream.always(refusal(status, "upstream_code", {"x-request-id": "req_1", "set-cookie": "a=b"}))
    error = town.fails(operation)
    assert (error.status_code, error.code, error.param) == (status, "upstream_code", "upstream_param")
    assert isinstance(error, CLASSES.get(status, openai.APIStatusError))
    assert error.type == "upstream_type"
    assert f"upstream says {status}" in error.message
    assert error.response.headers["x-request-id"] == "req_1"
    assert "set-cookie" not in error.response.headers
    assert (town.calls, town.state()) == (1, State.VOIDED)


@every_operation()
@pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted"])
def test_an_exhausted_quota_is_passed_on_whatever_it_says_of_retries(town: Town, operation: str, code: str) -> None:
    town.harness.upstream.always(refusal(429, code, {"retry-after": "1"}))
    error = town.fails(operation)
    assert isinstance(error, openai.RateLimitError)
    assert (error.code, town.calls, town.state()) == (code, 1, State.VOIDED)


@every_operation()
@pytest.mark.parametrize(
    "headers",
    [{}, {"retry-after": "3600"}, {"retry-after": "soon"}, {"retry-after": "-1"}, {"retry-after-ms": "nan"}],
    ids=str,
)
def test_a_429_that_cannot_be_waited_for_is_passed_on_with_its_headers(
    town: Town, operation: str, headers: dict[str, str]
) -> None:
    town.harness.upstream.always(
        refusal(429, "rate_limit_exceeded", {**headers, "x-ratelimit-remaining-requests": "0"})
    )
    error = town.fails(operation)
    assert isinstance(error, openai.RateLimitError)
    assert headers.items() <= dict(error.response.headers).items()
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert (town.calls, town.harness.time.slept, town.state()) == (1, [], State.VOIDED)


@every_operation()
@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "2"},
        {"retry-after-ms": "2000"},
        {"retry-after": "2.0"},
        {"retry-after-ms": "2000", "retry-after": "9"},
        {"retry-after-ms": "soon", "retry-after": "2"},
    ],
    ids=str,
)
def test_a_429_is_waited_out_as_it_asks_and_asked_again(town: Town, operation: str, headers: dict[str, str]) -> None:
    town.harness.upstream.will(refusal(429, "rate_limit_exceeded", headers))
    ASK[operation](town.client, town.store)
    assert (town.calls, town.harness.time.slept, town.state()) == (2, [2.0], State.ANSWERED)


def test_a_429_that_names_a_date_is_waited_for_until_then(town: Town) -> None:
    date = formatdate(town.harness.time.wall() + 10, usegmt=True)
    town.harness.upstream.will(refusal(429, None, {"retry-after": date}))
    ASK["vector_stores.create"](town.client, town.store)
    (slept,) = town.harness.time.slept
    assert 8.5 < slept <= 10


def test_a_429_whose_date_has_passed_is_asked_again_at_once(town: Town) -> None:
    town.harness.upstream.will(refusal(429, None, {"retry-after": formatdate(0, usegmt=True)}))
    ASK["vector_stores.create"](town.client, town.store)
    assert (town.calls, town.harness.time.slept) == (2, [0.0])


@every_operation()
def test_a_429_that_does_not_end_is_asked_three_times_and_passed_on(town: Town, operation: str) -> None:
    town.harness.upstream.always(refusal(429, None, {"retry-after": "1"}))
    error = town.fails(operation)
    assert (error.status_code, town.calls, town.state()) == (429, 3, State.VOIDED)
    assert error.response.headers["retry-after"] == "1"


def test_waits_never_add_up_beyond_the_deadline(town: Town) -> None:
    town.harness.upstream.always(refusal(429, None, {"retry-after": "20"}))
    assert town.fails("vector_stores.create").status_code == 429
    assert (town.calls, town.harness.time.slept) == (2, [20.0])


@dataclass(frozen=True)
class Unknown:
    """A failure that leaves open whether the provider did it. `status`: as other operations than a create show it."""

    act: Act
    status: int
    create_status: int = 502


UNKNOWN = {
    "500": Unknown(refusal(500), 500),
    "502": Unknown(refusal(502), 502),
    "503": Unknown(refusal(503), 503),
    "504": Unknown(refusal(504), 504, 504),
    "599": Unknown(refusal(599), 599),
    "600": Unknown(refusal(600), 502),
    "999": Unknown(refusal(999), 502),
    "206": Unknown(answer(206, store_document("vs_1"), {"content-range": "bytes 0-9/10"}), 502),
    "408": Unknown(refusal(408), 504, 504),
    "409": Unknown(refusal(409), 502),
    "418": Unknown(refusal(418), 502),
    "an empty 500": Unknown(answer(500, b"", {"content-type": "text/html"}), 500),
    "a 500 in HTML": Unknown(answer(500, b"<h1>oops", {"content-type": "text/html"}), 500),
    "304": Unknown(raw(b"HTTP/1.1 304 Not Modified\r\n\r\n", reusable=True), 502),
    "reset": Unknown(reset, 502),
    "closed": Unknown(hang_up, 502),
    "torn": Unknown(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"), 502),
    "torn chunks": Unknown(chunked(b'{"id":', complete=False), 502),
    "no HTTP": Unknown(raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), 502),
    "broken JSON": Unknown(BROKEN, 502),
    "JSON of 10^5 levels": Unknown(answer(200, b"[" * 100_000), 502),
    "an array": Unknown(answer(200, []), 502),
    "NaN": Unknown(answer(200, b'{"id": "vs_1", "created_at": NaN}'), 502),
    "infinity": Unknown(answer(200, b'{"id": "vs_1", "created_at": 1e999}'), 502),
    "nothing": Unknown(answer(200, b""), 502),
    "204": Unknown(raw(b"HTTP/1.1 204 No Content\r\n\r\n", reusable=True), 502),
    "HTML": Unknown(answer(200, b"<html>", {"content-type": "text/html"}), 502),
    "another coding": Unknown(answer(200, b"{}", {"content-encoding": "br"}), 502),
    "torn gzip": Unknown(answer(200, gzip.compress(b"{}")[:-1], {"content-encoding": "gzip"}), 502),
    "latin-1": Unknown(answer(200, b'{"id": "vs_1", "name": "\xe9"}'), 502),
}


@pytest.mark.parametrize("name", list(UNKNOWN))
def test_a_create_of_unknown_outcome_is_asked_once_and_stays_open_while_no_list_says_what_it_made(
    town: Town, connect: Connect, name: str
) -> None:
    town.harness.upstream.always(UNKNOWN[name].act)
    eager = replace(town, client=connect(KEY, max_retries=2))
    error = eager.fails("vector_stores.create")
    assert isinstance(error, openai.InternalServerError)
    assert error.status_code == UNKNOWN[name].create_status
    assert error.response.headers["x-should-retry"] == "false"
    assert "retry-after" not in error.response.headers
    assert (town.calls, town.state()) == (1, State.UNCERTAIN)


@pytest.mark.parametrize("operation", [name for name in ASK if BY_NAME[name].safety is not CREATE])
@pytest.mark.parametrize("name", list(UNKNOWN))
def test_what_may_be_repeated_is_asked_three_times(town: Town, operation: str, name: str) -> None:
    town.harness.upstream.always(UNKNOWN[name].act)
    error = town.fails(operation)
    assert isinstance(error, openai.InternalServerError)
    assert (error.status_code, town.calls) == (UNKNOWN[name].status, 3)
    assert town.state() is OPEN[BY_NAME[operation].safety]


@pytest.mark.parametrize("operation", [name for name in ASK if BY_NAME[name].safety is not CREATE])
@pytest.mark.parametrize("name", ["500", "reset", "broken JSON"])
def test_what_may_be_repeated_succeeds_at_the_second_attempt(town: Town, operation: str, name: str) -> None:
    town.harness.upstream.will(UNKNOWN[name].act)
    ASK[operation](town.client, town.store)
    assert (town.calls, town.state()) == (2, State.ANSWERED)


@pytest.mark.parametrize(
    "document",
    [{}, {"id": None}, {"id": 7}, {"id": True}, {"id": ""}, {"id": "vs 1"}, {"id": "../x"}, {"id": ["vs_1"]}],
    ids=str,
)
def test_a_create_that_is_answered_without_an_id_stays_open(town: Town, document: dict[str, object]) -> None:
    town.harness.upstream.always(answer(200, store_document("x") | {"id": None} | document))
    error = town.fails("vector_stores.create")
    assert (error.status_code, town.calls, town.state()) == (502, 1, State.UNCERTAIN)


@pytest.mark.parametrize("retry_after", [{"retry-after": "1"}, {"x-should-retry": "true"}], ids=str)
def test_the_provider_cannot_talk_a_client_into_repeating_a_create(town: Town, retry_after: dict[str, str]) -> None:
    town.harness.upstream.always(refusal(503, None, retry_after))
    headers = town.fails("vector_stores.create").response.headers
    assert (headers["x-should-retry"], "retry-after" in headers) == ("false", False)


@pytest.mark.usefixtures("deadline")
@every_operation()
@pytest.mark.parametrize("act", [hang, trickle, trickle_headers], ids=lambda act: act.__name__)
def test_an_answer_that_does_not_come_to_an_end_ends_at_the_deadline(town: Town, operation: str, act: Act) -> None:
    town.harness.upstream.always(act)
    began = town.harness.time.elapsed()
    error = town.fails(operation)
    assert SHORT <= town.harness.time.elapsed() - began < SHORT + 0.7
    assert (error.status_code, error.code, town.calls) == (504, "provider_timeout", 1)
    assert town.state() is OPEN[BY_NAME[operation].safety]


@pytest.mark.usefixtures("deadline")
def test_a_provider_that_reads_slowly_holds_a_call_no_longer_than_the_deadline(town: Town) -> None:
    def sip(connection: Any, received: Any) -> bool:
        del connection
        return not received.ended.wait(60)

    town.harness.upstream.always(sip)
    began = town.harness.time.elapsed()
    with pytest.raises(openai.APIStatusError) as caught:
        town.client.files.create(file=("big.bin", bytes(8_000_000)), purpose="assistants")
    assert caught.value.status_code == 504
    assert town.harness.time.elapsed() - began < SHORT + 1.5


@every_operation()
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_nowhere(town: Town, operation: str, status: int) -> None:
    with FaultyUpstream(answer(200, store_document("vs_stolen"))) as elsewhere:
        town.harness.upstream.always(answer(status, b"", {"location": f"{elsewhere.url}/vector_stores"}))
        error = town.fails(operation)
        assert (error.status_code, elsewhere.connections) == (502, 0)
        assert "location" not in error.response.headers
    assert town.calls == (1 if BY_NAME[operation].safety is CREATE else 3)


def test_a_provider_that_cannot_be_reached_is_tried_three_times_and_nothing_stays_open(town: Town) -> None:
    town.harness.upstream.close()
    town.harness.transport.close()  # also the connections that were kept
    error = town.fails("vector_stores.create")
    assert (error.status_code, error.code) == (502, "provider_unreachable")
    assert (town.calls, len(town.harness.time.slept), town.state()) == (0, 2, State.VOIDED)


@pytest.mark.parametrize("second", ["refused", "429", "401"])
def test_what_the_first_attempt_may_have_done_stays_open_whatever_the_next_one_meets(town: Town, second: str) -> None:
    next_act = {"refused": refusal(403), "429": refusal(429), "401": refusal(401)}[second]
    town.harness.upstream.will(reset, next_act)
    assert town.fails("vector_stores.update").status_code == 502
    assert (town.calls, town.state()) == (2, State.UNCERTAIN)


def test_a_delete_whose_first_answer_was_lost_is_a_success_when_nothing_is_there_any_more(town: Town) -> None:
    town.harness.upstream.will(reset, refusal(404))
    assert town.client.vector_stores.delete(town.store).deleted
    assert (town.calls, town.state()) == (2, State.ANSWERED)
    assert town.fails("vector_stores.retrieve").status_code == 404


def test_a_delete_of_what_was_never_asked_before_is_the_providers_404(town: Town) -> None:
    town.harness.upstream.will(refusal(404))
    assert town.fails("vector_stores.delete").status_code == 404
    assert (town.calls, town.state()) == (1, State.VOIDED)


def test_huge_headers_are_a_lost_answer_and_nothing_worse(town: Town) -> None:
    town.harness.upstream.always(answer(200, {"id": "vs_1"}, {"x-huge": "a" * 500_000}))
    assert town.fails("vector_stores.create").status_code == 502
    assert (town.calls, town.state()) == (1, State.UNCERTAIN)


def test_a_passed_header_is_cut_and_a_strange_one_stays_behind(town: Town) -> None:
    headers = {"x-ratelimit-long": "a" * 5_000, "x-internal": "1", "connection": "close"}
    town.harness.upstream.always(answer(200, store_document("vs_h"), headers))
    seen = town.client.vector_stores.with_raw_response.create(name="x").headers
    assert len(seen["x-ratelimit-long"]) == 1_000
    assert "x-internal" not in seen


@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_account_behind_the_gateway_has_no_name(town: Town, status: int) -> None:
    passed = {"openai-version": "2020-10-01", "openai-processing-ms": "7", "openai-poll-after-ms": "1000"}
    account = {"openai-organization": "org-platform", "openai-project": "proj_platform", "openai-what-comes-next": "x"}
    town.harness.upstream.always(answer(status, store_document("vs_h"), {**passed, **account}))
    try:
        seen = town.client.vector_stores.with_raw_response.create(name="x").headers
    except openai.APIStatusError as error:
        seen = error.response.headers
    assert passed.items() <= dict(seen).items()
    assert not account.keys() & set(seen)


@every_operation()
@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "invalid_request_error"), (429, "rate_limit_error"), (500, "server_error")],
)
def test_an_error_without_openais_envelope_has_openais_type(town: Town, operation: str, status: int, kind: str) -> None:
    for body in (b"<h1>no</h1>", b"", b'{"detail": "no"}', b'{"error": {"message": "no"}}', b'{"error": "no"}'):
        town.harness.upstream.always(answer(status, body))
        error = town.fails(operation)
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
    town: Town, operation: str, data: dict[str, object]
) -> None:
    town.client.files.create(file=("a.md", b"text"), purpose="assistants")
    town.harness.upstream.forget()
    town.harness.upstream.always(answer(200, {"object": "list", **data}))
    with pytest.raises(openai.InternalServerError) as caught:
        PAGES[operation](town.client, town.store)
    assert (caught.value.status_code, town.calls) == (502, 3)
    assert town.harness.rows()[-1].state is State.VOIDED
    town.harness.upstream.always(answer(200, {"object": "list", "data": [], "has_more": False}))
    PAGES[operation](town.client, town.store)


@pytest.mark.parametrize("surplus", [b', "more": 1}', b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], ids=repr)
def test_what_stands_behind_one_tenants_answer_never_reaches_another(
    town: Town, connect: Connect, surplus: bytes
) -> None:
    other = connect(town.harness.key("sk-another-tenant", team="other"))
    theirs = other.vector_stores.create(name="theirs").id
    town.harness.upstream.forget()
    content = json.dumps({"object": "list", "search_query": ["mine"], "data": [], "has_more": False}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content)
    town.harness.upstream.will(raw(head + content + surplus, reusable=True))
    town.client.vector_stores.search(town.store, query="mine")
    assert other.vector_stores.search(theirs, query="theirs").object == "vector_store.search_results.page"
    assert other.vector_stores.create(name="theirs too").name == "theirs too"
    assert town.calls == 3


def test_content_that_is_compressed_unasked_arrives_as_it_was(town: Town) -> None:
    file = town.client.files.create(file=("a.md", b"text"), purpose="assistants").id
    headers = {"content-type": "text/plain", "content-encoding": "gzip"}
    town.harness.upstream.always(answer(200, gzip.compress(b"text"), headers))
    answered = town.client.files.content(file)
    assert (answered.content, "content-encoding" in answered.response.headers) == (b"text", False)


def test_a_part_of_a_file_is_not_its_content(town: Town) -> None:
    file = town.client.files.create(file=("a.md", b"text"), purpose="assistants").id
    town.harness.upstream.forget()
    town.harness.upstream.always(answer(206, b"te", {"content-range": "bytes 0-1/4", "content-type": "text/plain"}))
    with pytest.raises(openai.InternalServerError) as caught:
        town.client.files.content(file)
    assert (caught.value.status_code, town.calls) == (502, 3)


def test_content_that_cannot_be_handed_on_is_refused_unread(town: Town) -> None:
    file = town.client.files.create(file=("a.md", b"text"), purpose="assistants").id
    town.harness.upstream.forget()
    clock = town.harness.time.clock()
    with closing(PooledTransport(clock, most_content=3_000_000)) as limited:
        town.harness.gateway = replace(town.harness.gateway, transport=limited)
        town.harness.upstream.always(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 3000001\r\n\r\n", reusable=True))
        with pytest.raises(openai.APIStatusError) as caught:
            town.client.files.content(file)
    assert (caught.value.status_code, caught.value.code, town.calls) == (413, "response_too_large", 1)
    assert town.harness.rows()[-1].state is State.VOIDED


def test_a_document_larger_than_any_operation_returns_is_a_lost_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_DOCUMENT", 3_000_000)
    town.harness.upstream.always(chunked(*[b" " * 1_000_000] * 4))
    assert town.fails("vector_stores.create").status_code == 502
    assert (town.calls, town.state()) == (1, State.UNCERTAIN)


def test_an_answer_of_some_megabytes_in_chunks_is_read_whole(town: Town) -> None:
    document = b'{"id": "vs_big", "object": "vector_store", "created_at": 1, "name": "' + b"n" * 3_000_000 + b'"}'
    town.harness.upstream.always(chunked(*(document[at : at + 65_536] for at in range(0, len(document), 65_536))))
    assert len(town.client.vector_stores.create(name="x").name) == 3_000_000
    assert (town.calls, town.state()) == (1, State.ANSWERED)


@pytest.mark.parametrize("created_at", [-1, 10**15, 2**63, True, None, "now", 1.5], ids=str)
def test_a_create_is_owned_and_answered_whatever_time_the_provider_names(town: Town, created_at: object) -> None:
    town.harness.upstream.always(answer(200, store_document("vs_odd") | {"created_at": created_at}))
    town.client.with_raw_response.vector_stores.create(name="x")
    assert (town.calls, town.state()) == (1, State.ANSWERED)
    town.harness.upstream.always(town.harness.openai.act)
    town.harness.openai.stores["vs_odd"] = store_document("vs_odd")
    assert town.client.vector_stores.retrieve("vs_odd").id == "vs_odd"


@every_operation()
def test_a_success_is_asked_once_and_settled(town: Town, operation: str) -> None:
    ASK[operation](town.client, town.store)
    assert (town.calls, town.state()) == (1, State.ANSWERED)
    town.harness.settle()
    assert town.state() is State.SETTLED
