"""template.yaml says what the code takes for granted, and no role may do more than its function needs."""

from __future__ import annotations

import ast
import json
import os
import re
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.session import get_session

from tests.helpers.alarms import alarms, metrics_with_alarm, nested_on_condition, watched
from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    ROOT,
    SERVING,
    TEMPLATE,
    holds,
    listed,
    made_of_type,
    may,
    of_type,
    resolved,
    secrets_of,
    statements,
    variables,
)
from vectorgate import settings
from vectorgate.api.cors import CrossOrigin
from vectorgate.api.operations import MIB, UPLOAD_BODY
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import Account, BudgetScope, Limit, Subject
from vectorgate.entrypoints.runtime.runtime_api import FINISH_SECONDS
from vectorgate.gateway.pipeline import DEADLINE_SECONDS
from vectorgate.idempotency.record import EXPLICIT_TTL_SECONDS
from vectorgate.ids import ProviderName
from vectorgate.ingest.aws import EVENT_SOURCE
from vectorgate.ingest.ingestor import START_WITHIN_SECONDS, UPLOAD_SECONDS
from vectorgate.ingest.model import DetailType
from vectorgate.ingest.sqs_handler import MAX_AGE_S
from vectorgate.ledger.entry import LedgerEntry
from vectorgate.metering.model import DAY_S
from vectorgate.metering.sampler import Sampler
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.persistence.dynamodb import TABLE_DEFINITION, schema
from vectorgate.persistence.dynamodb.budgets import account_key
from vectorgate.providers.credentials import MalformedSecret, read_credential
from vectorgate.telemetry import NAMESPACE
from vectorgate.tenancy.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

# Kinds of rows and of index partitions: each is granted to a role, and there are no others.
# fmt: off
GRANTED: Final = frozenset({
    "KEY", "OP", "OWN", "USE", "DAY", "TEN", "IDX", "METER", "IDEM", "BUD", "OPEN", "ING", "AUDIT", "RATE", "ALERT",
})
# fmt: on
READS: Final = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
WRITES: Final = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
FORWARD: Final = {"Api", "Stream", "Invoke", "Meter", "Ingest"}  # the functions that speak with providers
SEARCHES: Final = {"Api", "Stream"}  # those that have the API of Azure AI Search
MASTER_KEY: Final = {"Fn::GetAtt": ["MasterKey", "Id"]}
AZURE, SEARCH = (f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}" for name in ("azure", "search"))
DEPLOYMENTS: Final = {
    "by default": ({}, ["openai"]),
    "with Azure": ({"AzureSecretArn": AZURE}, ["openai", "azure"]),
    "with search": ({"AzureAISearchSecretArn": SEARCH}, ["openai", "azure_ai"]),
    "Azure first": (
        {"AzureSecretArn": AZURE, "OpenAISecretArn": SEARCH, "DefaultProvider": "azure"},
        ["azure", "openai"],
    ),
    "Azure alone": ({"AzureSecretArn": AZURE, "DefaultProvider": "azure"}, ["azure"]),
}
# What is counted and has no alarm, and why.
UNWATCHED: Final = {
    "Settled": "no failure",
    "Reconciled": "no failure: outcomes of the sweep",
    "SoftBudgetsExceeded": "no failure: the header says so to the client",
    "OpenOperations": "no failure: on the dashboard",
    "SpentNanoDollars": "no failure: on the dashboard",
    "SettleFailures": "tried again; what is given up fills the usage logger's dead-letter queue",
    "IngestUnsent": "the message comes again, five times, and then fills the dead-letter queue",
    "IngestPutOff": "no failure before it is overdue",
    "IngestSetAside": "fills the dead-letter queue",
}
MAPPING: Final[dict[str, Any]] = FUNCTIONS["UsageLogger"]["Events"]["Stream"]["Properties"]


def test_the_table_is_the_one_that_the_adapter_expects() -> None:
    table = RESOURCES["Table"]["Properties"]
    expected = {**TABLE_DEFINITION, "StreamSpecification": dict(TABLE_DEFINITION["StreamSpecification"])}
    expected["StreamSpecification"].pop("StreamEnabled")  # CreateTable's word; CloudFormation has none
    for name, value in expected.items():
        assert in_order(resolved(table[name], {})) == in_order(value), name


