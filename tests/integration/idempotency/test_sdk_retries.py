"""The SDKs' own retries, which declare how many attempts came before, over sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.upstream import Received, refusal, reset
from tests.integration.idempotency.conftest import KEY, OTHER
from vectorgate.idempotency.record import IMPLICIT_TTL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    import httpx

    from tests.fakes.upstream import Act
    from tests.harnesses.gateway import Connect, GatewayHarness


def test_two_plain_creates_with_one_body_are_two_stores(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    ids = {post(x_stainless_retry_count=count).json()["id"] for count in ("0", "0", "", "x")}
    assert len(ids) == 4
    assert harness.upstream.calls == 4


def late_answer(harness: GatewayHarness, seconds: float = 6.0) -> Act:
    """An answer for which the provider takes so long."""

    def act(connection: socket, received: Received) -> bool:
        harness.time.skip(seconds)
        return harness.openai.act(connection, received)

    return act


@pytest.mark.parametrize("header", ["x_stainless_read_timeout", "x_stainless_timeout"])
def test_an_sdks_retry_gets_the_answer_that_its_client_did_not_wait_for(
    harness: GatewayHarness, post: Callable[..., httpx.Response], header: str
) -> None:
    harness.upstream.will(late_answer(harness))
    first = post(x_stainless_retry_count="0", **{header: "5.0"})
    for count in ("1", "2"):
        again = post(x_stainless_retry_count=count, **{header: "5.0"})
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert harness.upstream.calls == 1


@pytest.mark.parametrize("seconds", ["600", "6.5", "", "x", "-1", "1e9", "nan"])
def test_an_sdks_retry_is_a_request_of_its_own_when_the_earlier_answer_may_have_arrived(
    harness: GatewayHarness, post: Callable[..., httpx.Response], seconds: str
) -> None:
    harness.upstream.will(late_answer(harness))
    first = post(x_stainless_retry_count="0", x_stainless_read_timeout=seconds).json()["id"]
    second = post(x_stainless_retry_count="1", x_stainless_read_timeout=seconds)
    assert (second.status_code, "idempotency-replayed" in second.headers) == (200, False)
    assert second.json()["id"] != first
    harness.settle()
    assert post(x_stainless_retry_count="1").json()["id"] not in {first, second.json()["id"]}


@pytest.mark.usefixtures("only_the_sweep_looks")
@pytest.mark.parametrize("users", [("alice", "bob"), ("alice", None), (None, "bob")])
@pytest.mark.parametrize("state", ["answered", "late", "open", "uncertain"])
def test_an_sdks_retry_for_one_end_user_gets_nothing_of_anothers_identical_request(
    harness: GatewayHarness,
    post: Callable[..., httpx.Response],
    users: tuple[str | None, str | None],
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = ({} if user is None else {"x_litellm_end_user_id": user} for user in users)
    acts = {"late": late_answer(harness), "uncertain": reset}
    harness.upstream.will(*[acts[state]] if state in acts else [])
    with monkeypatch.context() as crash:
        if state == "open":
            crash.setattr(type(harness.gateway), "_forward", lambda *_: 1 / 0)
        given = post(x_stainless_retry_count="0", x_stainless_read_timeout="5", **first)
    answer = post(x_stainless_retry_count="1", x_stainless_read_timeout="5", **second)
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (200, False)
    assert answer.json()["id"] != given.json().get("id")
    assert harness.rows()[-1].end_user == users[1]


def test_an_sdks_retry_of_another_body_or_by_another_key_is_none(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    harness.key(OTHER, team=None)
    post(x_stainless_retry_count="0")
    assert post({"name": "y"}, x_stainless_retry_count="1").status_code == 200
    assert post(key=OTHER, x_stainless_retry_count="1").status_code == 200
    assert harness.upstream.calls == 3


def test_ten_minutes_later_a_retry_is_none(harness: GatewayHarness, post: Callable[..., httpx.Response]) -> None:
    post(x_stainless_retry_count="0")
    harness.time.skip(IMPLICIT_TTL_SECONDS + 1)
    post(x_stainless_retry_count="1")
    assert harness.upstream.calls == 2


@pytest.mark.usefixtures("only_the_sweep_looks")
def test_an_sdks_retry_of_what_is_unknown_is_409(harness: GatewayHarness, post: Callable[..., httpx.Response]) -> None:
    harness.upstream.will(reset)
    post(x_stainless_retry_count="0")
    assert post(x_stainless_retry_count="1").json()["error"]["code"] == "idempotency_outcome_unknown"
    assert harness.upstream.calls == 1


def test_an_sdks_retry_of_what_was_not_executed_is_executed_once(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    harness.upstream.will(refusal(429))
    assert post(x_stainless_retry_count="0").status_code == 429
    assert post(x_stainless_retry_count="1").status_code == 200
    assert harness.upstream.calls == 2


def test_a_retry_does_not_take_the_store_of_an_identical_create(
    harness: GatewayHarness, post: Callable[..., httpx.Response]
) -> None:
    harness.upstream.will(refusal(429))
    post(x_stainless_retry_count="0")
    other = post(x_stainless_retry_count="0").json()["id"]
    assert post(x_stainless_retry_count="1").json()["id"] != other
    assert harness.upstream.calls == 3


def test_an_upload_that_the_sdk_repeats_is_one_file(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY))
    file: Any = ("notes.md", b"# notes")
    harness.upstream.will(late_answer(harness))
    given_up = {"x-stainless-read-timeout": "5"}
    first = client.files.create(file=file, purpose="assistants", extra_headers=given_up)
    headers = {"x-stainless-retry-count": "1"}
    again = client.files.create(file=file, purpose="assistants", extra_headers=headers)
    other = client.files.create(file=("notes.md", b"# other"), purpose="assistants", extra_headers=headers)
    bobs = {**headers, "x-litellm-end-user-id": "bob"}
    another = client.files.create(file=file, purpose="assistants", extra_headers=bobs)
    assert (again.id == first.id, other.id == first.id, another.id == first.id) == (True, False, False)
    assert harness.upstream.calls == 3
