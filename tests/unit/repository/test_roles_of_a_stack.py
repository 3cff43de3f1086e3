"""The roles of the functions in `template.yaml`: each may do what its function asks, and nothing besides."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields
from typing import Any, Final

from tests.helpers.template import (
    FUNCTIONS,
    RESOURCES,
    ROOT,
    listed,
    may,
    of_type,
    secrets_of,
    statements,
    variables,
)
from tests.unit.repository.test_template import AZURE, MASTER_KEY, SEARCH, SEARCHES
from vectorgate import settings
from vectorgate.budgets.model import Account, BudgetScope, Limit, Subject
from vectorgate.ingest.aws import EVENT_SOURCE
from vectorgate.persistence.dynamodb import schema
from vectorgate.persistence.dynamodb.budgets import account_key

# Kinds of rows and of index partitions: each is granted to a role, and there are no others.
# fmt: off
GRANTED: Final = frozenset({
    "KEY", "OP", "OWN", "USE", "DAY", "TEN", "IDX", "METER", "IDEM", "BUD", "OPEN", "ING", "AUDIT", "RATE", "ALERT",
})
# fmt: on
READS: Final = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
WRITES: Final = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}


def test_no_role_has_a_wildcard_but_for_x_ray() -> None:
    for role in of_type("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in RESOURCES[role]["Properties"]
        for statement in statements(role):
            actions = listed(statement["Action"])
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in actions)
            if "*" in listed(statement["Resource"]) and statement["Sid"] != "LookAtAlarms":  # CodeDeploy's own look
                assert actions == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"] or (
                    statement["Sid"] == "AttachToVpc"  # Lambda's own calls, not the function's
                    and statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}
                ), role


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


def test_no_role_deletes_operations_and_only_settlement_adds_to_rollups() -> None:
    operation, rollup = "OP#019ab7d2", "USE#key#1#2026-11"
    assert not any(may(role, "dynamodb:DeleteItem", operation) for role in of_type("AWS::IAM::Role"))
    assert not any(may("AdminRole", action, operation) for action in WRITES - {"dynamodb:PutItem"})  # corrections
    adds = {role for role in of_type("AWS::IAM::Role") if may(role, "dynamodb:UpdateItem", rollup)}
    assert adds == {"UsageLoggerRole", "MeterRole"}
    others = WRITES - {"dynamodb:UpdateItem"}
    assert not any(may(role, action, rollup) for role in of_type("AWS::IAM::Role") for action in others)
    assert may("ApiRole", "dynamodb:PutItem", operation)
    assert may("UsageLoggerRole", "dynamodb:PutItem", operation)


def test_the_audit_is_written_and_read_by_the_administrators_function_and_changed_by_none() -> None:
    roles = of_type("AWS::IAM::Role")
    may_do = {(role, action) for role in roles for action in WRITES | READS if may(role, action, "AUDIT#2026-11")}
    assert may_do == {("AdminRole", "dynamodb:PutItem"), ("AdminRole", "dynamodb:Query")}


def test_no_function_can_remove_the_row_of_an_owner_so_that_a_deletion_always_finds_it() -> None:
    roles = of_type("AWS::IAM::Role")
    assert not [role for role in roles if may(role, "dynamodb:DeleteItem", "OWN#openai#vector_store#vs_1")]


def test_the_master_key_and_the_providers_keys_have_no_reader_in_common() -> None:
    everything = {"AzureSecretArn": AZURE, "AzureAISearchSecretArn": SEARCH}
    for role in of_type("AWS::IAM::Role"):
        expected = {
            "AdminRole": {json.dumps(MASTER_KEY)},
            "UsageLoggerRole": set(),
            "ExporterRole": set(),
            "ReleaseCheckRole": set(),
            "ReleaseRole": set(),
        }.get(role, {json.dumps({"Fn::GetAtt": ["OpenAISecret", "Id"]}), AZURE})
        search = {SEARCH} if role.removesuffix("Role") in SEARCHES else set()
        assert set(secrets_of(role, everything)) == expected | search


def test_who_invokes_has_the_apis_rights_but_those_of_azure_ai_search_and_no_others() -> None:
    own = {"Log", "ReadIndexes", "ReadSearchSecret"}
    api, invoke = ([each for each in statements(role) if each["Sid"] not in own] for role in ("ApiRole", "InvokeRole"))
    assert api == invoke
    assert FUNCTIONS["Invoke"]["Timeout"] == FUNCTIONS["Api"]["Timeout"]


def test_the_stream_function_has_the_apis_rights_and_no_others() -> None:
    api, stream = ([each for each in statements(role) if each["Sid"] != "Log"] for role in ("ApiRole", "StreamRole"))
    assert api == stream


def test_who_ingests_has_the_apis_rights_and_those_of_its_own_bucket_bus_and_queues() -> None:
    api = [each["Sid"] for each in statements("ApiRole")]
    own = {each["Sid"]: each for each in statements("IngestRole") if each["Sid"] not in {*api, "ReadSenders"}}
    resources = {name: resource for each in own.values() for name, resource in attributes(each["Resource"])}
    assert set(resources) == {"IngestBucket", "IngestBus", "IngestQueue", "IngestFailures", "Table"}
    assert {action for each in own.values() for action in listed(each["Action"])} & WRITES <= {
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
    assert own["TellResults"]["Condition"] == {
        "ForAllValues:StringEquals": {"events:source": EVENT_SOURCE},
        "Null": {"events:source": "false"},
    }
    assert not any(may(role, "dynamodb:GetItem", "ING#a") for role in of_type("AWS::IAM::Role") if role != "IngestRole")


def attributes(value: Any) -> list[tuple[str, Any]]:
    """The resources whose attributes a value is made of."""
    parts = [part.get("Fn::GetAtt") or re.findall(r"\w+", part["Fn::Sub"]) for part in listed(value)]
    return [(part[0], part) for part in parts]


def test_only_the_administrator_sets_limits() -> None:
    account = account_key(Account(Subject(BudgetScope.KEY, "0" * 64), "ever"))["PK"]["S"]
    replaces = {role for role in of_type("AWS::IAM::Role") if may(role, "dynamodb:PutItem", account)}
    assert replaces == {"AdminRole"}
    assert not any(may(role, "dynamodb:DeleteItem", account) for role in of_type("AWS::IAM::Role"))
    movers = [
        (role, each)
        for role in of_type("AWS::IAM::Role")
        for each in statements(role)
        if "dynamodb:UpdateItem" in listed(each["Action"]) and "BUD#*" in json.dumps(each["Condition"])
    ]
    assert {role for role, _ in movers} == {
        "ApiRole",
        "StreamRole",
        "InvokeRole",
        "IngestRole",
        "UsageLoggerRole",
        "MeterRole",
        "AdminRole",
    }
    for _, statement in movers:
        denied = statement["Condition"]["ForAllValues:StringNotLike"]["dynamodb:Attributes"]
        assert sorted(denied) == sorted(field.name for field in fields(Limit))


def test_the_meter_reads_and_settles_nothing_that_is_not_its_own() -> None:
    assert not any(may("MeterRole", action, "KEY#1") for action in (READS | WRITES) - {"dynamodb:GetItem"})  # limits
    assert [action for action in sorted(READS | WRITES) if may("MeterRole", action, "USE#key#1#2026-11")] == [
        "dynamodb:Query",  # with an admin key, to compare OpenAI's bill
        "dynamodb:UpdateItem",
    ]
    assert not any(may("MeterRole", "dynamodb:DeleteItem", row) for row in ("OP#1", "OWN#1", "IDEM#1", "BUD#1"))


def test_the_admin_key_of_openai_is_the_meters_alone() -> None:
    given = {"OpenAIAdminSecretArn": SEARCH}
    assert {name for name in FUNCTIONS if settings.read(variables(name, given)).bill_secret == SEARCH} == {"Meter"}
    assert {role for role in of_type("AWS::IAM::Role") if SEARCH in secrets_of(role, given)} == {"MeterRole"}


def test_every_kind_of_row_is_granted_on_purpose() -> None:
    calls = (
        node
        for path in (ROOT / "layers/core/python/vectorgate/persistence/dynamodb").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "joined"
    )
    kinds = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert kinds == GRANTED
    patterns = json.dumps([statements(role) for role in of_type("AWS::IAM::Role")])
    assert all(f'"{kind}#*"' in patterns for kind in GRANTED)
