"""`rpm_limit`, as clients of the gateway meet it, and over both stores."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import openai
import pytest
from moto import mock_aws

from tests.fakes.clock import EPOCH
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.admin import AdminHarness
from tests.harnesses.dynamodb_gateway import KEY as UNLIMITED_KEY
from tests.harnesses.dynamodb_gateway import dynamodb_gateway
from tests.harnesses.store_backends import Backend, MotoBackend, SqliteBackend
from tests.helpers.memory_stores import memory_stores
from tests.helpers.threads import at_once
from vectorgate.api.errors import RateLimited
from vectorgate.api.http import JSON, Body, Request
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.clock import Clock
from vectorgate.rate_limits.model import Rate, RateClaim, RateUnit
from vectorgate.rate_limits.plan import RatePlan
from vectorgate.rate_limits.service import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.api.http import Response
    from vectorgate.gateway.pipeline import Gateway

SECRET = "sk-limited"
S = 1_000_000_000
TEAM, ANN = Subject(BudgetScope.TEAM, "red"), Subject(BudgetScope.END_USER, "ann")
KEY_RATE = Rate(Subject(BudgetScope.KEY, key_id_of(SECRET)), RateUnit.REQUESTS, 60)


@dataclass
class SteppedClock:
    """A clock that stands still between steps."""

    at: float = 0.0

    def clock(self) -> Clock:
        """Return it as the gateway's `Clock`."""
        return Clock(wall=lambda: EPOCH + self.at, monotonic=lambda: self.at, sleep=lambda _: None)


