"""How a provider can fail, operation by operation.

Asserted each time: the answer, the class that the official client raises, the number of upstream calls, and the one row
that is left.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

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
from tests.harnesses.provider_faults import ASK, KEY, FaultHarness
from vectorgate.api.operations import BY_NAME
from vectorgate.api.safety import Safety
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from tests.fakes.upstream import Act
    from tests.harnesses.gateway import Connect, GatewayHarness

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


@pytest.fixture
def deadline(harness: GatewayHarness) -> float:
    """A small one, in place of API Gateway's."""
    harness.gateway = replace(harness.gateway, deadline_seconds=SHORT)
    return SHORT


def every_operation() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", list(ASK))


@every_operation()
@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 422])
def test_a_refusal_is_passed_on_once_and_voided(system: FaultHarness, operation: str, status: int) -> None:
    system.harness.upstream.always(refusal(status, "upstream_code", {"x-request-id": "req_1", "set-cookie": "a=b"}))
    error = system.fails(operation)
    assert (error.status_code, error.code, error.param) == (status, "upstream_code", "upstream_param")
    assert isinstance(error, CLASSES.get(status, openai.APIStatusError))
    assert error.type == "upstream_type"
    assert f"upstream says {status}" in error.message
    assert error.response.headers["x-request-id"] == "req_1"
    assert "set-cookie" not in error.response.headers
    assert (system.calls, system.state()) == (1, State.VOIDED)


@every_operation()
@pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted"])
def test_an_exhausted_quota_is_passed_on_whatever_it_says_of_retries(
    system: FaultHarness, operation: str, code: str
) -> None:
    system.harness.upstream.always(refusal(429, code, {"retry-after": "1"}))
    error = system.fails(operation)
    assert isinstance(error, openai.RateLimitError)
    assert (error.code, system.calls, system.state()) == (code, 1, State.VOIDED)


@every_operation()
@pytest.mark.parametrize(
    "headers",
    [{}, {"retry-after": "3600"}, {"retry-after": "soon"}, {"retry-after": "-1"}, {"retry-after-ms": "nan"}],
    ids=str,
)
def test_a_429_that_cannot_be_waited_for_is_passed_on_with_its_headers(
    system: FaultHarness, operation: str, headers: dict[str, str]
) -> None:
    system.harness.upstream.always(
        refusal(429, "rate_limit_exceeded", {**headers, "x-ratelimit-remaining-requests": "0"})
    )
    error = system.fails(operation)
    assert isinstance(error, openai.RateLimitError)
    assert headers.items() <= dict(error.response.headers).items()
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert (system.calls, system.harness.time.slept, system.state()) == (1, [], State.VOIDED)


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
def test_a_429_is_waited_out_as_it_asks_and_asked_again(
    system: FaultHarness, operation: str, headers: dict[str, str]
) -> None:
    system.harness.upstream.will(refusal(429, "rate_limit_exceeded", headers))
    ASK[operation](system.client, system.store)
    assert (system.calls, system.harness.time.slept, system.state()) == (2, [2.0], State.ANSWERED)


def test_a_429_that_names_a_date_is_waited_for_until_then(system: FaultHarness) -> None:
    date = formatdate(system.harness.time.wall() + 10, usegmt=True)
    system.harness.upstream.will(refusal(429, None, {"retry-after": date}))
    ASK["vector_stores.create"](system.client, system.store)
    (slept,) = system.harness.time.slept
    assert 8.5 < slept <= 10


def test_a_429_whose_date_has_passed_is_asked_again_at_once(system: FaultHarness) -> None:
    system.harness.upstream.will(refusal(429, None, {"retry-after": formatdate(0, usegmt=True)}))
    ASK["vector_stores.create"](system.client, system.store)
    assert (system.calls, system.harness.time.slept) == (2, [0.0])


@every_operation()
def test_a_429_that_does_not_end_is_asked_three_times_and_passed_on(system: FaultHarness, operation: str) -> None:
    system.harness.upstream.always(refusal(429, None, {"retry-after": "1"}))
    error = system.fails(operation)
    assert (error.status_code, system.calls, system.state()) == (429, 3, State.VOIDED)
    assert error.response.headers["retry-after"] == "1"


def test_waits_never_add_up_beyond_the_deadline(system: FaultHarness) -> None:
    system.harness.upstream.always(refusal(429, None, {"retry-after": "20"}))
    assert system.fails("vector_stores.create").status_code == 429
    assert (system.calls, system.harness.time.slept) == (2, [20.0])


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
    system: FaultHarness, connect: Connect, name: str
) -> None:
    system.harness.upstream.always(UNKNOWN[name].act)
    eager = replace(system, client=connect(KEY, max_retries=2))
    error = eager.fails("vector_stores.create")
    assert isinstance(error, openai.InternalServerError)
    assert error.status_code == UNKNOWN[name].create_status
    assert error.response.headers["x-should-retry"] == "false"
    assert "retry-after" not in error.response.headers
    assert (system.calls, system.state()) == (1, State.UNCERTAIN)


REPEATED: Final = [name for name in ASK if BY_NAME[name].safety is not CREATE]
# Every answer of two operations and every operation with several answers; all pairs in `make thorough`.
PAIRS: Final = [
    pytest.param(operation, name, marks=[pytest.mark.exhaustive] * ((at - first) % len(REPEATED) > 1))
    for first, name in enumerate(UNKNOWN)
    for at, operation in enumerate(REPEATED)
]


