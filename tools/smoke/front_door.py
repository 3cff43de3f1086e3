"""What is in front of the functions: routes, limits, pages of other origins, and the second URL."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import Request, urlopen

from tools.smoke.deployed import equal
from tools.smoke.target import Target, prove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.smoke.calls import Made

OPENAPI: Final = Path(__file__).parents[2] / "openapi.json"
ADMINISTRATORS_RATE: Final = 10  # requests a second
NOT_JSON: Final = b"{"  # refused by every operation that would change something
STRANGE_ORIGIN: Final = "https://stranger.invalid"


def administrators_routes_lead_to_the_admin_function(target: Target, made: Made) -> str:
    """Every operation of an administrator is answered for the master key, which the clients' function refuses."""
    del made
    lost = []
    for method, path in _administration():
        body = NOT_JSON if method != "GET" else None
        status, document = target.ask(method, f"{path}?smoke=1", target.master_key, body)
        if status == HTTPStatus.UNAUTHORIZED or "unknown_url" in json.dumps(document) or status >= 500:  # noqa: PLR2004 - the class
            lost.append(f"{method} {path} was {status}")
    prove(not lost, f"{len(lost)} of {len(list(_administration()))}: {lost[:5]}")
    status, page = target.ask("GET", "/ui", None)
    prove(status == HTTPStatus.OK and "<html" in page, f"/ui was {status}")
    return f"{len(list(_administration()))} operations, and the dashboard's page"


def _administration() -> Iterator[tuple[str, str]]:
    for path, operations in json.loads(OPENAPI.read_text("utf-8"))["paths"].items():
        for method, operation in operations.items():
            if "administration" in operation.get("tags", ()):
                yield method.upper(), re.sub(r"\{\w+\}", "vs_smoke", path)


def the_front_door_is_limited(target: Target, made: Made) -> str:
    """API Gateway's limits are the stack's, an administrator's are lower, and requests are logged."""
    del made
    client, api = target.aws("apigatewayv2"), _api(target)
    (stage,) = client.get_stages(ApiId=api)["Items"]
    parameters = target.release.parameters
    limits = stage["DefaultRouteSettings"]
    equal("requests per second", float(limits["ThrottlingRateLimit"]), float(parameters["RequestsPerSecond"]))
    equal("requests at once", int(limits["ThrottlingBurstLimit"]), int(parameters["RequestBurst"]))
    prove("DestinationArn" in stage.get("AccessLogSettings", {}), "requests are not logged")
    pages = client.get_paginator("get_routes").paginate(ApiId=api)
    routes = [each for page in pages for each in page["Items"]]
    for key in sorted({each["RouteKey"] for each in routes} - {"$default", "GET /ui", "GET /ui/{proxy+}"}):
        rate = stage["RouteSettings"].get(key, {}).get("ThrottlingRateLimit")
        prove(rate is not None and rate <= ADMINISTRATORS_RATE, f"{key} takes {rate} requests a second")
    wanted = parameters["Authorizer"]
    open_routes = [each["RouteKey"] for each in routes if each.get("AuthorizationType", "NONE") != wanted]
    prove(not open_routes, f"the authorization of {open_routes} is not {wanted}")
    return f"{parameters['RequestsPerSecond']} requests a second, {len(routes)} routes, authorization {wanted}"


def _api(target: Target) -> str:
    (found,) = [physical for kind, physical in target.resources.values() if kind == "AWS::ApiGatewayV2::Api"]
    return found


def pages_of_named_origins_alone_may_call(target: Target, made: Made) -> str:
    """A preflight of an origin that the stack names is allowed, and of another is not.

    An emulator's API Gateway answers preflights itself; there a request is sent, whose answer has the same header.
    """
    del made
    if target.release.parameters["Authorizer"] != "NONE":
        return "skipped: with an authorizer, no page may"
    method = "GET" if target.endpoint else "OPTIONS"
    origins = [each.strip() for each in target.release.parameters["CorsOrigins"].split(",") if each.strip()]
    for origin in (*origins, STRANGE_ORIGIN):
        headers = {**target.headers, "Origin": origin, "Access-Control-Request-Method": "GET"}
        request = Request(f"{target.url}/v1/vector_stores", headers=headers, method=method)  # noqa: S310 - the stack's
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310 - the same
                allowed = response.headers.get("Access-Control-Allow-Origin")
        except OSError as error:
            allowed = getattr(error, "headers", {}).get("Access-Control-Allow-Origin")
        equal(f"what {origin} is allowed", allowed in {origin, "*"}, origin in origins)
    return f"{', '.join(origins) or 'no origin'} may, {STRANGE_ORIGIN} may not"


def calls_without_what_the_authorizer_asks_for_are_refused(target: Target, made: Made) -> str:
    """A call with the administrator's key alone, or with what is no signature and no token, reaches no function."""
    del made
    parameters = target.release.parameters
    if parameters["Authorizer"] == "NONE":
        return "skipped: there is no authorizer"
    key = {"Authorization": f"Bearer {target.master_key}"}
    forged = {"Authorization": FORGED, parameters["JwtHeader"]: FORGED, "api-key": target.master_key}
    for path in ("/v1/vector_stores", "/key/list", "/health/liveliness"):
        for headers in ({}, key, forged):
            status, document = target.ask_bare(path, headers)
            refused = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and "error" not in document
            prove(refused, f"{path} with {sorted(headers)} was {status} {document}")
        status, _ = target.ask("GET", path, target.master_key)
        prove(status == HTTPStatus.OK or path.startswith("/v1"), f"{path} with both was {status}")
    return f"{parameters['Authorizer']}: 9 calls"


def the_second_url_is_there(target: Target, made: Made) -> str:
    """Where the stack has a URL for streams, it is public and streams; the virtual key is the function's first step."""
    del made
    if "StreamFunction" not in target.outputs:
        return "skipped: StreamingUrl is off"
    client, name = target.aws("lambda"), target.outputs["StreamFunction"]
    found = client.get_function_url_config(FunctionName=name, Qualifier=ALIAS)
    equal("the URL", (found["AuthType"], found["InvokeMode"]), ("NONE", "RESPONSE_STREAM"))
    policy = json.loads(client.get_policy(FunctionName=name, Qualifier=ALIAS)["Policy"])
    equal("who may call it", {each["Action"] for each in policy["Statement"]}, URL_ACTIONS)
    return str(found["FunctionUrl"])


FORGED: Final = "AWS4-HMAC-SHA256 Credential=none"  # no signature, and no token either
ALIAS: Final = "live"
URL_ACTIONS: Final = {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
