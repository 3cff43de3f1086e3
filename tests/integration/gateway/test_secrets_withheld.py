"""Rows 9 and 10 of the threats: no secret, nor a piece of one, is in an answer, a log or a row."""

from __future__ import annotations

import io
import json
import random
import string
from typing import TYPE_CHECKING, Any

import openai
import pytest
from aws_lambda_powertools import Logger, Metrics

from tests.factories.secrets import MASTER_KEY, PROVIDER_KEY, secret_text
from tests.fakes.openai import store_document
from tests.fakes.upstream import answer, refusal
from tests.harnesses.gateway import GatewayHarness
from tests.harnesses.owned_objects import CLIENT_KEY, IDS, own_all
from tests.helpers.canary import holds_a_piece
from tests.integration.gateway.test_threats import event, status_of
from vectorgate.providers.credentials import LEAK_CHARACTERS
from vectorgate.telemetry import PowertoolsTelemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harnesses.gateway import Connect


ECHO = f"Incorrect API key provided: {PROVIDER_KEY}. Yours was {PROVIDER_KEY[3:14]}"

ECHOES: dict[str, Any] = {
    **{
        f"{status}": answer(
            status,
            {"error": {"message": ECHO, "type": ECHO, "code": ECHO, "param": ECHO}},
            {"x-request-id": PROVIDER_KEY, "openai-echo": ECHO, "x-ratelimit-key": f"of {PROVIDER_KEY}"},
        )
        for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
    },
    "raw": answer(500, ECHO.encode()),
    "broken": answer(200, b'{"id": "' + PROVIDER_KEY.encode()),
    "redirect": answer(302, b"", {"location": f"http://x/?key={PROVIDER_KEY}"}),
    "only the code": refusal(400, PROVIDER_KEY),
}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[GatewayHarness, Callable[[], str]]]:
    """A harness with logs and a database file, and a function that returns all that these hold."""
    log = io.StringIO()
    name = f"canary-{tmp_path.name}"  # Powertools keeps one handler for each service while the process runs
    telemetry = PowertoolsTelemetry(
        Logger(service=name, stream=log, level="DEBUG"), Metrics(namespace="canary", service=name)
    )
    with GatewayHarness(database=str(tmp_path / "ledger.db"), telemetry=telemetry) as harness:
        harness.key(CLIENT_KEY, team="own")
        own_all(harness)

        def sinks() -> str:
            files = "".join(file.read_bytes().decode("latin-1") for file in tmp_path.glob("ledger.db*"))
            rows = json.dumps([entry.to_record() for entry in harness.rows()])
            return log.getvalue() + files + rows

        yield harness, sinks


def assert_no_piece(text: str) -> None:
    for secret in (PROVIDER_KEY, MASTER_KEY, CLIENT_KEY):
        assert not holds_a_piece(text, secret), secret


@pytest.mark.parametrize("name", list(ECHOES))
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_row_10_no_piece_of_a_secret_leaves_by_any_error(
    watched: tuple[GatewayHarness, Callable[[], str]], capfd: pytest.CaptureFixture[str], name: str, method: str
) -> None:
    harness, sinks = watched
    harness.upstream.always(ECHOES[name])
    path = "/v1/vector_stores" if method == "POST" else f"/v1/vector_stores/{IDS['vector_store_id']}"
    result = harness.api(event(method, path, {"authorization": f"Bearer {CLIENT_KEY}", "api-key": MASTER_KEY}))
    assert int(str(result["statusCode"])) >= 400
    assert_no_piece(json.dumps(result))
    assert_no_piece(sinks())
    assert_no_piece("".join(capfd.readouterr()))


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {CLIENT_KEY}x"}, {"authorization": f"Basic {CLIENT_KEY}"}, {"api-key": MASTER_KEY}],
)
def test_row_10_a_refused_key_is_not_repeated(
    watched: tuple[GatewayHarness, Callable[[], str]], headers: dict[str, str]
) -> None:
    harness, sinks = watched
    for act in (harness.api, harness.admin):
        if act == harness.admin and "api-key" in headers:
            continue
        result = act(event("POST", "/key/generate", headers))
        assert result["statusCode"] == 401
        assert_no_piece(json.dumps(result) + sinks())