@pytest.fixture(params=["sqlite", "dynamodb-moto"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each engine in turn."""
    if request.param == "sqlite":
        backend = SqliteBackend(str(tmp_path / "gate.db"))
        yield backend
        backend.database.close()
    else:
        with mock_aws():
            yield MotoBackend()


class Process:
    """One of several processes that share a store: what it answers to the request of a key with that limit."""

    def __init__(self, stores: Backend, time: SteppedClock, limit: int = 60) -> None:
        self._plan = RatePlan((Rate(KEY_RATE.subject, RateUnit.REQUESTS, limit),), (), ())
        self._limiter = RateLimiter(stores.rates, time.clock(), RecordingTelemetry())

    def refusal(self) -> RateLimited | None:
        """None for a request that is let in."""
        try:
            self._limiter.admit(self._limiter.claims(self._plan, "-", 0))
        except RateLimited as error:
            return error
        return None


def test_of_a_thousand_requests_in_a_second_by_three_processes_sixty_are_let_in_and_each_other_learns_when(
    stores: Backend,
) -> None:
    time = SteppedClock()
    processes = [Process(stores, time) for _ in range(3)]
    let_in = 0
    for number in range(1_000):
        time.at = number / 1_000
        refused = processes[number % 3].refusal()
        let_in += refused is None
        if refused is not None:
            assert abs(int(refused.headers["retry-after-ms"]) / 1_000 - (1 - time.at)) < 0.1
            assert int(refused.headers["retry-after"]) == 1
    assert let_in == 60
    time.at = 1.0
    assert [process.refusal() is None for process in processes].count(True) == 1


def test_of_a_thousand_at_once_from_threads_sixty_are_let_in(stores: Backend) -> None:
    time = SteppedClock()
    processes = [Process(stores, time) for _ in range(2)]
    with stores.one_at_a_time():
        outcomes = at_once(8, lambda thread: [processes[thread % 2].refusal() is None for _ in range(125)])
    assert sum(map(sum, outcomes)) == 60


def test_a_steady_fifty_nine_a_minute_is_never_refused_not_even_when_all_but_one_were_used_at_once(
    stores: Backend,
) -> None:
    time = SteppedClock()
    processes = [Process(stores, time) for _ in range(2)]
    stores.rates.add(RateClaim(KEY_RATE, round(time.clock().wall() * S), cost=59))
    for number in range(59):
        time.at = number * 60 / 59
        assert processes[number % 2].refusal() is None


@pytest.fixture
def frozen(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> GatewayHarness:
    """A gateway whose time stands still, however slow the machine is, until a test skips some."""
    at = harness.time.elapsed()
    monkeypatch.setattr(harness.time, "elapsed", lambda: at + harness.time._skipped)
    return harness


def test_a_refusal_is_openais_and_its_client_waits_so_long(frozen: GatewayHarness, connect: Connect) -> None:
    frozen.key(SECRET, rpm_limit=600)
    client = connect(SECRET)
    store = client.vector_stores.create(name="a").id
    rate, now_ns = Rate(KEY_RATE.subject, RateUnit.REQUESTS, 600), round(frozen.time.wall() * S)
    frozen.stores.rates.add(RateClaim(rate, now_ns, cost=599))
    with pytest.raises(openai.RateLimitError) as caught:
        client.vector_stores.search(store, query="q")
    error, headers = caught.value, caught.value.response.headers
    assert (error.type, error.code, error.param) == ("requests", "rate_limit_exceeded", None)
    assert "for this key on requests per min (RPM): Limit 600, Used 600, Requested 1. Please try again" in error.message
    assert (headers["retry-after-ms"], headers["retry-after"]) == ("100", "1")
    assert client._parse_retry_after_header(headers) == 0.1
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-reset-requests"]) == ("0", "1m0s")
    assert "x-should-retry" not in headers
    assert [row.error_code for row in frozen.rows() if row.status_code == 429] == ["rate_limit_exceeded"]
    frozen.time.skip(0.11)
    assert client.vector_stores.search(store, query="q").data is not None


def test_every_answer_of_a_limited_caller_says_what_is_left_and_each_request_counts(
    frozen: GatewayHarness, connect: Connect
) -> None:
    frozen.key(SECRET, rpm_limit=100)
    client = connect(SECRET)
    left = iter(range(99, 0, -1))

    def check(headers: object) -> None:
        shown = {name: headers[f"x-ratelimit-{name}-requests"] for name in ("limit", "remaining", "reset")}  # type: ignore[index]
        assert (shown["limit"], int(shown["remaining"])) == ("100", next(left))
        assert shown["reset"].endswith("s")

    first = client.vector_stores.with_raw_response.create(name="a", extra_headers={"idempotency-key": "k"})
    check(first.headers)
    check(client.vector_stores.with_raw_response.list().headers)
    for wrong in ("vs_absent", "file-x"):
        with pytest.raises(openai.APIStatusError) as caught:
            client.vector_stores.retrieve(wrong)
        check(caught.value.response.headers)
    left = iter([int(caught.value.response.headers["x-ratelimit-remaining-requests"])])
    replayed = client.vector_stores.with_raw_response.create(name="a", extra_headers={"idempotency-key": "k"})
    check(replayed.headers)
    frozen.key("sk-free")
    assert "x-ratelimit-limit-requests" not in connect("sk-free").vector_stores.with_raw_response.list().headers


def ask(gateway: Gateway, secret: str, *, method: str = "GET", user: str | None = None) -> Response:
    """A list or a create, in the name of an end user."""
    headers = {"authorization": f"Bearer {secret}", "content-type": JSON}
    headers |= {"x-litellm-end-user-id": user} if user is not None else {}
    body = Body.of(b"{}" if method == "POST" else b"")
    return gateway.handle(Request(method=method, path="/v1/vector_stores", headers=headers, body=body))


def test_the_limits_of_a_team_and_of_an_end_user_are_shared_by_all_their_keys_and_processes(
    frozen: GatewayHarness,
) -> None:
    frozen.stores.budgets.add_limit(TEAM, Limit(since=0, rpm_limit=5))
    frozen.stores.budgets.add_limit(ANN, Limit(since=0, rpm_limit=3))
    keys = [frozen.key("sk-one", team="red"), frozen.key("sk-two", team="red", rpm_limit=100), frozen.key("sk-3")]
    gateways = [frozen.gateway, frozen.build()]
    statuses = [ask(gateways[number % 2], keys[number % 2], method="POST").status for number in range(4)]
    assert statuses == [200] * 4
    shown = ask(gateways[0], keys[1], user="ann")
    assert (shown.status, shown.headers["x-ratelimit-limit-requests"]) == (200, "5")  # of which none is left
    refused = ask(gateways[1], keys[0], user="ann")
    assert (refused.status, b"for this team on" in refused.read_body()) == (429, True)
    assert [ask(gateways[number % 2], keys[2], user="ann").status for number in range(3)] == [200, 200, 429]


def test_beyond_the_limit_not_even_a_wrong_request_is_answered(frozen: GatewayHarness) -> None:
    frozen.key(SECRET, rpm_limit=2)
    request = Request(method="GET", path="/v1/vector_stores/vs_1", headers={"authorization": f"Bearer {SECRET}"})
    assert [frozen.gateway.handle(request).status for _ in range(4)] == [404, 404, 429, 429]
    unknown = Request(method="GET", path="/v1/unknown", headers={"authorization": f"Bearer {SECRET}"})
    assert frozen.gateway.handle(unknown).status == 429
    assert sorted(row.status_code or 0 for row in frozen.rows()) == [404, 404, 429, 429, 429]


def test_a_changed_limit_holds_at_once_where_it_was_told_and_within_five_seconds_elsewhere(
    frozen: GatewayHarness,
) -> None:
    frozen.key(SECRET, team="red", rpm_limit=1)
    frozen.stores.budgets.add_limit(TEAM, Limit(since=0))
    other = frozen.build()
    assert [ask(other, SECRET).status for _ in range(2)] == [200, 429]
    assert ask(frozen.gateway, SECRET).status == 429
    key = frozen.stores.keys.key(key_id_of(SECRET))
    assert key is not None
    frozen.stores.keys.replace_key(VirtualKey(id=key.id, created_at=0, team_id="red", rpm_limit=600, version=2))
    frozen.gateway.forget()
    frozen.time.skip(0.2)  # all was used: another is back after a tenth of a second now
    assert [ask(gateway, SECRET).status for gateway in (frozen.gateway, other)] == [200, 429]
    frozen.time.skip(5)
    assert ask(other, SECRET).status == 200
    frozen.stores.budgets.replace_limit(TEAM, Limit(since=0, rpm_limit=1, version=2))
    frozen.time.skip(5)
    assert sorted(ask(gateway, SECRET).status for gateway in (frozen.gateway, other)) == [200, 429]


def test_a_limit_costs_a_create_and_a_read_one_update() -> None:
    with dynamodb_gateway() as harness:
        recorder = harness.recorder

        def cost(secret: str, method: str) -> tuple[dict[str, int], int]:
            before, units = recorder.calls.copy(), recorder.write_units
            assert ask(harness.gateway, secret, method=method).status == 200
            return dict(recorder.calls - before), recorder.write_units - units

        harness.stores.keys.add_key(VirtualKey(id=key_id_of(SECRET), created_at=0, rpm_limit=60))
        for secret in (UNLIMITED_KEY, SECRET):
            cost(secret, "POST")
        assert cost(UNLIMITED_KEY, "POST") == ({"PutItem": 4}, 6)
        assert cost(SECRET, "POST") == ({"UpdateItem": 1, "PutItem": 4}, 7)
        (listed, units), (limited, limited_units) = cost(UNLIMITED_KEY, "GET"), cost(SECRET, "GET")
        assert limited == {**listed, "UpdateItem": 1}
        assert limited_units == units + 1


def test_the_limits_of_keys_teams_and_end_users_are_set_shown_changed_and_removed() -> None:
    admin = AdminHarness(memory_stores())
    fields: dict[str, object] = {"rpm_limit": 60, "tpm_limit": 10_000, "max_parallel_requests": 5}
    none: dict[str, object] = dict.fromkeys(fields)

    def shown(document: object) -> dict[str, object]:
        (found,) = [json.loads(json.dumps(document))]
        return {name: found[name] for name in fields}

    _, made = admin.ask("POST", "/key/generate", fields)
    assert shown(made) == shown(admin.ask("GET", "/key/info", key=made["key"])[1]["info"]) == fields
    assert shown(admin.ask("POST", "/key/update", {"key": made["key"], **none})[1]) == none
    for what, name, query in (("team", "team_id", "team_id"), ("customer", "user_id", "end_user_id")):
        assert shown(admin.ask("POST", f"/{what}/new", {name: "x", **fields})[1]) == fields
        _, info = admin.ask("GET", f"/{what}/info", **{query: "x"})
        assert shown(info.get("team_info", info)) == fields
        assert shown(admin.ask("GET", f"/{what}/list")[1][0]) == fields
        assert shown(admin.ask("POST", f"/{what}/update", {name: "x", **none})[1]) == none
    for wrong in (0, -1, 1.5, "60", True, math.inf):
        for name in fields:
            assert admin.ask("POST", "/team/new", {"team_id": "y", name: wrong})[0] == 400
    admin.stores.close()


def test_a_repetition_is_answered_from_the_record_when_the_limit_is_used_up(
    frozen: GatewayHarness, connect: Connect
) -> None:
    frozen.key(SECRET, rpm_limit=1)
    client = connect(SECRET)
    made = [client.vector_stores.create(name="a", extra_headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert made[0].id == made[1].id
    with pytest.raises(openai.RateLimitError):
        client.vector_stores.create(name="b")
    assert frozen.upstream.calls == 1