def test_an_update_may_keep_the_index_that_another_one_replaces() -> None:
    indexes = RESOURCES["Table"]["Properties"]["GlobalSecondaryIndexes"]
    kept = {each["IndexName"] for each in resolved(indexes, {"DayIndex": "on"})}
    assert kept == {each["IndexName"] for each in resolved(indexes, {})} | {"by_day"}


def in_order(value: Any) -> Any:
    """Lists of named things, by name."""
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


def test_the_table_outlives_mistakes() -> None:
    table = RESOURCES["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"]
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    for given in ({}, {"DataKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1"}):
        assert resolved(properties["SSESpecification"], given)["SSEEnabled"]


def test_time_to_live_is_not_a_field_that_means_something_else() -> None:
    name = RESOURCES["Table"]["Properties"]["TimeToLiveSpecification"]["AttributeName"]
    assert name not in {field.name for shape in (LedgerEntry, VirtualKey, Ownership) for field in fields(shape)}


def test_every_parameter_has_a_default() -> None:
    assert all("Default" in parameter for parameter in TEMPLATE["Parameters"].values())


def test_every_function_is_built_like_the_others_and_has_a_role_and_a_log_of_its_own() -> None:
    for name, function in FUNCTIONS.items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert function["LoggingConfig"] == {
            "LogFormat": "JSON",
            "SystemLogLevel": {"Ref": "SystemLogLevel"},
            "LogGroup": {"Ref": f"{name}Logs"},
        }
        assert function["Layers"] == [{"Ref": "DepsLayer"}, {"Ref": "CoreLayer"}]
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    groups = of_type("AWS::Logs::LogGroup").values()
    assert all(group["RetentionInDays"] for group in groups)


def test_every_part_that_is_built_is_known_to_the_makefiles() -> None:
    built = [name for name, resource in RESOURCES.items() if resource.get("Metadata", {}).get("BuildMethod")]
    assert set(FUNCTIONS) | set(of_type("AWS::Serverless::LayerVersion")) == set(built)
    assert all(RESOURCES[name]["Metadata"]["BuildMethod"] == "makefile" for name in built)
    for name, layer in of_type("AWS::Serverless::LayerVersion").items():
        assert [RESOURCES[name]["Metadata"]["BuildArchitecture"]] == layer["CompatibleArchitectures"] == ["arm64"]
    makefile = (ROOT / "Makefile").read_text()
    for name in built:
        properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[name]["Properties"]}
        folder = properties.get("ContentUri") or properties["CodeUri"]
        assert f"build-{name}" in (ROOT / folder / "Makefile").read_text()
        assert f"$(call part,{folder},{name}," in makefile
    assert set(re.findall(r"^PARTS := (.*)$", makefile, re.MULTILINE)[0].split()) == set(built)