def test_row_10_a_defect_is_reported_by_its_place_alone(
    watched: tuple[GatewayHarness, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, sinks = watched

    def broken(*_: object, **__: object) -> None:
        raise ValueError(f"{PROVIDER_KEY} {CLIENT_KEY} {MASTER_KEY}")

    monkeypatch.setattr(harness.transport, "send", broken)
    result = harness.api(event("POST", "/v1/vector_stores", {"authorization": f"Bearer {CLIENT_KEY}"}))
    assert result["statusCode"] == 500
    assert "ValueError" in sinks()
    assert_no_piece(json.dumps(result) + sinks())


def test_row_10_a_malformed_secret_is_not_quoted(watched: tuple[GatewayHarness, Callable[[], str]]) -> None:
    harness, sinks = watched
    harness.secret_source.text = f'{{"base_url": "ftp://{PROVIDER_KEY}", "api_key": "{PROVIDER_KEY}"}}'
    result = harness.api(event("POST", "/v1/vector_stores", {"authorization": f"Bearer {CLIENT_KEY}"}))
    assert result["statusCode"] == 503
    assert_no_piece(json.dumps(result) + sinks())


def test_row_9_a_generated_key_is_in_no_table(watched: tuple[GatewayHarness, Callable[[], str]]) -> None:
    harness, sinks = watched
    result = harness.admin(event("POST", "/key/generate", {"authorization": f"Bearer {MASTER_KEY}"}))
    key = json.loads(str(result["body"]))["key"]
    assert status_of(harness, key) == 200
    assert not holds_a_piece(sinks(), key)


# 164 characters, as OpenAI's are today; the first eight of them are public.
LONG_KEY = "sk-proj-" + "".join(random.Random(164).choices(string.ascii_letters + string.digits, k=156))  # noqa: S311

LEAKS = {
    "whole": LONG_KEY,
    "its beginning": LONG_KEY[:LEAK_CHARACTERS],
    "its middle": LONG_KEY[70 : 70 + LEAK_CHARACTERS],
    "its end": LONG_KEY[-LEAK_CHARACTERS:],
}


@pytest.fixture
def long_keyed(harness: GatewayHarness) -> GatewayHarness:
    """A harness whose provider's key is as long as OpenAI's."""
    harness.secret_source.text = secret_text(harness.upstream.url, LONG_KEY)
    return harness


@pytest.mark.parametrize("piece", LEAKS.values(), ids=LEAKS)
def test_row_10_a_success_that_echoes_the_credential_is_withheld_and_kept_nowhere(
    long_keyed: GatewayHarness, connect: Connect, piece: str
) -> None:
    client = connect(long_keyed.key("sk-echoes"))
    headers = {"openai-organization": piece, "x-request-id": piece}
    long_keyed.upstream.always(answer(200, store_document("vs_1", name=f"echo {piece}"), headers))
    with pytest.raises(openai.InternalServerError) as caught:
        client.vector_stores.create(name="x")
    assert piece not in caught.value.response.text + str(caught.value.response.headers)
    long_keyed.upstream.always(answer(200, store_document("vs_2", name="x"), headers))
    created = client.vector_stores.with_raw_response.create(name="x")
    assert piece not in str(created.headers)
    assert not any(piece in str(row.to_record()) for row in long_keyed.rows())


def test_row_10_a_success_that_spells_the_credential_with_escapes_is_withheld(
    long_keyed: GatewayHarness, connect: Connect
) -> None:
    client, whole = connect(long_keyed.key("sk-echoes")), LEAKS["whole"]
    document = json.dumps(store_document("vs_1", name="NAME"))
    spelled = f"{whole[:20]}\\u{ord(whole[20]):04x}{whole[21:]}"
    long_keyed.upstream.always(answer(200, document.replace("NAME", spelled).encode()))
    with pytest.raises(openai.InternalServerError):
        client.vector_stores.create(name="x")
    long_keyed.upstream.always(answer(200, document.replace("NAME", "an \\u0061 alone").encode()))
    assert client.vector_stores.create(name="x").name == "an a alone"


@pytest.mark.parametrize("piece", LEAKS.values(), ids=LEAKS)
@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_an_error_that_echoes_the_credential_is_withheld(
    long_keyed: GatewayHarness, connect: Connect, piece: str, status: int
) -> None:
    client = connect(long_keyed.key("sk-echoes"))
    long_keyed.upstream.always(answer(status, {"error": {"message": f"Wrong key: {piece}"}}))
    with pytest.raises(openai.APIStatusError) as caught:
        client.files.create(file=("notes.md", b"x"), purpose="assistants")
    assert piece not in caught.value.response.text + str(caught.value.response.headers)
    assert caught.value.message.count("withheld") == 1


@pytest.mark.parametrize("size", [8, 9, 20, 31, LEAK_CHARACTERS - 1])
@pytest.mark.parametrize("start", [0, 60], ids=["its beginning", "its middle"])
def test_a_guess_of_a_part_of_the_credential_is_answered_like_any_other_text(
    long_keyed: GatewayHarness, connect: Connect, size: int, start: int
) -> None:
    """Otherwise a client that has the provider repeat a text could learn the key, a character at a time."""
    piece, client = LONG_KEY[start : start + size], connect(long_keyed.key("sk-guesses"))
    store = client.vector_stores.create(name=piece, metadata={piece: piece})
    assert (store.name, client.vector_stores.list().data) == (piece, [store])
    page = {"object": "vector_store.search_results.page", "search_query": [piece], "data": [], "has_more": False}
    long_keyed.upstream.always(answer(200, page, {"x-request-id": piece}))
    found = client.vector_stores.with_raw_response.search(store.id, query=piece)
    assert found.http_response.json() == page
    assert found.headers["x-request-id"] == piece
    long_keyed.upstream.always(answer(400, {"error": {"message": f"No such thing: {piece}"}}))
    with pytest.raises(openai.BadRequestError, match=f"No such thing: {piece}"):
        client.vector_stores.retrieve(store.id)


def test_a_key_that_is_a_word_makes_no_word_a_leak(harness: GatewayHarness, connect: Connect) -> None:
    harness.secret_source.text = secret_text(harness.upstream.url, "test")
    assert connect(harness.key("sk-plain")).vector_stores.create(name="my test store").name == "my test store"
