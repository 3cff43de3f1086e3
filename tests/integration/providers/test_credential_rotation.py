"""A provider that refuses our credential: what is re-read, how often, and what the client is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import openai
import pytest

from tests.factories.secrets import secret_text
from tests.fakes.upstream import refusal
from tests.harnesses.gateway import PROVIDER
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import Connect, GatewayHarness

KEY = "sk-rotation-client"
NEW_KEY = "sk-proj_rotated-0001"


@pytest.fixture
def client(harness: GatewayHarness, connect: Connect) -> openai.OpenAI:
    return connect(harness.key(KEY))


def only(harness: GatewayHarness, api_key: str) -> None:
    """Let the provider accept one key."""

    def act(connection: socket.socket, received: Received) -> bool:
        accepted = received.headers["authorization"] == f"Bearer {api_key}"
        return (harness.openai.act if accepted else refusal(401, "invalid_api_key"))(connection, received)

    harness.upstream.always(act)


def refused(client: openai.OpenAI) -> openai.APIStatusError:
    with pytest.raises(openai.InternalServerError) as caught:
        client.vector_stores.create(name="x")
    return caught.value


def test_a_rotated_key_is_fetched_once_and_used(harness: GatewayHarness, client: openai.OpenAI) -> None:
    only(harness, NEW_KEY)
    harness.gateway.credentials.current(PROVIDER)
    harness.secret_source.text = secret_text(harness.upstream.url, NEW_KEY)
    client.vector_stores.create(name="x")
    assert (harness.upstream.calls, harness.secret_source.readings, harness.row().state) == (2, 2, State.ANSWERED)


def test_a_list_of_several_stores_survives_a_rotation(harness: GatewayHarness, client: openai.OpenAI) -> None:
    ids = {client.vector_stores.create(name="x").id for _ in range(5)}
    only(harness, NEW_KEY)
    harness.secret_source.text = secret_text(harness.upstream.url, NEW_KEY)
    assert {store.id for store in client.vector_stores.list()} == ids


def test_an_unchanged_key_is_not_tried_again_and_the_client_sees_502(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    harness.upstream.always(refusal(401, "invalid_api_key"))
    error = refused(client)
    assert (error.status_code, error.code) == (502, "provider_credential_refused")
    assert "upstream says" not in error.message
    assert (harness.upstream.calls, harness.secret_source.readings, harness.row().state) == (1, 2, State.VOIDED)


def test_a_changed_key_that_is_refused_too_is_the_end(harness: GatewayHarness, client: openai.OpenAI) -> None:
    harness.upstream.always(refusal(401))
    harness.gateway.credentials.current(PROVIDER)
    harness.secret_source.text = secret_text(harness.upstream.url, NEW_KEY)
    assert refused(client).status_code == 502
    assert (harness.upstream.calls, harness.secret_source.readings) == (2, 2)


def test_the_secret_is_re_read_at_most_once_in_30_seconds(harness: GatewayHarness, client: openai.OpenAI) -> None:
    harness.upstream.always(refusal(401))
    readings = []
    for wait in (0, 10, 19, 5):
        harness.time.skip(wait)
        refused(client)
        readings.append(harness.secret_source.readings)
    assert readings == [2, 2, 2, 3]


def test_many_refused_calls_at_once_re_read_the_secret_once_and_all_succeed(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    only(harness, NEW_KEY)
    harness.gateway.credentials.current(PROVIDER)
    harness.secret_source.text = secret_text(harness.upstream.url, NEW_KEY)
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: client.vector_stores.create(name="x"), range(16)))
    assert len({store.id for store in stores}) == 16
    assert harness.secret_source.readings == 2


def test_the_first_calls_at_once_read_the_secret_once(harness: GatewayHarness, client: openai.OpenAI) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.vector_stores.create(name="x"), range(8)))
    assert harness.secret_source.readings == 1


def test_a_secret_that_cannot_be_read_is_served_stale(harness: GatewayHarness, client: openai.OpenAI) -> None:
    client.vector_stores.create(name="x")
    harness.secret_source.text = None
    harness.time.skip(301)
    client.vector_stores.create(name="x")
    assert (harness.upstream.calls, harness.secret_source.readings) == (2, 2)


def test_a_secret_that_could_never_be_read_is_503_and_nothing_is_open(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    harness.secret_source.text = None
    error = refused(client)
    assert (error.status_code, error.code, harness.upstream.calls) == (503, "credential_unavailable", 0)
    assert harness.row().state is State.VOIDED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"base_url": "", "api_key": "k"}',
        '{"base_url": "http://127.0.0.1/v1", "api_key": " "}',
        '{"base_url": "http://127.0.0.1/v1", "api_key": 7}',
        '{"base_url": "http://127.0.0.1/v1", "api_key": "a\\nb"}',
        '{"base_url": "http://user@127.0.0.1/v1", "api_key": "k"}',
        '{"base_url": "http://127.0.0.1/v1?a=b", "api_key": "k"}',
        '{"base_url": "file:///etc/passwd", "api_key": "k"}',
        '{"base_url": "http://[bad", "api_key": "k"}',
    ],
)
def test_a_malformed_secret_fails_closed_even_when_an_older_one_was_good(
    harness: GatewayHarness, client: openai.OpenAI, text: str
) -> None:
    client.vector_stores.create(name="x")
    harness.secret_source.text = text
    harness.time.skip(301)
    error = refused(client)
    assert (error.status_code, error.code, harness.upstream.calls) == (503, "credential_unavailable", 1)
