"""Web pages of the origins that the deployment names may call it and read its answers; no other page may."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.mistakes import CannotStart
from local.server.app import App, Handlers
from local.settings import LocalSettings
from tests.harnesses.local_server import serving
from vectorgate.api.cors import CrossOrigin
from vectorgate.entrypoints.lambda_http import HttpFunction
from vectorgate.settings import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harnesses.gateway import GatewayHarness

    Answer = tuple[int, dict[str, str], bytes]
    Ask = Callable[..., Answer]

PAGE, OTHER = "https://app.example.com", "https://app.example.com.evil.example"
NAMES = (f" {PAGE} ", "HTTP://localhost:5173", "https://ports.example:443")
NAMED = CrossOrigin.of(NAMES)
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-stainless-os"}
PATHS = ("/v1/vector_stores", "/key/generate", "/healthz", "/v1/unknown")


def by_server(harness: GatewayHarness) -> Ask:
    """Local mode's server on a socket."""
    port = serving(App(Handlers(api=harness.api, admin=harness.admin), cross_origin=NAMED))

    def ask(method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    return ask


def by_functions(harness: GatewayHarness) -> Ask:
    """API Gateway's events, at the functions that its routes lead to."""
    settings = replace(harness.settings, cors_origins=NAMES)
    api = HttpFunction(lambda: harness.gateway, lambda: settings)
    admin = HttpFunction(lambda: harness.app, lambda: settings)

    def ask(method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Answer:
        event = {"rawPath": path, "requestContext": {"http": {"method": method}}, "headers": headers, "body": body}
        result = cast("dict[str, Any]", (admin if path.startswith("/key/") else api)(event, None))
        return result["statusCode"], result["headers"], result["body"].encode()

    return ask


@pytest.fixture(params=[by_server, by_functions])
def ask(request: pytest.FixtureRequest, harness: GatewayHarness) -> Ask:
    asks: Ask = request.param(harness)
    return asks


def test_a_preflight_needs_no_key_and_permits_what_the_page_asks_for(ask: Ask, harness: GatewayHarness) -> None:
    for path in PATHS:
        status, headers, body = ask("OPTIONS", path, PREFLIGHT | {"origin": PAGE})
        assert (status, body) == (204, b"")
        assert headers["access-control-allow-origin"] == PAGE
        assert {"GET", "POST", "PUT", "DELETE"} <= set(headers["access-control-allow-methods"].split(", "))
        assert headers["access-control-allow-headers"] == "authorization,x-stainless-os"
        assert (headers["access-control-max-age"], headers["vary"]) == ("7200", "Origin")
        assert "access-control-allow-credentials" not in headers
    assert harness.rows() == []


def test_a_preflight_of_another_origin_is_403_with_no_header_of_cors(ask: Ask, harness: GatewayHarness) -> None:
    for origin in (OTHER, "null", "http://app.example.com", PAGE.upper(), f"{PAGE}, {OTHER}"):
        status, headers, body = ask("OPTIONS", PATHS[0], PREFLIGHT | {"origin": origin})
        assert (status, json.loads(body)["error"]["code"]) == (403, "origin_not_allowed")
        assert headers["vary"] == "Origin"
        assert not [name for name in headers if name.startswith("access-control-")]
    assert harness.rows() == []


def test_a_page_reads_every_header_of_an_answer_and_of_an_error(ask: Ask, harness: GatewayHarness) -> None:
    key = harness.key("sk-page", team="red")
    sent = {"origin": PAGE, "authorization": f"Bearer {key}", "content-type": "application/json"}
    for body, expected in (('{"name": "a"}', 200), ("{", 400)):
        status, headers, _ = ask("POST", PATHS[0], sent, body)
        assert (status, headers["access-control-allow-origin"], headers["vary"]) == (expected, PAGE, "Origin")
        exposed = set(headers["access-control-expose-headers"].split(", "))
        assert "x-litellm-call-id" in exposed
        readable = {name for name in headers if name.startswith(("x-", "retry-after", "openai-", "idempotency-"))}
        assert readable <= exposed
    status, headers, _ = ask("POST", PATHS[0], sent | {"authorization": "Bearer sk-none"}, "{}")
    assert (status, headers["access-control-allow-origin"]) == (401, PAGE)


def test_a_call_from_elsewhere_is_answered_without_a_header_of_cors(ask: Ask, harness: GatewayHarness) -> None:
    key = harness.key("sk-page", team="red")
    for origin in ({"origin": OTHER}, {}):
        status, headers, _ = ask("GET", PATHS[0], {"authorization": f"Bearer {key}", **origin})
        assert (status, headers["vary"]) == (200, "Origin")
        assert not [name for name in headers if name.startswith("access-control-")]


def test_without_origins_there_is_no_cors_and_a_preflight_is_a_call_without_a_key(harness: GatewayHarness) -> None:
    function = HttpFunction(lambda: harness.gateway, lambda: harness.settings)
    headers = PREFLIGHT | {"origin": PAGE}
    event = {"rawPath": PATHS[0], "requestContext": {"http": {"method": "OPTIONS"}}, "headers": headers}
    result = cast("dict[str, Any]", function(event, None))
    assert result["statusCode"] == 401
    assert not {name for name in result["headers"] if name == "vary" or name.startswith("access-control-")}


def test_origins_are_read_from_the_environment_and_a_wildcard_is_refused() -> None:
    given_names = {"VECTORGATE_TABLE": "t", "VECTORGATE_CORS_ORIGINS": f"{PAGE},https://b.example:8443"}
    expected = CrossOrigin(frozenset({PAGE, "https://b.example:8443"}))
    assert CrossOrigin.of(read(given_names).cors_origins) == LocalSettings.read(given_names).cross_origin == expected
    assert read({"VECTORGATE_TABLE": "t"}).cors_origins == ()
    assert LocalSettings.read({}).cross_origin is None
    for wrong in ("*", "https://*.example.com", "null", "app.example.com", f"{PAGE}/", f"{PAGE}/path", "https://"):
        with pytest.raises(ValueError, match="is not an origin"):
            CrossOrigin.of(read({"VECTORGATE_TABLE": "t", "VECTORGATE_CORS_ORIGINS": wrong}).cors_origins)
        with pytest.raises(CannotStart, match="VECTORGATE_CORS_ORIGINS"):
            LocalSettings.read({"VECTORGATE_CORS_ORIGINS": wrong})


@given(st.text(max_size=40), st.text(max_size=20))
def test_nothing_but_a_named_origin_is_ever_allowed(origin: str, asked: str) -> None:
    assert NAMED is not None
    added = NAMED.headers({"origin": origin}, {"x-a": asked})
    assert ("access-control-allow-origin" in added) == (origin in NAMED.origins)
    answer = NAMED.preflight("OPTIONS", {"origin": PAGE, **PREFLIGHT, "access-control-request-headers": asked})
    assert answer is not None
    allowed = answer.headers.get("access-control-allow-headers", "")
    assert allowed.isascii()
    assert not set(allowed) & set("\r\n\0")
