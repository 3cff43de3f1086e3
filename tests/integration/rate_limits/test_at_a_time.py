"""`max_parallel_requests`, and `tpm_limit` across processes."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.upstream import hang_up, refusal
from tests.helpers.threads import at_once
from vectorgate.api.http import JSON, Body, Request
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import BudgetScope, Limit, Subject

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.api.http import Response
    from vectorgate.gateway.pipeline import Gateway

SECRET = "sk-one-at-a-time"
MODEL = "gpt-5-mini"


class SlowProvider:
    """An act that holds requests until it is told to go on, and counts how many it holds at a time."""

    def __init__(self, harness: GatewayHarness) -> None:
        self._answer = harness.openai.act
        self._lock = threading.Lock()
        self._held = self.most = 0
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()
        harness.upstream.always(self)

    def let_go(self, count: int) -> None:
        """Wait until it holds so many requests, and answer all."""
        for _ in range(count):
            self.entered.acquire(timeout=30)
        self.go_on.set()

    def __call__(self, connection: socket.socket, received: Received) -> bool:
        with self._lock:
            self._held += 1
            self.most = max(self.most, self._held)
        self.entered.release()
        self.go_on.wait(30)
        with self._lock:
            self._held -= 1
        return self._answer(connection, received)


def ask(gateway: Gateway, path: str, body: object = None) -> Response:
    """A request with a body, or a read without one."""
    headers = {"authorization": f"Bearer {SECRET}", "content-type": JSON}
    content = Body.of(b"" if body is None else json.dumps(body).encode())
    return gateway.handle(Request(method="GET" if body is None else "POST", path=path, headers=headers, body=content))


def test_another_request_is_refused_while_one_is_under_way_and_served_when_it_has_ended(
    harness: GatewayHarness, connect: Connect
) -> None:
    harness.key(SECRET, max_parallel_requests=1)
    client = connect(SECRET)
    store = client.vector_stores.create(name="a").id
    for begin in (partial(client.vector_stores.retrieve, store), partial(client.vector_stores.create, name="b")):
        provider = SlowProvider(harness)
        first = threading.Thread(target=begin)
        first.start()
        provider.entered.acquire(timeout=30)
        for refused in (
            lambda: client.vector_stores.create(name="c"),
            lambda: client.vector_stores.search(store, query="q"),
        ):
            with pytest.raises(openai.RateLimitError) as caught:
                refused()
            assert (caught.value.type, caught.value.code) == ("requests", "rate_limit_exceeded")
            assert "for this key on parallel requests: Limit 1" in caught.value.message
            assert caught.value.response.headers["retry-after"] == "1"
        provider.go_on.set()
        first.join()
        assert client.vector_stores.retrieve(store).id == store


def test_of_a_teams_many_requests_at_once_no_more_than_the_limit_reach_the_provider(harness: GatewayHarness) -> None:
    harness.stores.budgets.add_limit(Subject(BudgetScope.TEAM, "red"), Limit(since=0, max_parallel_requests=5))
    harness.key(SECRET, team="red")
    provider, gateways = SlowProvider(harness), [harness.gateway, harness.build()]
    threading.Thread(target=provider.let_go, args=(5,)).start()
    statuses = Counter(at_once(24, lambda number: ask(gateways[number % 2], "/v1/vector_stores", {}).status))
    assert provider.most <= 5 <= statuses[200]
    assert statuses[200] + statuses[429] == 24
    assert [ask(harness.gateway, "/v1/vector_stores", {}).status for _ in range(6)] == [200] * 6


def test_a_call_that_fails_gives_its_place_back(harness: GatewayHarness) -> None:
    harness.key(SECRET, max_parallel_requests=1)
    harness.upstream.will(refusal(400), hang_up, hang_up, refusal(404))
    failed = [ask(harness.gateway, "/v1/vector_stores", {}).status, ask(harness.gateway, "/v1/files", {"a": 1}).status]
    failed += [ask(harness.gateway, f"/v1/vector_stores/vs_{name}").status for name in ("absent", "#")]
    mocked = ask(harness.gateway, "/v1/vector_stores", {"mock_response": {"id": "vs_1", "object": "vector_store"}})
    assert 200 not in failed
    assert mocked.status == 200
    assert ask(harness.gateway, "/v1/vector_stores").status == 200


def test_a_process_that_crashes_holds_a_place_until_its_call_could_have_ended(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.key(SECRET, max_parallel_requests=1)
    crashing = harness.build()
    monkeypatch.setattr(crashing.recorder.limits(), "release", lambda _context: None)
    assert ask(crashing, "/v1/vector_stores", {}).status == 200  # and then nothing more is heard of the process
    assert ask(harness.gateway, "/v1/vector_stores", {}).status == 429
    harness.time.skip(30)
    assert ask(harness.gateway, "/v1/vector_stores", {}).status == 429
    harness.time.skip(5)
    assert ask(harness.gateway, "/v1/vector_stores", {}).status == 200


def test_a_stream_holds_its_place_until_it_is_read_or_closed(harness: GatewayHarness) -> None:
    harness.key(SECRET, models=("*",), max_parallel_requests=1)
    for read in (True, False):
        answer = ask(harness.gateway, "/v1/responses", {"model": MODEL, "input": "?", "stream": True})
        stream: Any = answer.body
        first = next(pieces := iter(stream))
        assert (answer.status, b"response.created" in first) == (200, True)
        assert ask(harness.gateway, "/v1/vector_stores").status == 429
        for _ in pieces if read else ():
            pass
        stream.close()
        assert ask(harness.gateway, "/v1/vector_stores").status == 200
    ask(harness.gateway, "/v1/responses", {"model": MODEL, "input": "?", "stream": True}).body.close()  # never read
    assert ask(harness.gateway, "/v1/vector_stores").status == 200


def test_tokens_that_one_process_used_are_missing_in_every_other(harness: GatewayHarness) -> None:
    harness.key(SECRET, models=("*",), tpm_limit=1_000)
    body, gateways = {"model": MODEL, "input": "?"}, [harness.gateway, harness.build()]
    harness.openai.model.usage = {"input_tokens": 700, "output_tokens": 100, "total_tokens": 800}
    first, second = (ask(gateway, "/v1/responses", body) for gateway in gateways)
    assert (first.status, first.headers["x-ratelimit-remaining-tokens"]) == (200, "200")
    assert (second.status, second.headers["x-ratelimit-limit-tokens"]) == (200, "1000")
    for gateway in gateways:
        refused = ask(gateway, "/v1/responses", body)
        error = json.loads(refused.read_body())["error"]
        assert (refused.status, error["type"], error["code"]) == (429, "tokens", "rate_limit_exceeded")
        assert (
            30 <= int(refused.headers["retry-after-ms"]) / 1_000 <= 36.1
        )  # 600 tokens owed, one a 60 ms, and one more
        assert ask(gateway, "/v1/vector_stores").status == 200
    harness.time.skip(36.1)
    assert ask(gateways[1], "/v1/responses", body).status == 200


def test_tokens_that_are_owed_to_a_limit_do_not_hold_up_a_raised_one(harness: GatewayHarness) -> None:
    harness.key(SECRET, models=("*",), tpm_limit=1)
    body = {"model": MODEL, "input": "?"}
    harness.openai.model.usage = {"input_tokens": 90_000, "output_tokens": 10_000, "total_tokens": 100_000}
    assert ask(harness.gateway, "/v1/responses", body).status == 200
    harness.time.skip(86_400)
    assert ask(harness.gateway, "/v1/responses", body).status == 429  # until 69 days have passed
    key = harness.stores.keys.key(key_id_of(SECRET))
    assert key is not None
    harness.stores.keys.replace_key(replace(key, tpm_limit=1_000_000, version=key.version + 1))
    harness.gateway.forget()
    left = int(ask(harness.gateway, "/v1/responses", body).headers["x-ratelimit-remaining-tokens"])
    assert 900_000 <= left < 901_000  # some are back already
