"""Rows of docs/security.md that are about the gateway as a whole: each test is named after its row."""

from __future__ import annotations

import json
import random
import re
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.requests import request_for
from tests.factories.secrets import MASTER_KEY, PROVIDER_KEY
from tests.fakes.openai import store_document
from tests.fakes.upstream import FaultyUpstream, answer
from tests.harnesses.gateway import GatewayHarness
from tests.harnesses.owned_objects import CLIENT_KEY, IDS, own_all
from vectorgate.api.errors import INVALID_REQUEST, ApiError
from vectorgate.api.http import Body, Request
from vectorgate.api.operations import OPERATIONS, Media, Operation
from vectorgate.api.router import PREFIXES, route
from vectorgate.auth import authenticate
from vectorgate.auth.authenticate import key_id_of
from vectorgate.entrypoints.lambda_http import path_of
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harnesses.gateway import GatewayServer


EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


@pytest.fixture
def owned(harness: GatewayHarness) -> GatewayHarness:
    """A harness with one key, which owns an object of each kind."""
    harness.key(CLIENT_KEY, team="own", models=("*",))
    harness.openai.ids = iter(())
    own_all(harness)
    return harness


HOSTS = ("api_base", "base_url", "api_key", "api_version", "headers", "extra_headers", "extra_body", "organization")


@EACH
def test_row_1_nothing_in_a_request_chooses_the_host(owned: GatewayHarness, operation: Operation) -> None:
    with FaultyUpstream(answer(200, {"id": "stolen"})) as evil:
        host = evil.url.removeprefix("http://").removesuffix("/v1")
        headers = {
            "host": host,
            "x-forwarded-host": host,
            "x-forwarded-for": "127.0.0.1",
            "forwarded": f"host={host}",
            "x-portkey-custom-host": evil.url,
            "custom-llm-provider": "openai",
            "api-base": evil.url,
            "x-api-base": evil.url,
            "openai-organization": "org-evil",
            "x-original-url": f"{evil.url}/files",
            "x-rewrite-url": f"{evil.url}/files",
        }
        file_ids = dict.fromkeys(operation.body_ids[:1], IDS["file_id"])
        owned.gateway.handle(request_for(operation, IDS, key=CLIENT_KEY, headers=headers, file_ids=file_ids))
        if operation.media is not Media.NONE:
            for name in HOSTS:
                body = {name: evil.url}
                request = request_for(operation, IDS, key=CLIENT_KEY, body=body, file_ids=file_ids)
                assert owned.gateway.handle(request).status == 400, name
        assert evil.connections == 0
    for received in owned.upstream.received:
        assert received.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
        assert received.headers["host"] in owned.upstream.url
        assert "org-evil" not in json.dumps(dict(received.headers))


@pytest.mark.parametrize("name", ["evil", "http://evil", "azure", "OPENAI", "openai ", "../openai"])
@pytest.mark.parametrize("place", ["header", "query", "body"])
def test_row_1_a_provider_that_is_not_configured_is_refused(owned: GatewayHarness, name: str, place: str) -> None:
    if place == "header" and name.strip() == "openai":
        return  # a header's value has no spaces at its ends
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-type": "application/json"}
    query = {"custom-llm-provider": name} if place == "query" else {}
    if place == "header":
        headers["custom-llm-provider"] = name
    body = json.dumps({"custom_llm_provider": name} if place == "body" else {}).encode()
    request = Request(method="POST", path="/v1/vector_stores", headers=headers, query=query, body=Body.of(body))
    assert owned.gateway.handle(request).status == 400
    assert owned.upstream.calls == 0


# ------------------------------------------------------------------------------------------------------------- row 2


def test_row_2_neither_the_environment_nor_an_earlier_answer_has_a_part_in_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FaultyUpstream(answer(200, {"id": "stolen"})) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.upper(), proxy.url)
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NO_PROXY", "")
        with GatewayHarness() as harness:
            harness.key(CLIENT_KEY)
            harness.upstream.always(answer(200, store_document("vs_1"), {"set-cookie": "session=other"}))
            headers = {"authorization": f"Bearer {CLIENT_KEY}"}
            answers = [harness.api(event("POST", "/v1/vector_stores", headers))["statusCode"] for _ in range(2)]
            received = harness.upstream.received
        assert (answers[0], len(received), proxy.connections) == (200, 2, 0)
    assert not any("cookie" in request.headers for request in received)


# ------------------------------------------------------------------------------------------------------------- row 3