@pytest.mark.parametrize(("operation", "name"), PAIRS)
def test_what_may_be_repeated_is_asked_three_times(system: FaultHarness, operation: str, name: str) -> None:
    system.harness.upstream.always(UNKNOWN[name].act)
    error = system.fails(operation)
    assert isinstance(error, openai.InternalServerError)
    assert (error.status_code, system.calls) == (UNKNOWN[name].status, 3)
    assert system.state() is OPEN[BY_NAME[operation].safety]


@pytest.mark.parametrize("operation", REPEATED)
@pytest.mark.parametrize("name", ["500", "reset", "broken JSON"])
def test_what_may_be_repeated_succeeds_at_the_second_attempt(system: FaultHarness, operation: str, name: str) -> None:
    system.harness.upstream.will(UNKNOWN[name].act)
    ASK[operation](system.client, system.store)
    assert (system.calls, system.state()) == (2, State.ANSWERED)


@pytest.mark.parametrize(
    "document",
    [{}, {"id": None}, {"id": 7}, {"id": True}, {"id": ""}, {"id": "vs 1"}, {"id": "../x"}, {"id": ["vs_1"]}],
    ids=str,
)
def test_a_create_that_is_answered_without_an_id_stays_open(system: FaultHarness, document: dict[str, object]) -> None:
    system.harness.upstream.always(answer(200, store_document("x") | {"id": None} | document))
    error = system.fails("vector_stores.create")
    assert (error.status_code, system.calls, system.state()) == (502, 1, State.UNCERTAIN)


@pytest.mark.parametrize("retry_after", [{"retry-after": "1"}, {"x-should-retry": "true"}], ids=str)
def test_the_provider_cannot_talk_a_client_into_repeating_a_create(
    system: FaultHarness, retry_after: dict[str, str]
) -> None:
    system.harness.upstream.always(refusal(503, None, retry_after))
    headers = system.fails("vector_stores.create").response.headers
    assert (headers["x-should-retry"], "retry-after" in headers) == ("false", False)


@pytest.mark.usefixtures("deadline")
@every_operation()
@pytest.mark.parametrize("act", [hang, trickle, trickle_headers], ids=lambda act: act.__name__)
def test_an_answer_that_does_not_come_to_an_end_ends_at_the_deadline(
    system: FaultHarness, operation: str, act: Act
) -> None:
    system.harness.upstream.always(act)
    began = system.harness.time.elapsed()
    error = system.fails(operation)
    assert SHORT <= system.harness.time.elapsed() - began < SHORT + 0.7
    assert (error.status_code, error.code, system.calls) == (504, "provider_timeout", 1)
    assert system.state() is OPEN[BY_NAME[operation].safety]


@pytest.mark.usefixtures("deadline")
def test_a_provider_that_reads_slowly_holds_a_call_no_longer_than_the_deadline(system: FaultHarness) -> None:
    def sip(connection: Any, received: Any) -> bool:
        del connection
        return not received.ended.wait(60)

    system.harness.upstream.always(sip)
    began = system.harness.time.elapsed()
    with pytest.raises(openai.APIStatusError) as caught:
        system.client.files.create(file=("big.bin", bytes(8_000_000)), purpose="assistants")
    assert caught.value.status_code == 504
    assert system.harness.time.elapsed() - began < SHORT + 1.5


@every_operation()
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_nowhere(system: FaultHarness, operation: str, status: int) -> None:
    with FaultyUpstream(answer(200, store_document("vs_stolen"))) as elsewhere:
        system.harness.upstream.always(answer(status, b"", {"location": f"{elsewhere.url}/vector_stores"}))
        error = system.fails(operation)
        assert (error.status_code, elsewhere.connections) == (502, 0)
        assert "location" not in error.response.headers
    assert system.calls == (1 if BY_NAME[operation].safety is CREATE else 3)


def test_a_provider_that_cannot_be_reached_is_tried_three_times_and_nothing_stays_open(system: FaultHarness) -> None:
    system.harness.upstream.close()
    system.harness.transport.close()  # also the connections that were kept
    error = system.fails("vector_stores.create")
    assert (error.status_code, error.code) == (502, "provider_unreachable")
    assert (system.calls, len(system.harness.time.slept), system.state()) == (0, 2, State.VOIDED)


@pytest.mark.parametrize("second", ["refused", "429", "401"])
def test_what_the_first_attempt_may_have_done_stays_open_whatever_the_next_one_meets(
    system: FaultHarness, second: str
) -> None:
    next_act = {"refused": refusal(403), "429": refusal(429), "401": refusal(401)}[second]
    system.harness.upstream.will(reset, next_act)
    assert system.fails("vector_stores.update").status_code == 502
    assert (system.calls, system.state()) == (2, State.UNCERTAIN)


def test_a_delete_whose_first_answer_was_lost_is_a_success_when_nothing_is_there_any_more(system: FaultHarness) -> None:
    system.harness.upstream.will(reset, refusal(404))
    assert system.client.vector_stores.delete(system.store).deleted
    assert (system.calls, system.state()) == (2, State.ANSWERED)
    assert system.fails("vector_stores.retrieve").status_code == 404


def test_a_delete_of_what_was_never_asked_before_is_the_providers_404(system: FaultHarness) -> None:
    system.harness.upstream.will(refusal(404))
    assert system.fails("vector_stores.delete").status_code == 404
    assert (system.calls, system.state()) == (1, State.VOIDED)


@every_operation()
def test_a_success_is_asked_once_and_settled(system: FaultHarness, operation: str) -> None:
    ASK[operation](system.client, system.store)
    assert (system.calls, system.state()) == (1, State.ANSWERED)
    system.harness.settle()
    assert system.state() is State.SETTLED