@pytest.mark.parametrize(("given", "providers"), DEPLOYMENTS.values(), ids=DEPLOYMENTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_starts_with_the_environment_that_it_gets(
    name: str, given: Mapping[str, str], providers: list[str]
) -> None:
    environment = variables(name, given)
    assert "VECTORGATE_PLAIN_HTTP" not in environment
    assert "VECTORGATE_AWS_ENDPOINT" not in environment
    assert "VECTORGATE_PRICES" not in environment
    assert not {"VECTORGATE_CORS_ORIGINS", "VECTORGATE_STORE_RULES"} & environment.keys()
    read = settings.read(environment)
    known = [each for each in providers if each != "azure_ai" or name in {*SEARCHES, "Meter"}]
    assert list(read.secrets) == (known if name in FORWARD else [])
    used = [secret for each, secret in read.secrets.items() if each != "azure_ai" or name in SEARCHES]
    assert sorted(used) == sorted(set(secrets_of(f"{name}Role", given)) - {json.dumps(MASTER_KEY)})
    assert (read.master_key_secret is not None) is (name == "Admin")
    assert not read.trust_invoker
    assert (read.ingest is not None) is (name == "Ingest")
    assert read.senders == {}


def test_a_deployment_may_have_prices_of_its_own_and_trust_its_invokers() -> None:
    given = {"Prices": "[]", "TrustInvoker": "true"}
    assert {settings.read(variables(name, given)).prices for name in FUNCTIONS} == {"[]"}
    assert {name for name in FUNCTIONS if settings.read(variables(name, given)).trust_invoker} == {"Invoke"}


def test_a_deployment_names_the_origins_whose_pages_may_call_it() -> None:
    given = {"CorsOrigins": "https://a.example, https://b.example"}
    assert re.fullmatch(TEMPLATE["Parameters"]["CorsOrigins"]["AllowedPattern"], given["CorsOrigins"])
    for name in ("Api", "Admin"):
        named = CrossOrigin.of(settings.read(variables(name, given)).cors_origins)
        assert named == CrossOrigin(frozenset({"https://a.example", "https://b.example"}))


def test_a_deployment_has_rules_for_every_teams_stores() -> None:
    given = {"StoreRules": '{"max_expires_after_days": 30}'}
    assert re.fullmatch(TEMPLATE["Parameters"]["StoreRules"]["AllowedPattern"], given["StoreRules"])
    assert settings.read(variables("Api", given)).store_rules == {"max_expires_after_days": 30}


def test_a_deployment_says_who_may_ingest() -> None:
    given = {"IngestSenders": '{"red": "team-red", "com.example.crm": "team-blue"}'}
    read = settings.read(variables("Ingest", given))
    assert read.senders == {"red": "team-red", "com.example.crm": "team-blue"}
    assert re.fullmatch(TEMPLATE["Parameters"]["IngestSenders"]["AllowedPattern"], given["IngestSenders"])
    assert read.ingest == settings.IngestResources(
        bucket="IngestBucket", bus="IngestBus", queue_url="IngestQueue", failures_url="IngestFailures"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"red": 1}',
        '{"red": ""}',
        '{"": "red"}',
        '{"red/docs": "red"}',
        '{"red": "a#b"}',
        '{"red": "one", "red": "two"}',
        '{"red": {"team": "red"}}',
        "[" * 100_000,
    ],
)
def test_a_wrong_list_of_senders_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="VECTORGATE_INGEST_SENDERS"):
        settings.read(variables("Ingest", {"IngestSenders": text}))


def test_a_default_provider_that_is_not_configured_is_refused_before_anything_is_deployed() -> None:
    rule = TEMPLATE["Rules"]["DefaultProviderIsConfigured"]
    (assertion,) = rule["Assertions"]
    for given, _ in DEPLOYMENTS.values():
        assert not holds(rule["RuleCondition"], given) or holds(assertion["Assert"], given)
    assert holds(rule["RuleCondition"], {"DefaultProvider": "azure"})
    assert not holds(assertion["Assert"], {"DefaultProvider": "azure"})


def test_the_secret_that_the_stack_makes_opens_nothing() -> None:
    text = RESOURCES["OpenAISecret"]["Properties"]["SecretString"]
    with pytest.raises(MalformedSecret, match="api_key"):
        read_credential(text, ProviderName("openai"), plain_http=False)


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


def test_who_invokes_has_the_front_doors_rights_but_those_of_azure_ai_search_and_no_others() -> None:
    own = {"Log", "ReadIndexes", "ReadSearchSecret"}
    api, invoke = ([each for each in statements(role) if each["Sid"] not in own] for role in ("ApiRole", "InvokeRole"))
    assert api == invoke
    assert FUNCTIONS["Invoke"]["Timeout"] == FUNCTIONS["Api"]["Timeout"]


def test_the_stream_function_has_the_apis_rights_and_no_others() -> None:
    api, stream = ([each for each in statements(role) if each["Sid"] != "Log"] for role in ("ApiRole", "StreamRole"))
    assert api == stream


def test_streams_are_off_by_default_and_whatever_they_need_goes_with_them() -> None:
    on = TEMPLATE["Conditions"]["HasStreamingUrl"]
    assert not holds(on, {})
    assert holds(on, {"StreamingUrl": "on"})
    conditional = {name for name, each in RESOURCES.items() if each.get("Condition") == "HasStreamingUrl"}
    assert conditional == {name for name in RESOURCES if name.startswith("Stream")}
    of_streams = {name for name in alarms() if name.startswith("Stream")}
    assert (of_streams & nested_on_condition({}), of_streams - nested_on_condition({"StreamingUrl": "on"})) == (
        set(),
        set(),
    )
    outputs = {name for name, each in TEMPLATE["Outputs"].items() if each.get("Condition") == "HasStreamingUrl"}
    assert outputs == {"StreamingUrl", "StreamFunction"}