PIECES = [
    *("vector_stores", "files", "file_batches", "search", "content", "cancel", "v1", "openai", "vs_1", "file-1"),
    *(
        "vector_stores",
        "files",
        "..",
        ".",
        "",
        "%2e%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "%00",
        ";",
        "a;b",
        "%252e",
        "%",
        "%zz",
    ),
    *("\\", "vs%2F1", "*", "vector%5Fstores", "VECTOR_STORES", "files?x=1", "#", "é", "%c3%a9", "%ff", "{file_id}"),
    *(" ", "+", "http:", "\x00", "\n", "\ud800", "a" * 200),
]
ROOTS = [
    "/",
    "/",
    "/v1/",
    "/v1/",
    "/v1//",
    "",
    "//",
    "v1/",
    "/openai/",
    "/openai/v1/",
    "x",
    "/./",
    "/../",
    "http://evil/",
]
SEPARATORS = ["/", "/", "/", "/", "//", "/./", "%2f", "\\"]
METHODS = ["GET", "POST", "DELETE", "get", "PUT", "HEAD", "OPTIONS", ""]
TEMPLATES = {
    (operation.method, operation.name): re.compile(
        "(?:" + "|".join(map(re.escape, PREFIXES)) + ")?" + re.sub(r"\{\w+\}", "([^/]+)", operation.path) + "/?"
    )
    for operation in OPERATIONS
}


@pytest.mark.parametrize("paths", [20_000, pytest.param(100_000, marks=pytest.mark.exhaustive)])
def test_row_3_a_path_matches_its_exact_template_or_nothing(paths: int) -> None:
    randomness, matches = random.Random(41_295), 0  # noqa: S311 - to be repeatable
    for _ in range(paths):
        pieces = randomness.choices(PIECES, k=randomness.randint(0, 5))
        path = randomness.choice(ROOTS) + randomness.choice(SEPARATORS).join(pieces)
        method = randomness.choice(METHODS)
        matches += sum(matches_exactly(method, said) for said in (path, path_of(path)))
    assert matches > paths / 500  # otherwise the paths would test nothing


def matches_exactly(method: str, path: str) -> bool:
    """Whether a row was found. AssertionError if it is not the row of the path."""
    try:
        matched = route(method, path)
    except ApiError as error:
        return error.status not in {404, 405}
    found = TEMPLATES[method, matched.operation.name].fullmatch(path)
    assert found, path
    assert found.groups() == tuple(matched.captured.values())
    assert "%" not in path
    return True


# As they stand in the request line.
ESCAPED = ["vs_own%2Ffiles", "vs_own%2ffiles", "vs_own%252Ffiles", "vs_own%5Cfiles", "vs_own%255Cfiles", "vs_own%00"]
ESCAPED += ["%2e%2e/files", "%2E%2E/vector_stores", "vs_own/%2e", "%2e/vs_own", "%252e%252e/files", "vs%255Fown"]
ESCAPED += ["vs_own%25", "vs_own%", "vs_own%2", "vs_own%zz", "vs_own%3Bx", "vs_own%3Ffiles", "vs_own%23", "vs_own%20"]
ESCAPED += ["vs_own%0A", "vs_own%0D%0Ax", "vs_own%FF", "vs_own%C0%AFfiles", "vs_own%EF%BC%8Ffiles", "vs_own%u002f"]


@pytest.mark.parametrize("path", ESCAPED)
def test_row_3_in_local_mode_no_escape_makes_another_path_or_an_odd_id(
    owned: GatewayHarness, gateway_server: GatewayServer, path: str
) -> None:
    for method in ("GET", "DELETE"):
        status, error = asked(gateway_server, method, f"/v1/vector_stores/{path}")
        assert (status, error["error"]["type"]) in {(404, INVALID_REQUEST), (400, INVALID_REQUEST)}
    assert (owned.upstream.calls, owned.secret_source.readings) == (0, 0)


def test_row_3_in_local_mode_a_path_is_decoded_once(owned: GatewayHarness, gateway_server: GatewayServer) -> None:
    listed = asked(gateway_server, "GET", "/v1/files")
    assert listed[0] == 200
    assert asked(gateway_server, "GET", "/%761/file%73") == listed
    assert asked(gateway_server, "GET", "/v1/file%2573")[0] == 404
    assert (
        asked(gateway_server, "GET", "/%6Bey/list")[0] == asked(gateway_server, "GET", "/key/list")[0] == 401
    )  # the administrator's
    owned.upstream.forget()
    asked(gateway_server, "GET", "/v1/files/file%2Down")
    assert [each.path for each in owned.upstream.received] == ["/v1/files/file-own"]


@pytest.mark.parametrize("path", ["/v1/files/file%2Down", "/%761/files/file-own", "/v1/files/file-own%", "/key%2Finfo"])
def test_row_3_what_api_gateway_hands_over_is_not_decoded_again(owned: GatewayHarness, path: str) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    result = owned.api(event("GET", path, headers))
    assert (result["statusCode"], "unknown_url" in str(result["body"])) == (404, True)
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    assert owned.admin(event("GET", path, headers))["statusCode"] == 404
    assert (owned.upstream.calls, owned.secret_source.readings) == (0, 0)


