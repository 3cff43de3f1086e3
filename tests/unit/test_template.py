"""template.yaml says what the code takes for granted, and no role may do more than its function needs."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse

from vectorgate import settings
from vectorgate.admin.desk import ROUTES
from vectorgate.gateway import DEADLINE_SECONDS
from vectorgate.keys.model import VirtualKey
from vectorgate.ledger.model import Entry
from vectorgate.observability import NAMESPACE
from vectorgate.stores.dynamodb import TABLE_DEFINITION, schema
from vectorgate.tenancy.model import Ownership
from vectorgate.upstream.credentials import MalformedSecret, read_credential

ROOT: Final = Path(__file__).parents[2]
TEMPLATE: Final[dict[str, Any]] = yaml_parse((ROOT / "template.yaml").read_text())
RESOURCES: Final[dict[str, dict[str, Any]]] = TEMPLATE["Resources"]
FUNCTIONS: Final = {
    name: {**TEMPLATE["Globals"]["Function"], **resource["Properties"]}
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
# Rows and index partitions by the function that reads or writes them; those of issues that are not deployed yet.
GRANTED: Final = {"KEY", "OP", "OWN", "USE", "DAY", "TEN", "IDX", "METER"}
NOT_YET: Final = {"OPEN", "IDEM", "BUD"}
READS: Final = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
WRITES: Final = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
MAPPING: Final[dict[str, Any]] = FUNCTIONS["UsageLogger"]["Events"]["Stream"]["Properties"]


def of_type(name: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type."""
    return {key: value["Properties"] for key, value in RESOURCES.items() if value["Type"] == name}


def statements(role: str) -> list[dict[str, Any]]:
    """What a role allows."""
    (policy,) = RESOURCES[role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def listed(value: Any) -> list[Any]:
    """IAM takes one or many."""
    return value if isinstance(value, list) else [value]


def may(role: str, action: str, partition: str) -> bool:
    """Whether a role allows an action on an item, or an index, of that partition key."""
    return any(
        action in listed(each["Action"])
        and any(
            fnmatchcase(partition, pattern)
            for pattern in listed(each.get("Condition", {}).get("ForAllValues:StringLike", {})["dynamodb:LeadingKeys"])
        )
        for each in statements(role)
        if listed(each["Action"])[0].startswith("dynamodb:") and "Condition" in each
    )


def test_the_table_is_the_one_that_the_adapter_expects() -> None:
    table = RESOURCES["Table"]["Properties"]
    expected = {**TABLE_DEFINITION, "StreamSpecification": dict(TABLE_DEFINITION["StreamSpecification"])}
    expected["StreamSpecification"].pop("StreamEnabled")  # CreateTable's word; CloudFormation has none
    for name, value in expected.items():
        assert in_order(table[name]) == in_order(value), name


def in_order(value: Any) -> Any:
    """Lists of named things, by name."""
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


def test_the_table_outlives_mistakes() -> None:
    table = RESOURCES["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"]
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert properties["SSESpecification"]["SSEEnabled"]


def test_time_to_live_is_not_a_field_that_means_something_else() -> None:
    name = RESOURCES["Table"]["Properties"]["TimeToLiveSpecification"]["AttributeName"]
    assert name not in {field.name for shape in (Entry, VirtualKey, Ownership) for field in fields(shape)}


def test_every_parameter_has_a_default() -> None:
    assert all("Default" in parameter for parameter in TEMPLATE["Parameters"].values())


def test_time_limits_nest() -> None:
    limits = [each["TimeoutInMillis"] / 1000 for each in of_type("AWS::ApiGatewayV2::Integration").values()]
    assert DEADLINE_SECONDS < FUNCTIONS["Api"]["Timeout"] <= min(limits) <= 30


def test_every_function_is_built_like_the_others_and_has_a_role_and_a_log_of_its_own() -> None:
    for name, function in FUNCTIONS.items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
        assert function["Layers"] == [{"Ref": "DepsLayer"}, {"Ref": "CoreLayer"}]
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    groups = of_type("AWS::Logs::LogGroup").values()
    assert all(group["RetentionInDays"] for group in groups)


def test_every_part_that_is_built_is_known_to_the_makefiles() -> None:
    built = [name for name, resource in RESOURCES.items() if resource.get("Metadata", {}).get("BuildMethod")]
    assert set(FUNCTIONS) | set(of_type("AWS::Serverless::LayerVersion")) == set(built)
    assert all(RESOURCES[name]["Metadata"]["BuildMethod"] == "makefile" for name in built)
    makefile = (ROOT / "Makefile").read_text()
    for name in built:
        properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[name]["Properties"]}
        folder = properties.get("ContentUri") or properties["CodeUri"]
        assert f"build-{name}" in (ROOT / folder / "Makefile").read_text()
        assert f"$(call part,{folder},{name}," in makefile
    assert set(re.findall(r"^PARTS := (.*)$", makefile, re.MULTILINE)[0].split()) == set(built)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_starts_with_the_environment_that_it_gets(name: str) -> None:
    variables = {
        **TEMPLATE["Globals"]["Function"]["Environment"]["Variables"],
        **RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {}),
    }
    assert "VECTORGATE_PLAIN_HTTP" not in variables
    assert "VECTORGATE_AWS_ENDPOINT" not in variables
    read = settings.read({key: value if isinstance(value, str) else "x" for key, value in variables.items()})
    assert bool(read.secrets) is (name == "Api")
    assert (read.master_key_secret is not None) is (name == "Admin")


