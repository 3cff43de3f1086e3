"""`Authorizer=JWT`: API Gateway judges a token before the virtual key, by what SAM makes of the template."""

from __future__ import annotations

import base64
import hmac
import json
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openai import AuthenticationError, NotFoundError, OpenAI

from tests.factories.secrets import MASTER_KEY
from tests.fakes.token_issuer import DISCOVERY, KEYS, TokenIssuer, made_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.fakes.http_api import HttpApi
    from tests.harnesses.gateway import GatewayHarness

HEADER: Final = "X-Who"


def connected(api: HttpApi, key: str, token: str, http_client: httpx2.Client) -> OpenAI:
    """OpenAI's client as its documentation has it: the key, and a header for every request."""
    options: dict[str, Any] = {"max_retries": 0, "http_client": http_client}
    return OpenAI(base_url=f"{api.url}/v1", api_key=key, default_headers={HEADER: token}, **options)


@pytest.fixture
def front(token_api: HttpApi) -> Iterator[httpx.Client]:
    """Plain HTTP to API Gateway."""
    with httpx.Client(base_url=token_api.url, timeout=30) as client:
        yield client


def test_openai_s_client_makes_a_store_with_a_token_and_a_key(
    token_api: HttpApi, issuer: TokenIssuer, harness: GatewayHarness, http_client: httpx2.Client
) -> None:
    key = harness.key("sk-red", team="red")
    good = {
        "the token": issuer.token(sub="ann", groups=["admin", "dev"]),
        "with its scheme": f"Bearer {issuer.token()}",
        "of several audiences": issuer.token(aud=["elsewhere", "other"]),
        "of a client without an audience": issuer.token(aud=None, client_id="gateway"),
        "of a larger hash": issuer.token(algorithm="RS512"),
    }
    for name, token in good.items():
        assert connected(token_api, key, token, http_client).vector_stores.create(name=name).name == name
    first = token_api.invoked[0]["requestContext"]["authorizer"]["jwt"]
    assert (first["claims"]["sub"], first["claims"]["iss"]) == ("ann", issuer.url)
    assert {DISCOVERY, KEYS} <= set(issuer.asked)
    assert [row.team_id for row in harness.rows()] == ["red"] * len(good)
    assert not [each for each in harness.upstream.received if HEADER.lower() in each.headers]


def signed_with_the_public_key(issuer: TokenIssuer) -> str:
    """A token whose algorithm takes the issuer's public key, which is known to all, for a secret."""
    body = issuer.token().split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "key-1"}).encode()).rstrip(b"=")
    secret = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.digest(secret, head + b"." + body.encode(), sha256)
    return ".".join((head.decode(), body, base64.urlsafe_b64encode(mac).rstrip(b"=").decode()))


def no_tokens(issuer: TokenIssuer) -> dict[str, dict[str, str]]:
    """Headers that are not to be let through, by what is wrong with them."""
    now, good, stranger = int(time.time()), issuer.token(), made_key()
    head, body, signature = good.split(".")
    other_body = issuer.token(sub="eve").split(".")[1]
    tokens = {
        "empty": "",
        "no token": "sk-red",
        "expired": issuer.token(exp=now - 60),
        "not valid yet": issuer.token(nbf=now + 600),
        "issued later": issuer.token(iat=now + 600),
        "of another audience": issuer.token(aud="elsewhere"),
        "of another client": issuer.token(aud=None, client_id="elsewhere"),
        "whose audience counts before its client": issuer.token(aud="elsewhere", client_id="gateway"),
        "of no audience": issuer.token(aud=None),
        "of another issuer": issuer.token(iss="https://login.example.com"),
        "of no issuer": issuer.token(iss=None),
        "signed by another": issuer.token(key=stranger),
        "of another key": issuer.token(kid="key-2"),
        "of no key": issuer.token(kid=None),
        "unsigned": issuer.token(algorithm="none"),
        "without its signature": f"{head}.{body}.",
        "changed": f"{head}.{other_body}.{signature}",
        "signed with what is public": signed_with_the_public_key(issuer),
    }
    elsewhere = {"in the default header": {"X-Identity-Token": good}, "in none": {}}
    return {name: {HEADER: token} for name, token in tokens.items()} | elsewhere


def test_what_is_no_valid_token_is_401_and_no_function_is_invoked(
    token_api: HttpApi,
    issuer: TokenIssuer,
    harness: GatewayHarness,
    front: httpx.Client,
    http_client: httpx2.Client,
) -> None:
    key = harness.key("sk-red", team="red")
    for name, headers in no_tokens(issuer).items():
        answer = front.post(
            "/v1/vector_stores", json={"name": "s"}, headers={"Authorization": f"Bearer {key}", **headers}
        )
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"}), name
    in_the_key_s_place = front.get("/v1/vector_stores", headers={"Authorization": issuer.token(), "api-key": key})
    assert in_the_key_s_place.status_code == 401
    with pytest.raises(AuthenticationError, match="Unauthorized"):
        connected(token_api, key, issuer.token(exp=1), http_client).vector_stores.create(name="s")
    assert (token_api.invoked, harness.rows(), harness.upstream.calls) == ([], [], 0)


def test_behind_a_valid_token_the_virtual_key_still_decides(
    token_api: HttpApi, issuer: TokenIssuer, harness: GatewayHarness, http_client: httpx2.Client
) -> None:
    token = issuer.token()
    red, blue = (
        connected(token_api, harness.key(f"sk-{team}", team=team), token, http_client) for team in ("red", "blue")
    )
    store = red.vector_stores.create(name="red's")
    with pytest.raises(NotFoundError):
        blue.vector_stores.retrieve(store.id)
    with pytest.raises(AuthenticationError) as error:
        connected(token_api, "sk-none", token, http_client).vector_stores.list()
    assert error.value.code == "invalid_api_key"
    with pytest.raises(AuthenticationError):
        connected(token_api, token, token, http_client).vector_stores.list()


def test_no_route_is_open_and_with_a_token_each_leads_to_a_function(
    token_api: HttpApi, issuer: TokenIssuer, harness: GatewayHarness, front: httpx.Client
) -> None:
    harness.key("sk-red", team="red")
    asked = [
        (min(route.methods, default="GET"), route.path.replace("/$default", "/v1/vector_stores"))
        for route in token_api.routes
    ]
    for method, template in [*asked, ("GET", "/health/liveliness"), ("GET", "/ui/app.js"), ("OPTIONS", "/v1/files")]:
        path = template.replace("{proxy+}", "info").replace("{vector_store_id}", "vs_1")
        key = {"Authorization": f"Bearer {MASTER_KEY}", "Origin": "https://app.example.com"}
        without = front.request(method, path, headers=key)
        assert (without.status_code, without.json()) == (401, {"message": "Unauthorized"}), path
        before = len(token_api.invoked)
        front.request(method, path, headers={**key, HEADER: issuer.token()})
        assert len(token_api.invoked) == before + 1, path
