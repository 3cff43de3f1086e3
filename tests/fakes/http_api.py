"""API Gateway's HTTP API of our template, on loopback: its routes and authorizers are those that SAM made of it.

Tokens are judged as AWS documents it
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html): the header of the identity
source, with or without `Bearer`; RSA alone, by the key of the issuer's that `kid` names; `iss`, `aud` or else
`client_id`, `exp`, `nbf`, `iat`, and one of the route's scopes. Without that no function is invoked.
"""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

import jwt

from local.server.app import App, Handlers
from tests.harnesses.local_server import serving
from tests.helpers.template import made_of_type, resolved
from vectorgate.api.http import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vectorgate.entrypoints.lambda_http import LambdaResponse

    Function = Callable[[Mapping[str, object], object], LambdaResponse]

ANY: Final = "x-amazon-apigateway-any-method"
AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
INTEGRATION: Final = "x-amazon-apigateway-integration"
RSA: Final = ("RS256", "RS384", "RS512")
IDENTITY_SOURCE: Final = "$request.header."


class Refused(Exception):
    """What the authorizer answers. `status`: 401 without a valid token, 403 without a scope."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Route:
    """An operation of the API's definition."""

    methods: frozenset[str]
    path: str
    operation: Mapping[str, Any]

    def rank(self, method: str, path: str) -> int:
        """How well it fits: API Gateway takes the best, and 0 is none."""
        if self.operation.get("isDefaultRoute"):
            return 1
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.path).replace(r"\{proxy\+\}", ".+"))
        if not re.fullmatch(pattern, path) or (self.methods and method not in self.methods):
            return 0
        return 2 if "{proxy+}" in self.path else 3

    @property
    def function(self) -> str:
        """The function that it leads to."""
        found = re.search(r"/functions/\$\{(\w+)Aliaslive\}/", str(self.operation[INTEGRATION]["uri"]))
        assert found is not None
        return found[1]


@dataclass
class HttpApi:
    """The API with these parameters. `functions`: by their names in the template; `invoked`: the events they got.

    `url`: where it listens.
    """

    parameters: Mapping[str, str]
    certificate: Path
    functions: Mapping[str, Function] = field(default_factory=dict)
    invoked: list[Mapping[str, Any]] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        """Read the API's definition, and listen until the process ends."""
        body = resolved(made_of_type("AWS::ApiGatewayV2::Api")["GatewayApi"]["Body"], self.parameters)
        self.schemes = body["components"]["securitySchemes"]
        self.routes = [
            Route(frozenset() if method == ANY else frozenset({method.upper()}), path, operation)
            for path, methods in body["paths"].items()
            for method, operation in methods.items()
        ]
        self.known = ssl.create_default_context(cafile=self.certificate)
        self.keys: dict[str, jwt.PyJWKClient] = {}
        self.url = f"http://127.0.0.1:{serving(App(Handlers(api=self.answer, admin=self.answer)))}"

    def answer(self, event: Mapping[str, Any], context: object) -> LambdaResponse:
        """Answer a request, by the function of its route if the authorizer lets it through."""
        method, path = event["requestContext"]["http"]["method"], event["rawPath"]
        route = max(self.routes, key=lambda each: each.rank(method, path))
        try:
            authorizer = self.authorized(route, event["headers"])
        except Refused as error:
            content = json.dumps({"message": error.status.phrase}).encode()
            return {
                "statusCode": int(error.status),
                "headers": {"content-type": "application/json"},
                "body": Body.of(content),
            }
        within = {**event["requestContext"], "authorizer": authorizer} if authorizer else event["requestContext"]
        self.invoked.append({**event, "requestContext": within})
        return self.functions[route.function](self.invoked[-1], context)

    def authorized(self, route: Route, headers: Mapping[str, str]) -> dict[str, Any]:
        """What an event says of the caller. Refused."""
        for each in route.operation.get("security", ()):
            ((name, scopes),) = each.items()
            claims = self.claims(self.schemes[name][AUTHORIZER], headers)
            granted = str(claims.get("scope", claims.get("scp", ""))).split()
            if scopes and not set(scopes) & set(granted):
                raise Refused(HTTPStatus.FORBIDDEN)
            return {"jwt": {"claims": {key: str(value) for key, value in claims.items()}, "scopes": scopes or None}}
        return {}

    def claims(self, authorizer: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """The claims of the token in a header. Refused."""
        assert authorizer["type"] == "jwt"
        asked, source = authorizer["jwtConfiguration"], authorizer["identitySource"]
        token = headers.get(source.removeprefix(IDENTITY_SOURCE).lower(), "").removeprefix("Bearer ")
        try:
            key = self.keys_of(asked["issuer"]).get_signing_key_from_jwt(token).key
            claims: dict[str, Any] = jwt.decode(
                token, key, RSA, issuer=asked["issuer"], options={"verify_aud": False, "require": ["exp"]}
            )
        except jwt.PyJWTError as error:
            raise Refused(HTTPStatus.UNAUTHORIZED) from error
        audience = claims.get("aud", claims.get("client_id"))
        if not set(asked["audience"]) & set(audience if isinstance(audience, list) else [audience]):
            raise Refused(HTTPStatus.UNAUTHORIZED)
        return claims

    def keys_of(self, issuer: str) -> jwt.PyJWKClient:
        """The issuer's public keys, found by its discovery document, and kept."""
        if issuer not in self.keys:
            with urlopen(f"{issuer}/.well-known/openid-configuration", context=self.known, timeout=5) as response:
                uri = json.load(response)["jwks_uri"]
            self.keys[issuer] = jwt.PyJWKClient(uri, lifespan=7200, ssl_context=self.known)
        return self.keys[issuer]