def test_the_secret_that_the_stack_makes_opens_nothing() -> None:
    with pytest.raises(MalformedSecret):
        read_credential(RESOURCES["OpenAISecret"]["Properties"]["SecretString"], plain_http=False)


def test_the_master_key_is_long_and_fits_into_a_header() -> None:
    generated = RESOURCES["MasterKey"]["Properties"]["GenerateSecretString"]
    assert generated["PasswordLength"] >= 43  # 256 bits of 62 characters
    assert generated["ExcludePunctuation"]


def test_no_role_has_a_wildcard_but_for_x_ray() -> None:
    for role in of_type("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in RESOURCES[role]["Properties"]
        for statement in statements(role):
            actions = listed(statement["Action"])
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in actions)
            if "*" in listed(statement["Resource"]):
                assert actions == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def test_every_right_on_items_names_their_kind() -> None:
    for role in of_type("AWS::IAM::Role"):
        for statement in statements(role):
            if (READS | WRITES | {"dynamodb:ConditionCheckItem"}) & set(listed(statement["Action"])):
                assert statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]


def test_only_the_administrator_writes_keys_and_no_reader_of_events_does() -> None:
    key = schema.virtual_key_key("0" * 64)["PK"]["S"]  # type: ignore[arg-type]
    assert may("ApiRole", "dynamodb:GetItem", key)
    assert not any(may("ApiRole", action, key) for action in WRITES)
    assert not any(may("UsageLoggerRole", action, key) for action in WRITES | READS)
    assert may("AdminRole", "dynamodb:PutItem", key)
    assert may("AdminRole", "dynamodb:DeleteItem", key)


def test_nobody_can_delete_or_forge_what_was_recorded() -> None:
    operation, rollup = "OP#019ab7d2", "USE#key#1#2026-11"
    assert not any(may(role, "dynamodb:DeleteItem", operation) for role in of_type("AWS::IAM::Role"))
    assert not any(may("AdminRole", action, operation) for action in WRITES)
    assert not any(may("ApiRole", action, rollup) for action in WRITES)
    assert may("ApiRole", "dynamodb:PutItem", operation)
    assert may("UsageLoggerRole", "dynamodb:PutItem", operation)
    assert may("UsageLoggerRole", "dynamodb:UpdateItem", rollup)


def test_each_secret_has_one_reader() -> None:
    readers = {
        role: [each["Resource"] for each in statements(role) if each["Action"] == "secretsmanager:GetSecretValue"]
        for role in of_type("AWS::IAM::Role")
    }
    assert readers["AdminRole"] == [{"Fn::GetAtt": ["MasterKey", "Id"]}]
    assert "MasterKey" not in json.dumps(readers["ApiRole"])
    assert not readers["UsageLoggerRole"]


