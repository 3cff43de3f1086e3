"""template.yaml as the emulated AWS reads it: SAM's transformation, and then what the emulator does not know.

- It reads no OpenAPI definition of an HTTP API: here, each path becomes a route with an integration.
- It has no CodeDeploy: an alias moves to its new version at once, unless the emulator has ours (emulated_releases.py),
  which it gives what an alias's UpdatePolicy names before the alias.
- It knows no alarms on sums; a batch of messages is a right of its own there; and it takes a parameter's number for a
  text, so that the concurrency of ingestion and exports is a literal.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tests.helpers.sam import nested_in, translated

ANY: Final = "x-amazon-apigateway-any-method"
NO_VALUE: Final = {"Ref": "AWS::NoValue"}


def emulated(template: dict[str, Any], *, has_code_deploy: bool = False) -> dict[str, Any]:
    """Return what the emulator deploys of a template of SAM's, whose code is packaged."""
    _leave_out(template)
    made = translated(template)
    if has_code_deploy:
        _as_code_deploy_needs(made["Resources"])
    else:
        _without_code_deploy(made["Resources"])
    for name, resource in list(made["Resources"].items()):
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            made["Resources"] |= _spelled_out(name, resource)
            _stage_after_routes(made["Resources"], name)
    return made


def _leave_out(template: dict[str, Any]) -> None:
    """Change what the emulator does not know, as the module says."""
    resources, defaults = template["Resources"], template["Parameters"]
    for alarms in (resources, *(each["TemplateURL"]["Resources"] for each in nested_in(template))):
        for alarm in [key for key, each in alarms.items() if "Metrics" in each.get("Properties", {})]:
            del alarms[alarm]
    mapping = resources["Ingest"]["Properties"]["Events"]["Messages"]["Properties"]
    mapping["ScalingConfig"]["MaximumConcurrency"] = defaults["IngestConcurrency"]["Default"]
    for each in resources.values():
        if "ScalingConfig" in each.get("Properties", {}):
            each["Properties"]["ScalingConfig"]["MaximumConcurrency"] = defaults["ExportConcurrency"]["Default"]
    for role in ("IngestRole", "ExporterRole"):
        for policy in resources[role]["Properties"]["Policies"]:
            for each in policy["PolicyDocument"]["Statement"]:
                statement = each["Fn::If"][1] if "Fn::If" in each else each
                if statement.get("Action") == "sqs:SendMessage":
                    statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]


def _without_code_deploy(resources: dict[str, Any]) -> None:
    for name, each in list(resources.items()):
        each.pop("UpdatePolicy", None)
        if each["Type"].startswith("AWS::CodeDeploy::"):
            del resources[name]
    for policy in resources["ReleaseCheckRole"]["Properties"]["Policies"]:
        allowed = policy["PolicyDocument"]["Statement"]
        policy["PolicyDocument"]["Statement"] = [each for each in allowed if each.get("Sid") != "ReportToCodeDeploy"]


def _as_code_deploy_needs(resources: dict[str, Any]) -> None:
    """Have an alias updated after what its policy names, as CloudFormation does.

    And a deployment's configuration be the parameter's, of which SAM's transformation knows only the default here.
    """
    for each in resources.values():
        policy = each.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
        if policy:
            each["DependsOn"] = [named["Ref"] for named in policy.values()]
        if each["Type"] == "AWS::CodeDeploy::DeploymentGroup":
            _, names = each["Properties"]["DeploymentConfigName"]["Fn::Sub"]
            names["ConfigName"] = {"Ref": "ReleaseType"}


def _spelled_out(name: str, api: dict[str, Any]) -> dict[str, Any]:
    """Return an HTTP API with the resources that its OpenAPI definition stands for."""
    body = api["Properties"].pop("Body")
    (server,) = body["servers"]
    api["Properties"] |= {
        "Name": body["info"]["title"],
        "ProtocolType": "HTTP",
        "DisableExecuteApiEndpoint": server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"],
    }
    made: dict[str, Any] = {name: api}
    for scheme, given in body["components"]["securitySchemes"].items():
        made |= _authorizer(name, scheme, given)
    for number, (path, methods) in enumerate(body["paths"].items()):
        for method, route in methods.items():
            made |= _route(name, f"{name}Route{number}{re.sub(r'[^a-z]', '', method)}", path, method, route)
    return made


def _authorizer(api: str, scheme: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return an authorizer for JSON web tokens, made on its condition; IAM needs no resource."""
    condition, found, _ = given["Fn::If"]
    if "x-amazon-apigateway-authorizer" not in found:
        return {}
    spoken = found["x-amazon-apigateway-authorizer"]
    tokens = {key.capitalize(): value for key, value in spoken["jwtConfiguration"].items()}
    properties = {"ApiId": {"Ref": api}, "Name": scheme, "AuthorizerType": "JWT", "JwtConfiguration": tokens}
    properties["IdentitySource"] = [spoken["identitySource"]]
    return {
        f"{api}{scheme}": {"Type": "AWS::ApiGatewayV2::Authorizer", "Condition": condition, "Properties": properties}
    }


def _route(api: str, name: str, path: str, method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a route with its integration."""
    integration = given["x-amazon-apigateway-integration"]
    function = integration["uri"]["Fn::Sub"].partition("/functions/")[2].removesuffix("/invocations")
    verb = "ANY" if method == ANY else method.upper()
    security = given.get("security", NO_VALUE)
    properties = {
        "ApiId": {"Ref": api},
        "RouteKey": "$default" if given.get("isDefaultRoute") else f"{verb} {path}",
        "AuthorizationType": _authorization(security, {"jwt": "JWT", "AWS_IAM": "AWS_IAM"}, "NONE"),
        "AuthorizerId": _authorization(security, {"jwt": {"Ref": f"{api}jwt"}, "AWS_IAM": NO_VALUE}, NO_VALUE),
        "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"},
    }
    target = {
        "ApiId": {"Ref": api},
        "IntegrationType": "AWS_PROXY",
        "PayloadFormatVersion": integration["payloadFormatVersion"],
        "TimeoutInMillis": integration["timeoutInMillis"],
        "IntegrationUri": {"Fn::Sub": function},
    }
    return {
        f"{name}Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": target},
        name: {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties},
    }


def _authorization(security: Any, by_scheme: dict[str, Any], none: Any) -> Any:
    """Return a value by the scheme that a route asks for, on the conditions on which it does."""
    if isinstance(security, list):
        ((scheme, _),) = security[0].items()
        return by_scheme[scheme]
    if "Fn::If" not in security:
        return none
    condition, met, unmet = security["Fn::If"]
    return {"Fn::If": [condition, *(_authorization(each, by_scheme, none) for each in (met, unmet))]}


def _stage_after_routes(resources: dict[str, Any], api: str) -> None:
    """Have the stage made after the routes, which its settings name."""
    routes = [name for name, each in resources.items() if each["Type"] == "AWS::ApiGatewayV2::Route"]
    for each in resources.values():
        if each["Type"] == "AWS::ApiGatewayV2::Stage" and each["Properties"]["ApiId"] == {"Ref": api}:
            each["DependsOn"] = routes
