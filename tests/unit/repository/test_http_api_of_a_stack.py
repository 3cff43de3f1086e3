"""The HTTP API that SAM makes of the functions' events: each operation reaches its function, and nothing else does."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    TEMPLATE,
    deployed,
    made_of_type,
    of_type,
    resolved,
)
from vectorgate.admin.routes import ROUTES
from vectorgate.api.http import Request
from vectorgate.auth.authenticate import presented_key
from vectorgate.gateway.pipeline import DEADLINE_SECONDS

PAGES: Final = ("GET /ui", "GET /ui/{proxy+}")
ANY: Final = "x-amazon-apigateway-any-method"
BODY: Final[dict[str, Any]] = made_of_type("AWS::ApiGatewayV2::Api")["GatewayApi"]["Body"]
STAGE: Final[dict[str, Any]] = made_of_type("AWS::ApiGatewayV2::Stage")["GatewayApiApiGatewayDefaultStage"]
TOKENS: Final = {"Authorizer": "JWT", "JwtIssuer": "https://issuer.example", "JwtAudience": "vectorgate"}


def routes() -> dict[str, dict[str, Any]]:
    """The operations of the API's definition, by API Gateway's names for routes."""
    return {
        ("$default" if each.get("isDefaultRoute") else f"{'ANY' if method == ANY else method.upper()} {path}"): each
        for path, methods in BODY["paths"].items()
        for method, each in methods.items()
    }


def function_of(route: dict[str, Any]) -> str:
    """The function that a route leads to."""
    found = re.search(
        r"/functions/\$\{(\w+)Aliaslive\}/invocations$", route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    )
    assert found is not None
    return found[1]


def _served(key: str) -> str:
    """The route of a key, of paths that are served with and without `/v1`."""
    return key.replace(" /v1/vector_stores", " /vector_stores").replace(" /organization", " /v1/organization")


def leads(route_key: str, method: str, path: str) -> bool:
    """Whether API Gateway takes a request to a route."""
    verb, _, template = route_key.partition(" ")
    return verb in ("ANY", method) and fnmatchcase(path, template.replace("{proxy+}", "?*"))


def test_the_administrators_routes_and_no_others_go_to_the_admin_function() -> None:
    functions = {key: function_of(route) for key, route in routes().items()}
    assert functions.pop("$default") == "Api"
    assert set(functions.values()) == {"Admin"}
    for method, path in ROUTES:
        assert any(leads(key, method, path) for key in functions), path
    for key in PAGES:  # of the dashboard: a page and its files, without the limit of an administrator's calls
        assert functions.pop(key)
        assert key not in STAGE["RouteSettings"]
    for key in functions:
        assert any(leads(_served(key), *route) for route in ROUTES), key
        assert STAGE["RouteSettings"][key]["ThrottlingRateLimit"] <= 10
    assert set(STAGE["RouteSettings"]) == set(functions)


def test_a_function_may_be_called_by_its_own_routes_of_this_api_alone() -> None:
    granted = [
        (each["FunctionName"]["Ref"].removesuffix("Aliaslive"), each["SourceArn"]["Fn::Sub"])
        for each in made_of_type("AWS::Lambda::Permission").values()
        if each["Principal"] == "apigateway.amazonaws.com"
    ]
    prefix = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"
    for _, (source, names) in granted:
        assert source.startswith(prefix)
        assert names == {"__ApiId__": {"Ref": "GatewayApi"}, "__Stage__": "*"}
    expected = {
        (function_of(route), re.sub(r"\{[^}]+\}", "*", key.replace(" ", "").replace("ANY/", "*/")))
        for key, route in routes().items()
    }
    assert {(name, source.removeprefix(prefix)) for name, (source, _) in granted} == expected
    assert len(granted) == len(expected)


def test_time_limits_nest_and_payloads_are_of_the_second_format() -> None:
    for route in routes().values():
        integration = route["x-amazon-apigateway-integration"]
        assert (integration["type"], integration["payloadFormatVersion"]) == ("aws_proxy", "2.0")
        assert DEADLINE_SECONDS < FUNCTIONS["Api"]["Timeout"] <= integration["timeoutInMillis"] / 1000 <= 30


def test_the_throttle_holds_for_every_route_that_has_none_of_its_own() -> None:
    assert STAGE["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "RequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "RequestBurst"},
        "DetailedMetricsEnabled": {"Ref": "RouteMetrics"},
    }
    assert (STAGE["StageName"], STAGE["AutoDeploy"]) == ("$default", True)


def test_every_route_asks_for_a_token_where_one_is_wanted_and_none_does_by_default() -> None:
    schemes = BODY["components"]["securitySchemes"]
    assert resolved(schemes, {}) == {}
    (asked,) = resolved(schemes, TOKENS).values()
    authorizer = asked["x-amazon-apigateway-authorizer"]
    assert authorizer["jwtConfiguration"]["issuer"] == TOKENS["JwtIssuer"]
    assert authorizer["jwtConfiguration"]["audience"] == [TOKENS["JwtAudience"]]
    assert authorizer["identitySource"] == "$request.header.X-Identity-Token"
    for route in routes().values():
        assert resolved(route["security"], {}) is NO_VALUE
        assert resolved(route["security"], TOKENS) == [{"jwt": []}]


def test_every_route_asks_for_a_signature_where_one_is_wanted_and_the_key_is_then_in_the_other_header() -> None:
    given = {"Authorizer": "AWS_IAM"}
    (scheme,) = resolved(BODY["components"]["securitySchemes"], given)
    assert BODY["components"]["securitySchemes"][scheme]["Fn::If"][1]["x-amazon-apigateway-authtype"] == "awsSigv4"
    for route in routes().values():
        assert resolved(route["security"], given) == [{scheme: []}]
    signed = AWSRequest("GET", "https://a.execute-api.eu-central-1.amazonaws.com/v1/files", headers={"api-key": "sk-1"})
    SigV4Auth(Credentials("access", "secret"), "execute-api", "eu-central-1").add_auth(signed)
    headers = {name.lower(): value for name, value in signed.headers.items()}
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert presented_key(Request(method="GET", path="/v1/files", headers=headers)) == "sk-1"
    assert TEMPLATE["Outputs"]["CallersResource"]["Condition"] == "HasIam"


def test_no_route_leads_to_what_is_invoked_directly() -> None:
    assert '"Invoke"' not in json.dumps(made_of_type("AWS::Lambda::Permission"))
    assert "Invoke.Arn" not in json.dumps(BODY)


def test_access_logs_name_no_path_and_no_header() -> None:
    text = STAGE["AccessLogSettings"]["Format"]["Fn::Sub"]
    assert "\n" not in text
    fields_of_log = json.loads(text)
    assert fields_of_log.pop("service") == "${AWS::StackName}"  # the dimension of what is counted from it
    assert set(fields_of_log.values()) <= {
        f"$context.{name}"
        for name in (
            "requestId",
            "identity.sourceIp",
            "httpMethod",
            "routeKey",
            "status",
            "responseLatency",
            "integration.requestId",
            "integrationErrorMessage",
        )
    }


def test_only_the_schedule_may_use_the_role_that_sam_makes_for_it() -> None:
    own = set(of_type("AWS::IAM::Role"))
    (role,) = (each for name, each in made_of_type("AWS::IAM::Role").items() if name not in own)
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": ["scheduler.amazonaws.com"]}
    ((statement,),) = ([*policy["PolicyDocument"]["Statement"]] for policy in role["Policies"])
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", {"Fn::GetAtt": ["Meter", "Arn"]})


def test_each_definition_of_a_route_has_an_event_and_the_other_way_round() -> None:
    defined = {
        (path, "ANY" if method == ANY else method.upper())
        for path, methods in RESOURCES["GatewayApi"]["Properties"]["DefinitionBody"]["paths"].items()
        for method in methods
    }
    events = {
        (each["Properties"]["Path"], each["Properties"]["Method"])
        for function in FUNCTIONS.values()
        for each in function.get("Events", {}).values()
        if each["Type"] == "HttpApi"
    }
    assert defined == events
    assert len(routes()) == len(deployed()["Resources"]["GatewayApi"]["Properties"]["Body"]["paths"])
