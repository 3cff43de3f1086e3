"""What accounts of companies ask of a stack: boundaries, private networks, reserved concurrency, tokens."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    SERVING,
    TEMPLATE,
    holds,
    made_of_type,
    of_type,
    resolved,
    statements,
    variables,
)
from vectorgate import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

BOUNDARY: Final = "arn:aws:iam::123456789012:policy/boundary"
VPC: Final = {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
ALWAYS: Final = {"Fn::Equals": ["", ""]}
TOKENS: Final = {"Authorizer": "JWT", "JwtIssuer": "https://login.example.com/", "JwtAudience": "vectorgate"}


def test_every_role_is_within_the_boundary_of_the_account() -> None:
    for role in made_of_type("AWS::IAM::Role").values():
        assert resolved(role["PermissionsBoundary"], {"PermissionsBoundaryArn": BOUNDARY}) == BOUNDARY
        assert resolved(role["PermissionsBoundary"], {}) is NO_VALUE
    assert re.fullmatch(TEMPLATE["Parameters"]["PermissionsBoundaryArn"]["AllowedPattern"], BOUNDARY)


def test_table_and_logs_have_the_key_of_the_account_and_functions_may_use_it_through_dynamodb_alone() -> None:
    given = {"DataKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
    assert re.fullmatch(TEMPLATE["Parameters"]["DataKeyArn"]["AllowedPattern"], given["DataKeyArn"])
    table = RESOURCES["Table"]["Properties"]["SSESpecification"]
    assert resolved(table, given)["KMSMasterKeyId"] == given["DataKeyArn"]
    assert resolved(table, {}) == {"SSEEnabled": True}
    for group in of_type("AWS::Logs::LogGroup").values():
        assert resolved(group["KmsKeyId"], given) == given["DataKeyArn"]
        assert resolved(group["KmsKeyId"], {}) is NO_VALUE
    for name in SERVING:
        (use,) = (each for each in statements(f"{name}Role") if each["Sid"] == "UseDataKey")
        assert use["Resource"] == {"Ref": "DataKeyArn"}
        assert "dynamodb." in use["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"]


def test_every_function_is_in_the_subnets_and_lambda_alone_may_attach_it() -> None:
    for name, function in FUNCTIONS.items():
        assert resolved(function["VpcConfig"], {}) is NO_VALUE
        assert set(resolved(function["VpcConfig"], VPC)) == {"SubnetIds", "SecurityGroupIds"}
        (attaches,) = (each for each in statements(f"{name}Role") if each["Sid"] == "AttachToVpc")
        assert "ec2:CreateNetworkInterface" in attaches["Action"]
        assert attaches["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}
        assert "ec2:" not in json.dumps(resolved(RESOURCES[f"{name}Role"]["Properties"]["Policies"], {}))


def refused(given: dict[str, str]) -> set[str]:
    """What CloudFormation answers to parameters before anything is deployed."""
    return {
        each["AssertDescription"]
        for rule in TEMPLATE["Rules"].values()
        if holds(rule.get("RuleCondition", ALWAYS), given)
        for each in rule["Assertions"]
        if not holds(each["Assert"], given)
    }


def test_what_belongs_together_is_given_together() -> None:
    for whole in ({}, VPC, TOKENS, {"Authorizer": "AWS_IAM"}):
        assert refused(whole) == set()
    assert refused({"SubnetIds": VPC["SubnetIds"]}) == {"SubnetIds needs SecurityGroupIds."}
    for name, message in (
        ("JwtIssuer", "Authorizer JWT needs JwtIssuer."),
        ("JwtAudience", "Authorizer JWT needs JwtAudience."),
    ):
        assert refused({key: value for key, value in TOKENS.items() if key != name}) == {message}


def test_an_authorizer_is_not_left_out_by_mistake_and_has_no_way_around() -> None:
    for other in ("NONE", "AWS_IAM"):
        assert refused(TOKENS | {"Authorizer": other}) == {"JwtIssuer needs Authorizer JWT."}
    for asked in (TOKENS, {"Authorizer": "AWS_IAM"}):
        (answer,) = refused({**asked, "StreamingUrl": "on"})
        assert answer.endswith("it would be a way around.")


def allowed(parameter: str, values: Iterable[str]) -> list[str]:
    """Those of the values that CloudFormation takes."""
    pattern = re.compile(TEMPLATE["Parameters"][parameter]["AllowedPattern"])
    assert pattern.fullmatch(TEMPLATE["Parameters"][parameter]["Default"])
    return [value for value in values if pattern.fullmatch(value)]


def test_the_header_of_the_token_is_not_the_virtual_keys() -> None:
    others = ["X-Api-Key", "Auth", "Authorization-2"]
    assert allowed("JwtHeader", ["Authorization", "authorization", "API-Key", *others]) == others


def test_audiences_have_no_blanks() -> None:
    assert allowed("JwtAudience", ["a", "a,b", "https://a/,b", "a, b", " a", "a,", ","]) == ["a", "a,b", "https://a/,b"]


WHOLE: Final = {"LoggedSuccesses": 100, "StreamingConcurrency": 1_000, "ApiConcurrency": 10_000}
NOT_WHOLE: Final = ("", "12.5", "0.0", "00", "1e2", "+1", "-1", " 1", "1 ", "\u0661", "100000")


def test_a_number_that_is_no_whole_one_is_refused_where_a_function_or_a_condition_reads_it() -> None:
    for name, most in WHOLE.items():
        numbers = [str(number) for number in range(most + 2)]
        assert allowed(name, [*numbers, *NOT_WHOLE]) == numbers[:-1]
    for text in allowed("LoggedSuccesses", map(str, range(101))):
        given = {"LoggedSuccesses": text}
        assert settings.read(variables("Api", given)).logged_successes_percent == int(text)
    days = [str(number) for number in range(10_001)]
    assert allowed("RecordDays", [*days, *NOT_WHOLE, "090"]) == ["0", *days[settings.LEAST_RECORD_DAYS : -1]]
    environments = [each["Environment"]["Variables"] for each in (TEMPLATE["Globals"]["Function"], *FUNCTIONS.values())]
    read = json.dumps([TEMPLATE["Conditions"], *environments])
    numbers = [name for name, each in TEMPLATE["Parameters"].items() if each["Type"] == "Number"]
    assert [name for name in numbers if f'{{"Ref": "{name}"}}' in read] == []


def test_concurrency_and_memory_are_chosen_and_nothing_is_reserved_by_default() -> None:
    reserved = FUNCTIONS["Api"]["ReservedConcurrentExecutions"]
    assert resolved(reserved, {}) is NO_VALUE
    assert resolved(reserved, {"ApiConcurrency": "50"}) == "50"
    assert {name: resolved(each["MemorySize"], {"MemorySize": "300"}) for name, each in FUNCTIONS.items()} == {
        **dict.fromkeys(FUNCTIONS, "300"),
        "Admin": 1024,
        "Meter": 512,
        "Ingest": 1024,
    }
    assert resolved(FUNCTIONS["Api"]["MemorySize"], {}) == "256"


def test_sam_keeps_what_globals_say_under_a_condition() -> None:
    made = made_of_type("AWS::Lambda::Function")["Api"]
    assert made["VpcConfig"] == FUNCTIONS["Api"]["VpcConfig"]
    assert made["MemorySize"] == {"Ref": "MemorySize"}
    assert made["LoggingConfig"]["LogFormat"] == "JSON"
