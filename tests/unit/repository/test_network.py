"""network.yaml, the functions' private network: it reaches what their roles may call, the providers, and no more."""

from __future__ import annotations

from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.helpers.template import FUNCTIONS, ROOT, TEMPLATE, listed, statements

NETWORK: Final[dict[str, Any]] = yaml_parse((ROOT / "network.yaml").read_text())
# What Lambda, DynamoDB and Secrets Manager call themselves, outside the function's network.
FOR_THEM: Final = {"ec2", "kms", "logs", "xray"}
HTTPS: Final = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type."""
    return {name: each["Properties"] for name, each in NETWORK["Resources"].items() if each["Type"] == f"AWS::{kind}"}


def test_there_is_an_endpoint_for_each_service_that_a_function_may_call() -> None:
    actions = [action for name in FUNCTIONS for each in statements(f"{name}Role") for action in listed(each["Action"])]
    called = {action.partition(":")[0] for action in actions} - FOR_THEM
    endpoints = of_type("EC2::VPCEndpoint").values()
    assert {each["ServiceName"]["Fn::Sub"].rpartition(".")[2] for each in endpoints} == called
    for each in endpoints:
        (statement,) = each["PolicyDocument"]["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
        assert each.get("PrivateDnsEnabled", each["VpcEndpointType"] == "Gateway")


def test_what_is_no_endpoint_passes_a_firewall_that_knows_the_providers_alone() -> None:
    policy = NETWORK["Resources"]["Policy"]["Properties"]["FirewallPolicy"]
    assert policy["StatefulEngineOptions"] == {"RuleOrder": "STRICT_ORDER"}
    assert "aws:drop_established" in policy["StatefulDefaultActions"]
    (group,) = of_type("NetworkFirewall::RuleGroup").values()
    rules = group["RuleGroup"]["RulesSource"]["RulesSourceList"]
    assert (rules["GeneratedRulesType"], rules["Targets"]) == ("ALLOWLIST", {"Ref": "ProviderDomains"})
    routes = of_type("EC2::Route")
    subnets = {name: each for name, each in of_type("EC2::Subnet").items() if name.startswith("Functions")}
    for zone in ("A", "B"):
        inspected = {
            "Fn::Select": [
                1,
                {"Fn::Split": [":", {"Fn::Select": [0, {"Fn::GetAtt": [f"Firewall{zone}", "EndpointIds"]}]}]},
            ]
        }
        out, back = routes[f"FunctionRoute{zone}"], routes[f"ReturnRoute{zone}"]
        assert out["VpcEndpointId"] == back["VpcEndpointId"] == inspected
        assert back["DestinationCidrBlock"] == subnets[f"Functions{zone}"]["CidrBlock"]
        assert routes[f"InspectionRoute{zone}"]["NatGatewayId"] == {"Ref": f"Nat{zone}"}
    assert len(routes) == 8  # and no other way out


def test_functions_connect_by_https_and_endpoints_answer_functions_alone() -> None:
    groups = of_type("EC2::SecurityGroup")
    (out,) = groups["FunctionGroup"]["SecurityGroupEgress"]
    assert out.items() >= HTTPS.items()
    assert "SecurityGroupIngress" not in groups["FunctionGroup"]
    (asked,) = groups["EndpointGroup"]["SecurityGroupIngress"]
    assert asked.items() >= {**HTTPS, "SourceSecurityGroupId": {"Ref": "FunctionGroup"}}.items()


def test_its_outputs_are_the_stacks_parameters_and_its_names_are_its_own() -> None:
    assert NETWORK["Outputs"].keys() <= TEMPLATE["Parameters"].keys()
    for each in NETWORK["Resources"].values():
        names = [
            value for key, value in each.get("Properties", {}).items() if key.endswith("Name") and key != "ServiceName"
        ]
        assert all("${AWS::StackName}" in name["Fn::Sub"] for name in names)