@pytest.mark.parametrize(
    "odd", ["\0", "\\files", ";x", " ", "?files", "#", "\r\nx", "\ufffd", "\uff0ffiles", "é", ".", "%"]
)
def test_row_3_what_api_gateway_decoded_makes_no_odd_id(owned: GatewayHarness, odd: str) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    for method in ("GET", "DELETE"):
        assert owned.api(event(method, f"/v1/vector_stores/vs_own{odd}", headers))["statusCode"] in {400, 404}
    assert (owned.upstream.calls, owned.secret_source.readings) == (0, 0)


def asked(gateway_server: GatewayServer, method: str, path: str) -> tuple[int, Any]:
    """Send a path as it is, and return status and document."""
    connection = HTTPConnection("127.0.0.1", gateway_server.port, timeout=20)
    try:
        connection.request(method, path, headers={"authorization": f"Bearer {CLIENT_KEY}"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path", ["x/vector_stores", "vector_stores/../vector_stores", "v1/vector_stores", "http:/vector_stores"]
)
def test_row_3_a_path_begins_at_the_root(owned: GatewayHarness, path: str) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    assert owned.gateway.handle(Request(method="POST", path=path, headers=headers)).status == 404
    assert (owned.upstream.calls, owned.secret_source.readings) == (0, 0)


@EACH
def test_row_3_neither_the_clients_key_nor_its_headers_travel_on(owned: GatewayHarness, operation: Operation) -> None:
    headers = {"api-key": CLIENT_KEY, "cookie": "session=1", "x-custom": "1", "x-litellm-tags": "t"}
    file_ids = dict.fromkeys(operation.body_ids[:1], IDS["file_id"])
    owned.gateway.handle(request_for(operation, IDS, key=CLIENT_KEY, headers=headers, file_ids=file_ids))
    allowed = {
        "host",
        "authorization",
        "user-agent",
        "openai-beta",
        "content-type",
        "content-length",
        "accept-encoding",
    }
    for received in owned.upstream.received:
        assert set(received.headers) <= allowed


# -------------------------------------------------------------------------------------------------- rows 4, 5, 7, 9


class InjectedError(Exception):
    """An error that only these tests raise."""


@pytest.mark.parametrize("where", ["presented_key", "key_id_of", "Principal"])
@pytest.mark.parametrize("error", [InjectedError("x"), ValueError("x"), StoreUnavailable("x"), KeyError("x")], ids=repr)
def test_row_4_whatever_fails_during_authentication_authorises_no_caller(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    harness.key(CLIENT_KEY)
    monkeypatch.setattr(authenticate, where, broken)
    result = harness.api(event("POST", "/v1/vector_stores", {"authorization": f"Bearer {CLIENT_KEY}"}))
    assert result["statusCode"] in {401, 500, 503}
    assert (harness.upstream.calls, harness.secret_source.readings) == (0, 0)


def event(method: str, path: str, headers: Mapping[str, str], body: str = "{}") -> dict[str, object]:
    return {
        "rawPath": path,
        "headers": {"content-type": "application/json", **headers},
        "requestContext": {"http": {"method": method}},
        "body": body,
    }


@pytest.mark.parametrize(
    "host", ["", "evil", "localhost:1@evil", "/", "..", "a b", "169.254.169.254", "x" * 300, "api.openai.com"]
)
def test_row_5_the_host_header_decides_nothing(owned: GatewayHarness, host: str) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "host": host}
    answers = [owned.api(event("GET", path, headers))["statusCode"] for path in ("/v1/files", "/v1/nowhere")]
    assert answers == [200, 404]


@pytest.mark.parametrize("length", range(1, 24, 3))
def test_row_7_keys_that_share_a_prefix_are_unrelated(harness: GatewayHarness, length: int) -> None:
    harness.key(CLIENT_KEY)
    for other in (CLIENT_KEY[:length], CLIENT_KEY + "x" * length, CLIENT_KEY[:-1] + "~" * length):
        assert status_of(harness, CLIENT_KEY) == 200
        assert status_of(harness, other) == (200 if other == CLIENT_KEY else 401)


def status_of(harness: GatewayHarness, key: str) -> int:
    request = Request(method="GET", path="/v1/files", headers={"authorization": f"Bearer {key}"})
    return harness.gateway.handle(request).status


def test_row_9_a_stored_hash_is_no_key(harness: GatewayHarness) -> None:
    harness.key(CLIENT_KEY)
    for other in (
        key_id_of(CLIENT_KEY),
        f"sk-{key_id_of(CLIENT_KEY)}",
        key_id_of(key_id_of(CLIENT_KEY)),
        CLIENT_KEY.swapcase(),
    ):
        assert status_of(harness, other) == 401


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": "Basic x"}, {"api-key": " "}]
)
def test_row_4_without_a_key_there_is_no_principal(harness: GatewayHarness, headers: dict[str, str]) -> None:
    assert harness.api(event("POST", "/v1/vector_stores", headers))["statusCode"] == 401


# ------------------------------------------------------------------------------------------------------------ row 10
