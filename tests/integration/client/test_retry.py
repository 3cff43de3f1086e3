"""What is repeated, and when. Flows run through scripted outcomes on a clock of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vectorgate
from tests.factories.sdk_calls import CALLS, call
from tests.fakes.upstream import answer, hang, hang_up, refusal, reset, trickle, trickle_headers
from vectorgate.api.operations import BY_NAME, Media
from vectorgate.api.safety import Safety
from vectorgate.client.attempts import Timing
from vectorgate.client.client import Client
from vectorgate.client.messages import HttpResponse, NotSent, Outcome, ResponseLost
from vectorgate.client.retry import LONGEST_RETRY_AFTER, backoff
from vectorgate.client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.upstream import Act, FaultyUpstream
    from vectorgate.client.flow import TimeLimit
    from vectorgate.client.messages import HttpRequest

OK = HttpResponse(200, {}, b'{"id": "vs_1"}')
QUOTA = b'{"error": {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota", "param": null}}'
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "x-should-retry": st.sampled_from(["true", "false", "maybe"]),
        "retry-after": st.sampled_from(["0", "1", "5.5", "121", "-3", "soon", "inf", "Wed, 04 Mar 2026 05:06:17 GMT"]),
        "retry-after-ms": st.sampled_from(["1500", "0", "nonsense"]),
    },
)
OUTCOMES = st.one_of(
    st.just(OK),
    st.builds(NotSent, timed_out=st.booleans()),
    st.builds(ResponseLost, timed_out=st.booleans()),
    st.builds(
        HttpResponse,
        st.sampled_from([200, 301, 400, 401, 404, 408, 409, 422, 429, 500, 502, 503, 504]),
        HEADERS,
        st.sampled_from([b"{}", b"", b"[]", QUOTA]),
    ),
)


class Script:
    """A sender of prepared outcomes, each of which takes `takes` seconds of its own clock."""

    def __init__(self, outcomes: list[Outcome], takes: float) -> None:
        self.outcomes = outcomes
        self.takes = takes
        self.now = 1000.0
        self.sent: list[HttpRequest] = []
        self.slept: list[float] = []

    def send(self, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        self.sent.append(request)
        assert limit.seconds > 0
        assert not streams
        if self.takes > limit.seconds:
            self.now += limit.seconds
            return ResponseLost(timed_out=True)
        self.now += self.takes
        return self.outcomes[min(len(self.sent), len(self.outcomes)) - 1]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def client(self, settings: ClientSettings) -> Client:
        timing = Timing(
            monotonic=lambda: self.now, wall=lambda: 1_772_600_767.0, sleep=self.sleep, fraction=lambda: 0.5
        )
        client = Client(settings=settings, timing=timing)
        client.__dict__["_sender"] = self
        return client


GATE = ClientSettings(base_url="http://gate.invalid", api_key="k")
OPEN = ClientSettings(openai_key="k")


@given(
    st.sampled_from(list(BY_NAME)),
    st.sampled_from([GATE, OPEN]),
    st.lists(OUTCOMES, min_size=1, max_size=6),
    st.floats(0, 20),
    st.fixed_dictionaries({"max_retries": st.integers(0, 4), "timeout": st.floats(0.5, 60)}),
)
def test_every_call_is_bounded_and_no_create_is_repeated_blindly(
    operation: str, settings: ClientSettings, outcomes: list[Outcome], takes: float, bounds: dict[str, Any]
) -> None:
    script = Script(outcomes, takes)
    began = script.now
    with contextlib.suppress(vectorgate.APIError):
        call(script.client(settings), operation, **bounds)
    assert len(script.sent) <= bounds["max_retries"] + 1
    assert script.now - began <= bounds["timeout"] + 1e-6
    assert all(0 < pause <= LONGEST_RETRY_AFTER for pause in script.slept)
    row = BY_NAME[operation]
    recognised = settings is GATE and row.media is Media.JSON
    if row.safety is Safety.CREATE and not recognised:
        for outcome in [script.outcomes[min(n, len(outcomes) - 1)] for n in range(len(script.sent) - 1)]:
            assert isinstance(outcome, NotSent) or (isinstance(outcome, HttpResponse) and outcome.status_code == 429)
    keys = {request.headers.get("idempotency-key") for request in script.sent}
    assert len(keys) == 1
    assert (None in keys) == (settings is OPEN or row.safety is not Safety.CREATE)


@pytest.mark.parametrize(
    ("outcome", "open_create", "gate_create", "read"),
    [
        (NotSent(timed_out=False), 3, 3, 3),
        (HttpResponse(429, {}, b""), 3, 3, 3),
        (HttpResponse(429, {}, QUOTA), 1, 1, 1),
        (HttpResponse(429, {"retry-after": "121"}, b""), 1, 1, 1),
        (HttpResponse(500, {}, b""), 1, 3, 3),
        (HttpResponse(500, {"x-should-retry": "true"}, b""), 1, 3, 3),
        (HttpResponse(500, {"x-should-retry": "false"}, b""), 1, 1, 1),
        (HttpResponse(409, {}, b""), 1, 3, 3),
        (HttpResponse(400, {"x-should-retry": "true"}, b""), 1, 3, 3),
        (HttpResponse(400, {}, b""), 1, 1, 1),
        (HttpResponse(200, {}, b"<html>"), 1, 3, 3),
        (ResponseLost(timed_out=False), 1, 3, 3),
    ],
)
def test_attempts_by_outcome(outcome: Outcome, open_create: int, gate_create: int, read: int) -> None:
    cases = (("vector_stores.create", OPEN, open_create), ("vector_stores.create", GATE, gate_create))
    for operation, settings, attempts in (*cases, ("vector_stores.retrieve", OPEN, read)):
        script = Script([outcome], 0.0)
        with pytest.raises(vectorgate.APIError):
            call(script.client(settings), operation)
        assert len(script.sent) == attempts


def test_a_deletion_whose_first_answer_was_lost_succeeded() -> None:
    missing = HttpResponse(404, {}, b'{"error": {"message": "gone"}}')
    script = Script([ResponseLost(timed_out=False), missing], 0.0)
    gone = script.client(OPEN).vector_stores.delete("vs_1")
    assert gone.to_dict() == {"id": "vs_1", "object": "vector_store.deleted", "deleted": True}
    with pytest.raises(vectorgate.NotFoundError):
        Script([missing], 0.0).client(OPEN).vector_stores.delete("vs_1")


@pytest.mark.parametrize(
    ("first", "may_have_deleted"),
    [
        (NotSent(timed_out=False), False),
        (HttpResponse(429, {}, b""), False),
        (HttpResponse(400, {"x-should-retry": "true"}, b""), False),
        (HttpResponse(409, {}, b""), True),
        (HttpResponse(503, {}, b""), True),
        (HttpResponse(200, {}, b"<html>"), True),
    ],
)
def test_a_404_means_deleted_only_after_an_attempt_that_may_have_done_it(
    first: Outcome, *, may_have_deleted: bool
) -> None:
    script = Script([first, HttpResponse(404, {}, b'{"error": {"message": "gone"}}')], 0.0)
    with contextlib.nullcontext() if may_have_deleted else pytest.raises(vectorgate.NotFoundError):
        assert script.client(OPEN).vector_stores.delete("vs_1").deleted
    assert len(script.sent) == 2


@pytest.mark.parametrize("timed_out", [False, True])
def test_an_attempt_that_was_not_sent_does_not_answer_for_one_that_was_lost(*, timed_out: bool) -> None:
    lost = ResponseLost(timed_out=False)
    for outcomes, unknown in (([lost, NotSent(timed_out=timed_out)], True), ([NotSent(timed_out=timed_out)], False)):
        with pytest.raises(vectorgate.APIConnectionError) as error:
            Script([*outcomes], 0.0).client(GATE).vector_stores.create(name="n")
        assert error.value.outcome_unknown is unknown
    with pytest.raises(vectorgate.APIConnectionError) as error:
        Script([lost, NotSent(timed_out=timed_out)], 0.0).client(GATE).vector_stores.retrieve("vs_1")
    assert not error.value.outcome_unknown


def test_pauses_are_openai_s() -> None:
    assert [backoff(n, 0.0) for n in range(6)] == [0.5, 1, 2, 4, 8, 8]
    assert backoff(0, 1.0) == 0.375


def test_a_pause_that_does_not_fit_the_time_is_not_begun() -> None:
    script = Script([HttpResponse(429, {"retry-after": "60"}, b"")], 1.0)
    with pytest.raises(vectorgate.RateLimitError):
        script.client(OPEN).vector_stores.list(timeout=30)
    assert (script.slept, script.now) == ([], 1001.0)


def _awaited(client: Client) -> Callable[..., object]:
    return lambda *ids, **options: asyncio.run(client.vector_stores.aretrieve(*ids, **options))


@pytest.mark.parametrize("act", [hang, trickle, trickle_headers])
@pytest.mark.parametrize("form", ["sync", "async"])
def test_the_timeout_is_for_the_whole_call(act: Act, form: str, direct: Client, server: FaultyUpstream) -> None:
    server.always(act)
    began = time.monotonic()
    retrieve = direct.vector_stores.retrieve if form == "sync" else _awaited(direct)
    with pytest.raises(vectorgate.APITimeoutError):
        retrieve("vs_1", timeout=0.3)
    assert 0.25 < time.monotonic() - began < 5


def test_an_async_call_has_no_thread_of_its_own(direct: Client, server: FaultyUpstream) -> None:
    # Servers of other tests in this process may have worker threads of their own.
    others = set(threading.enumerate())

    async def main() -> set[str]:
        calls = [asyncio.create_task(direct.vector_stores.acreate(name=str(n))) for n in range(20)]
        names: set[str] = set()
        while not all(task.done() for task in calls):
            names |= {thread.name for thread in threading.enumerate() if thread not in others}
            await asyncio.sleep(0.001)
        await direct.aclose()
        return names

    names = asyncio.run(main())
    assert server.calls == 20
    assert not any("asyncio" in name or "anyio" in name.lower() for name in names)


@pytest.mark.parametrize("act", [reset, hang_up, refusal(503)])
def test_a_gateway_is_asked_again_with_the_same_key(act: Act, gateway: Client, server: FaultyUpstream) -> None:
    server.will(act, refusal(429, None, {"retry-after-ms": "1"}))
    gateway.vector_stores.create(name="n")
    keys = {received.headers["idempotency-key"] for received in server.received}
    assert server.calls == 3
    assert len(keys) == 1


def test_an_upload_that_is_repeated_sends_the_same_bytes(direct: Client, server: FaultyUpstream, tmp_path: Any) -> None:
    path = tmp_path / "f.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    stream = io.BytesIO(b"before" + path.read_bytes())
    stream.seek(6)
    again = refusal(429, None, {"retry-after-ms": "1"})
    for file in (path, stream, ("f.bin", path.read_bytes(), "application/x-thing")):
        server.forget()
        server.will(again, answer(200, {"id": "file-1"}))
        direct.files.create(file=file, purpose="assistants")
        first, second = server.received
        assert first.body == second.body
        assert path.read_bytes() in first.body
        assert int(first.headers["content-length"]) == len(first.body)
    assert set(CALLS["files.create"]) == {"file", "purpose", "expires_after"}