def test_the_streaming_url_is_public_and_streams_for_as_long_as_lambda_runs() -> None:
    (url,) = of_type("AWS::Lambda::Url").values()
    target = {"TargetFunctionArn": {"Fn::GetAtt": ["Stream", "Arn"]}, "Qualifier": "live"}
    assert url == {**target, "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
    stream = {"Ref": "Stream.Alias"}
    public = [each for each in of_type("AWS::Lambda::Permission").values() if each["Principal"] == "*"]
    assert public == [
        {"Action": "lambda:InvokeFunctionUrl", "FunctionName": stream, "Principal": "*", "FunctionUrlAuthType": "NONE"},
        {"Action": "lambda:InvokeFunction", "FunctionName": stream, "Principal": "*", "InvokedViaFunctionUrl": True},
    ]
    seconds = settings.read(variables("Stream", {})).response_seconds
    assert seconds is not None
    assert seconds + 2 * FINISH_SECONDS < FUNCTIONS["Stream"]["Timeout"] == settings.MAX_RESPONSE_SECONDS
    concurrency = FUNCTIONS["Stream"]["ReservedConcurrentExecutions"]
    assert resolved(concurrency, {}) is NO_VALUE
    assert resolved(concurrency, {"StreamingConcurrency": "5"}) == "5"


def test_the_stream_function_starts_by_a_script_of_the_core_layer() -> None:
    script = Path(variables("Stream", {})["AWS_LAMBDA_EXEC_WRAPPER"])
    assert script.parent == Path("/opt")
    assert os.access(ROOT / "layers/core" / script.name, os.X_OK)
    assert [name for name in FUNCTIONS if "AWS_LAMBDA_EXEC_WRAPPER" in variables(name, {})] == ["Stream"]


def test_who_ingests_has_the_front_doors_rights_and_those_of_its_own_bucket_bus_and_queues() -> None:
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


def test_a_tick_of_the_meter_ends_before_the_next_begins_and_is_never_tried_again() -> None:
    minutes = TEMPLATE["Parameters"]["MeterMinutes"]
    (schedule,) = made_of_type("AWS::Scheduler::Schedule").values()
    for each in minutes["AllowedValues"]:
        given = {"MeterMinutes": str(each)}
        rate = resolved(schedule["ScheduleExpression"], given)
        assert rate == f"rate({each} minute{'s' * (each > 1)})"
        assert resolved(FUNCTIONS["Meter"]["Timeout"], given) == each * 60 <= 900  # Lambda's longest
    assert minutes["Default"] * 60 == Sampler.__dataclass_fields__["least_seconds"].default
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["Meter", "Arn"]}
    for tries in (schedule["Target"]["RetryPolicy"], FUNCTIONS["Meter"]["EventInvokeConfig"]):
        assert tries == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert "Name" not in schedule  # SAM's own, which a second stack of the account could not have