def test_every_kind_of_row_is_granted_on_purpose() -> None:
    calls = (
        node
        for path in (ROOT / "layers/core/python/vectorgate/stores/dynamodb").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "joined"
    )
    kinds = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert kinds <= GRANTED | NOT_YET
    patterns = json.dumps([statements(role) for role in of_type("AWS::IAM::Role")])
    assert all(f'"{kind}#*"' in patterns for kind in GRANTED)
    assert not any(f'"{kind}#' in patterns for kind in NOT_YET)


def test_the_administrators_routes_and_no_others_go_to_the_admin_function() -> None:
    routes = {each["RouteKey"]: each["Target"]["Fn::Sub"] for each in of_type("AWS::ApiGatewayV2::Route").values()}
    assert routes.pop("$default") == "integrations/${ApiIntegration}"
    assert set(routes.values()) == {"integrations/${AdminIntegration}"}
    for method, path in ROUTES:
        assert any(leads(key, method, path) for key in routes), path
    for key in routes:
        assert any(leads(key, method, path) for method, path in ROUTES), key
        assert RESOURCES["Stage"]["Properties"]["RouteSettings"][key]["ThrottlingRateLimit"] <= 10


def leads(route_key: str, method: str, path: str) -> bool:
    """Whether API Gateway takes a request to a route."""
    verb, _, template = route_key.partition(" ")
    return verb in ("ANY", method) and fnmatchcase(path, template.replace("{proxy+}", "?*"))


def test_access_logs_name_no_path_and_no_header() -> None:
    text = RESOURCES["Stage"]["Properties"]["AccessLogSettings"]["Format"]
    assert "\n" not in text
    assert set(json.loads(text).values()) <= {
        f"$context.{name}"
        for name in (
            "requestId",
            "requestTimeEpoch",
            "identity.sourceIp",
            "routeKey",
            "httpMethod",
            "status",
            "responseLength",
            "responseLatency",
            "integrationLatency",
            "integrationStatus",
        )
    }


def test_a_batch_of_the_stream_is_retried_within_bounds_and_never_dropped_silently() -> None:
    assert MAPPING["BisectBatchOnFunctionError"]
    assert MAPPING["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < MAPPING["MaximumRetryAttempts"] <= 100
    assert 60 <= MAPPING["MaximumRecordAgeInSeconds"] < 24 * 3600  # the stream's own retention
    assert MAPPING["MaximumBatchingWindowInSeconds"] <= 1
    queue = RESOURCES["UsageLoggerFailures"]["Properties"]
    assert MAPPING["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["UsageLoggerFailures", "Arn"]}
    assert queue["SqsManagedSseEnabled"]
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_streams_filter_lets_answered_rows_through_and_nothing_else() -> None:
    (wanted,) = (json.loads(each["Pattern"]) for each in MAPPING["FilterCriteria"]["Filters"])
    records = json.loads((ROOT / "events/usage_logger_stream.json").read_text())["Records"]
    passed = [record for record in records if matches(record, wanted)]
    assert [record["dynamodb"]["NewImage"]["state"] for record in passed] == [{"S": "answered"}]
    entry = schema.entry_of_image(passed[0]["dynamodb"]["NewImage"])
    assert entry is not None
    assert entry.state == "answered"


def matches(record: Any, wanted: Any) -> bool:
    """Lambda's event filtering, as far as the template uses it."""
    if isinstance(wanted, dict):
        return isinstance(record, dict) and all(matches(record.get(key), part) for key, part in wanted.items())
    return any(
        str(record).startswith(each["prefix"]) if isinstance(each, dict) else record == each
        for each in wanted
        if record is not None
    )


def test_what_must_not_happen_has_an_alarm() -> None:
    alarms = {(each["Namespace"], each["MetricName"]) for each in of_type("AWS::CloudWatch::Alarm").values()}
    assert alarms >= {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/Lambda", "IteratorAge"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/ApiGateway", "5xx"),
        (NAMESPACE, "Unrecorded"),
        (NAMESPACE, "Crashes"),
    }
    counted = (ROOT / "layers/core/python/vectorgate/observability.py").read_text()
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["TreatMissingData"] == "notBreaching"
        if alarm["Namespace"] == NAMESPACE:
            assert f'self.count("{alarm["MetricName"]}")' in counted
            assert alarm["Dimensions"] == [{"Name": "service", "Value": NAMESPACE}]
