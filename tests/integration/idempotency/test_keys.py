"""`Idempotency-Key`, over sockets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.upstream import Received, refusal, reset
from tests.integration.idempotency.conftest import KEY, OTHER, STORES
from vectorgate.idempotency.record import EXPLICIT_TTL_SECONDS, LEASE_MS, MAX_STORED_ANSWER
from vectorgate.ledger.entry import State
from vectorgate.pricing.book import REPLAYED
from vectorgate.providers.openai import TAG

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    import httpx

    from tests.harnesses.gateway import Connect, GatewayHarness


def test_a_repetition_gets_the_first_answer_byte_for_byte(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    first = post(idempotency_key="k 1")
    second = post(idempotency_key="k 1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["x-litellm-response-cost"] == "0"
    assert harness.upstream.calls == 1


def test_a_replay_leaves_a_record_of_its_own_that_costs_nothing(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    post(idempotency_key="k")
    second = post(idempotency_key="k")
    _, replay = harness.rows()
    assert replay.id == second.headers["x-litellm-call-id"]
    assert (replay.state, replay.price_id, replay.spend, replay.status_code) == (State.VOIDED, REPLAYED, 0, 200)
    assert harness.settle() == 1


def test_the_rows_of_replays_and_refused_repetitions_name_the_idempotency_key(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    answers = [post(idempotency_key="k"), post(idempotency_key="k"), post({"name": "y"}, idempotency_key="k")]
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    first, *others = harness.rows()
    assert first.idempotency_name is not None
    assert [row.idempotency_name for row in others] == [first.idempotency_name] * 2


def test_another_body_under_the_same_key_is_422(harness: GatewayHarness, post: Callable[..., httpx.Response]) -> None:
    post(idempotency_key="k")
    answer = post({"name": "y"}, idempotency_key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert harness.upstream.calls == 1


def test_keys_of_other_tenants_and_operations_do_not_meet(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    harness.key(OTHER)
    store = post(idempotency_key="k").json()["id"]
    assert post(idempotency_key="k", key=OTHER).json()["id"] != store
    assert post({"name": "x"}, path=f"{STORES}/{store}", idempotency_key="k").status_code == 200
    assert harness.upstream.calls == 3


def test_the_same_idempotency_key_by_another_key_of_the_team_is_422(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    harness.key("sk-team-one", team="red")
    harness.key("sk-team-two", team="red")
    first = post(idempotency_key="k", key="sk-team-one")
    other = post(idempotency_key="k", key="sk-team-two")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert post(idempotency_key="k", key="sk-team-one").content == first.content


@pytest.mark.parametrize("other", [None, "bob"])
def test_the_same_idempotency_key_for_another_end_user_is_422(
    harness: GatewayHarness, post: Callable[..., httpx.Response], other: str | None
) -> None:
    first = post(idempotency_key="k", x_litellm_end_user_id="alice")
    named = {} if other is None else {"x_litellm_end_user_id": other}
    answer = post(idempotency_key="k", **named)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert first.json()["id"] not in answer.text
    assert post(idempotency_key="k", x_litellm_end_user_id="alice").content == first.content
    assert harness.upstream.calls == 1


def test_an_update_is_replayed_too(harness: GatewayHarness, post: Callable[..., httpx.Response]) -> None:
    store = post().json()["id"]
    path = f"{STORES}/{store}"
    first = post({"name": "a"}, path=path, idempotency_key="k")
    post({"name": "b"}, path=path)
    assert post({"name": "a"}, path=path, idempotency_key="k").content == first.content
    assert harness.openai.stores[store]["name"] == "b"


def test_a_key_means_nothing_to_a_read(harness: GatewayHarness, post: Callable[..., httpx.Response]) -> None:
    store = post().json()["id"]
    for query in ("a", "b"):
        found = post({"query": query}, path=f"{STORES}/{store}/search", idempotency_key="k")
        assert found.status_code == 200
    assert harness.upstream.calls == 3


@pytest.mark.parametrize("key", ["é", "a" * 256, "a\tb"])
def test_a_strange_key_is_400(harness: GatewayHarness, post: Callable[..., httpx.Response], key: str) -> None:
    answer = post(idempotency_key=key.encode("utf-8"))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert harness.upstream.calls == 0


@pytest.mark.parametrize("body", [{"name": "x"}, {"name": "y"}])
def test_a_refusal_releases_the_key(harness: GatewayHarness, post: Callable[..., httpx.Response], body: object) -> None:
    harness.upstream.will(refusal(400))
    assert post(idempotency_key="k").status_code == 400
    assert post(body, idempotency_key="k").status_code == 200
    assert harness.upstream.calls == 2
    assert post(body, idempotency_key="k").headers["idempotency-replayed"] == "true"


def test_what_is_in_flight_is_409_until_it_is_answered(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def slowly(connection: socket, received: Received) -> bool:
        arrived.set()
        go_on.wait(30)
        return harness.openai.act(connection, received)

    harness.upstream.will(slowly)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(post(idempotency_key="k")))
    first.start()
    arrived.wait(30)
    second = post(idempotency_key="k")
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_in_flight")
    assert (second.headers["x-should-retry"], int(second.headers["retry-after"]) >= 1) == ("true", True)
    go_on.set()
    first.join()
    assert post(idempotency_key="k").content == answers[0].content
    assert harness.upstream.calls == 1


@pytest.mark.usefixtures("only_the_sweep_looks")
def test_what_is_unknown_is_409_and_never_executed_again(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    harness.upstream.will(reset)
    assert post(idempotency_key="k").status_code == 502
    harness.time.skip(EXPLICIT_TTL_SECONDS * 2)
    second = post(idempotency_key="k")
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_outcome_unknown")
    assert second.headers["x-should-retry"] == "false"
    assert harness.upstream.calls == 1


def test_what_a_crash_left_behind_becomes_uncertain_and_is_not_executed_again(
    harness: GatewayHarness, post: Callable[..., httpx.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(type(harness.gateway), "_forward", lambda *_: 1 / 0)
        assert post(idempotency_key="k").status_code == 500
    assert harness.row().state is State.STARTED
    assert post(idempotency_key="k").json()["error"]["code"] == "idempotency_in_flight"
    harness.time.skip(LEASE_MS / 1000)
    assert post(idempotency_key="k").json()["error"]["code"] == "idempotency_outcome_unknown"
    assert harness.rows()[0].state is State.UNCERTAIN
    assert harness.upstream.calls == 0


def test_a_day_later_the_key_is_new(harness: GatewayHarness, post: Callable[..., httpx.Response]) -> None:
    first = post(idempotency_key="k").json()["id"]
    harness.time.skip(EXPLICIT_TTL_SECONDS + 1)
    second = post({"name": "y"}, idempotency_key="k")
    assert second.status_code == 200
    assert second.json()["id"] != first


def test_an_answer_that_is_too_large_to_keep_is_not_executed_again(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    body = {"name": "n" * 100, "metadata": {}}
    harness.openai.stores = _Swelling()
    assert post(body, idempotency_key="k").status_code == 200
    second = post(body, idempotency_key="k")
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_answer_not_kept")
    assert "vs_0" in second.json()["error"]["message"]
    assert harness.upstream.calls == 1


class _Swelling(dict[str, Any]):
    """Each answer is larger than can be kept for replays."""

    def __setitem__(self, name: str, store: Any) -> None:
        store["more"] = "x" * MAX_STORED_ANSWER
        super().__setitem__(name, store)


def test_the_official_client_waits_for_what_is_in_flight(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY), max_retries=2)
    arrived = threading.Event()

    def slowly(connection: socket, received: Received) -> bool:
        arrived.set()
        threading.Event().wait(0.5)
        return harness.openai.act(connection, received)

    harness.upstream.will(slowly)
    headers = {"Idempotency-Key": "k"}
    made: list[str] = []

    def create() -> None:
        made.append(client.vector_stores.create(name="x", extra_headers=headers).id)

    first = threading.Thread(target=create)
    first.start()
    arrived.wait(30)
    create()
    first.join()
    assert len(made) == 2
    assert len(set(made)) == 1
    assert harness.upstream.calls == 1


def test_the_tag_is_the_gateways_own(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY))
    with pytest.raises(openai.BadRequestError) as caught:
        client.vector_stores.create(metadata={TAG: "0198"})
    assert caught.value.param == f"metadata.{TAG}"
    store = client.vector_stores.create(name="x", metadata={"a": "b"})
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.update(store.id, metadata={TAG: "0198"})
    assert harness.upstream.received[0].document["metadata"] == {"a": "b", TAG: harness.rows()[1].id}
    full = {str(number): "v" for number in range(16)}
    client.vector_stores.create(metadata=full)
    assert harness.upstream.received[-1].document["metadata"] == full