def test_an_invocation_of_ingest_ends_before_its_messages_are_visible_again() -> None:
    function, queue = FUNCTIONS["Ingest"], RESOURCES["IngestQueue"]["Properties"]
    messages = function["Events"]["Messages"]["Properties"]
    assert START_WITHIN_SECONDS + UPLOAD_SECONDS + 2 * DEADLINE_SECONDS < function["Timeout"] <= 900
    waits = messages["MaximumBatchingWindowInSeconds"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + waits
    assert function["EphemeralStorage"]["Size"] * MIB >= 2 * UPLOAD_BODY
    assert messages["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert messages["Queue"] == {"Fn::GetAtt": ["IngestQueue", "Arn"]}


def test_ingest_leaves_a_new_accounts_environments_to_the_api_by_default() -> None:
    scaling = FUNCTIONS["Ingest"]["Events"]["Messages"]["Properties"]["ScalingConfig"]
    limits = get_session().get_service_model("lambda").shape_for("MaximumConcurrency").metadata
    parameter = TEMPLATE["Parameters"]["IngestConcurrency"]
    assert scaling == {"MaximumConcurrency": {"Ref": "IngestConcurrency"}}
    assert parameter["Default"] == parameter["MinValue"] == limits["min"]
    assert parameter["MaxValue"] == limits["max"]


def test_no_message_of_ingest_is_lost_before_it_is_given_up() -> None:
    failures = {"Fn::GetAtt": ["IngestFailures", "Arn"]}
    for name in ("IngestQueue", "IngestFailures"):
        queue = RESOURCES[name]["Properties"]
        assert queue["SqsManagedSseEnabled"]
        assert queue["MessageRetentionPeriod"] == 14 * DAY_S > MAX_AGE_S + DAY_S / 2
    assert RESOURCES["IngestQueue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == failures
    (target,) = RESOURCES["IngestRule"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"]["Arn"] == failures
    lifecycle = RESOURCES["IngestBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["NoncurrentVersionExpiration"]["NoncurrentDays"] * DAY_S > MAX_AGE_S for rule in lifecycle)


def test_only_our_bucket_and_our_rule_send_to_the_queues_of_ingest() -> None:
    bucket, name = RESOURCES["IngestBucket"]["Properties"], "IngestQueuePolicy"
    of_bucket, of_rule = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
    text, given = of_bucket["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert text == "arn:${AWS::Partition}:s3:::${Bucket}"
    assert given == {"Bucket": bucket["BucketName"]}
    assert of_bucket["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    (of_dead_letters,) = RESOURCES["IngestFailuresPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    for statement in (of_rule, of_dead_letters):
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["IngestRule", "Arn"]}}}
    assert RESOURCES["IngestBucket"]["DependsOn"] == name
    assert all(each["Action"] == "sqs:SendMessage" for each in (of_bucket, of_rule, of_dead_letters))


def test_the_ingest_bucket_is_versioned_private_and_outlives_the_stack() -> None:
    bucket = RESOURCES["IngestBucket"]
    properties = bucket["Properties"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (statement,) = RESOURCES["IngestBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_rule_lets_requests_through_and_not_our_own_results() -> None:
    wanted = set(RESOURCES["IngestRule"]["Properties"]["EventPattern"]["detail-type"])
    asked = {body["detail-type"] for body in bodies() if "detail-type" in body}
    assert wanted == asked
    assert not wanted & {kind.value for kind in DetailType}


def test_the_samples_are_of_kinds_that_the_bucket_notifies_of() -> None:
    notified = RESOURCES["IngestBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    kinds = [record["eventName"] for body in bodies() for record in body.get("Records", ())]
    assert kinds
    assert all(any(fnmatchcase(f"s3:{kind}", each["Event"]) for each in notified) for kind in kinds)
    assert all(each["Queue"] == {"Fn::GetAtt": ["IngestQueue", "Arn"]} for each in notified)


def bodies() -> list[Any]:
    """What is in the messages of ingest's sample events."""
    events = [json.loads(path.read_text()) for path in ROOT.glob("events/ingest_*.json")]
    return [json.loads(record["body"]) for event in events for record in event["Records"]]


def test_an_invocation_that_is_delivered_again_is_still_recognised() -> None:
    tries = FUNCTIONS["Invoke"]["EventInvokeConfig"]
    assert 0 < tries["MaximumRetryAttempts"] <= 2
    assert tries["MaximumEventAgeInSeconds"] < EXPLICIT_TTL_SECONDS


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


def test_a_batch_of_the_stream_is_retried_within_bounds_and_never_dropped_silently() -> None:
    assert MAPPING["BisectBatchOnFunctionError"]
    assert MAPPING["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < MAPPING["MaximumRetryAttempts"] <= 100
    assert 60 <= MAPPING["MaximumRecordAgeInSeconds"] < 24 * 3600  # the stream's own retention
    assert MAPPING["MaximumBatchingWindowInSeconds"] == {"Ref": "SettlementSeconds"}
    window = TEMPLATE["Parameters"]["SettlementSeconds"]
    assert window["Default"] <= 5  # so long a budget may hold more than calls cost
    assert window["MaxValue"] <= LATE_SECONDS / 5
    queue = RESOURCES["UsageLoggerFailures"]["Properties"]
    assert MAPPING["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["UsageLoggerFailures", "Arn"]}
    assert queue["SqsManagedSseEnabled"]
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_streams_filter_lets_answered_rows_through_and_nothing_else() -> None:
    (wanted,) = (json.loads(each["Pattern"]) for each in MAPPING["FilterCriteria"]["Filters"])
    records = json.loads((ROOT / "events/usage_logger_stream.json").read_text())["Records"]
    passed = [record for record in records if matches(record, wanted)]
    assert [record["dynamodb"]["NewImage"]["state"] for record in passed] == [{"S": "answered"}]
    entry = schema.entry_of_item(passed[0]["dynamodb"]["NewImage"])
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
    found = {(each["Namespace"], each["MetricName"]) for each in metrics_with_alarm()}
    assert found >= {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/Lambda", "IteratorAge"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/ApiGateway", "5xx"),
        (NAMESPACE, "Unrecorded"),
        (NAMESPACE, "Crashes"),
        (NAMESPACE, "MeterFailures"),
        (NAMESPACE, "IngestOverdue"),
        (NAMESPACE, "QuarantinedSizes"),
        (NAMESPACE, "Unpriced"),
        (NAMESPACE, "Failures"),
        ("AWS/DynamoDB", "ReadThrottleEvents"),
        ("AWS/DynamoDB", "WriteThrottleEvents"),
        ("AWS/DynamoDB", "TransactionConflict"),
        ("AWS/Events", "FailedInvocations"),
        ("AWS/Lambda", "AsyncEventsDropped"),
        ("AWS/Lambda", "RecursiveInvocationsDropped"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("AWS/ApiGateway", "Latency"),
        ("AWS/DynamoDB", "SystemErrors"),
        ("AWS/Usage", "ResourceCount"),
        (NAMESPACE, "TooManyRequests"),
        (NAMESPACE, "RateLimitFailures"),
    }
    assert {each["Dimensions"][0]["Value"]["Ref"] for each in watched("Errors")} == set(SERVING)
    (silence,) = watched("Invocations")
    assert silence["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "Meter"}}]
    assert silence["ComparisonOperator"] == "LessThanThreshold"
    package = ROOT / "layers/core/python/vectorgate"
    counted = "".join(path.read_text() for path in package.rglob("*.py"))
    for alarm in alarms().values():
        assert alarm["TreatMissingData"] == ("breaching" if alarm is silence else "notBreaching")
        if alarm.get("Namespace") == NAMESPACE:
            assert alarm["MetricName"] in counted_in_logs() or re.search(
                rf'\.(count|task_failed)\("{alarm["MetricName"]}"', counted
            )
            assert alarm["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]


def test_the_alarms_of_two_stacks_of_one_account_watch_different_metrics() -> None:
    settings = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert settings["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    for metric in metrics_with_alarm():
        if metric["Namespace"] == "AWS/Usage":
            continue  # the account's own
        assert any(not isinstance(each["Value"], str) for each in metric["Dimensions"]), metric


def test_every_function_and_every_index_has_an_alarm_for_throttles() -> None:
    throttles = {
        each["Dimensions"][0]["Value"]["Ref"] for each in metrics_with_alarm() if each["MetricName"] == "Throttles"
    }
    assert throttles == set(SERVING)
    indexes = {index["IndexName"] for index in resolved(RESOURCES["Table"]["Properties"]["GlobalSecondaryIndexes"], {})}
    watched_indexes = {
        (each["MetricName"], dimension["Value"])
        for each in metrics_with_alarm()
        for dimension in each["Dimensions"]
        if dimension["Name"] == "GlobalSecondaryIndexName"
    }
    assert watched_indexes == {(f"{kind}ThrottleEvents", name) for kind in ("Read", "Write") for name in indexes}


def test_ingest_may_send_to_its_own_queue_for_as_long_as_a_message_is_postponed() -> None:
    assert FUNCTIONS["Ingest"]["RecursiveLoop"] == "Allow"


def counted_in_logs() -> set[str]:
    """The metrics of ours that CloudWatch counts in lines of logs."""
    filters = of_type("AWS::Logs::MetricFilter").values()
    return {made["MetricName"] for each in filters for made in each["MetricTransformations"]}


def test_whatever_we_count_has_an_alarm_or_a_reason_for_none() -> None:
    package = ROOT / "layers/core/python/vectorgate"
    sources = [path for path in package.rglob("*.py") if "client" not in path.relative_to(package).parts]
    counted = {
        metric
        for path in sources
        for metric in re.findall(r'(?:telemetry|self)\.(?:count|task_failed)\(f?"(\w+)', path.read_text())
    }
    alarmed = {each["MetricName"] for each in alarms().values() if each.get("Namespace") == NAMESPACE}
    assert counted - alarmed == set(UNWATCHED)
    assert alarmed <= counted | counted_in_logs()


def test_every_alarm_has_its_row_in_the_runbook_and_no_other_has_one() -> None:
    rows = re.findall(r"^- (`[^:]*):", (ROOT / "docs/runbook.md").read_text("utf-8"), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+Alarm)`", row)]
    assert sorted(named) == sorted(alarms())
    for alarm in alarms().values():  # what happened is stated in the alarm alone
        assert alarm["AlarmDescription"].endswith(".")
