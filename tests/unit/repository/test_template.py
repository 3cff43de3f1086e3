"""template.yaml says what the code takes for granted."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.helpers.alarms import NESTED, nested_on_condition
from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    ROOT,
    TEMPLATE,
    holds,
    made_of_type,
    of_type,
    resolved,
    secrets_of,
    variables,
)
from vectorgate import settings
from vectorgate.api.cors import CrossOrigin
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.entrypoints.runtime.runtime_api import FINISH_SECONDS
from vectorgate.idempotency.record import EXPLICIT_TTL_SECONDS
from vectorgate.ids import ProviderName
from vectorgate.ledger.entry import LedgerEntry
from vectorgate.metering.sampler import Sampler
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.persistence.dynamodb import TABLE_DEFINITION, schema
from vectorgate.providers.credentials import MalformedSecret, read_credential
from vectorgate.tenancy.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def test_a_secrets_parameter_takes_whole_arns_alone_since_a_policy_matches_nothing_else() -> None:
    whole = ("openai-AbC1d2", "openai-secret-AbC1d2", "team/azure-search-abcdef")
    parts = ("openai", "openai-secret", "azure-search", "team/openai", "openai-AbC1d", "openai-*", "openai-??????")
    for name in (each for each in TEMPLATE["Parameters"] if each.endswith("SecretArn")):
        pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
        assert re.fullmatch(pattern, "")
        for secret in whole:
            assert re.fullmatch(pattern, AZURE.replace("azure", secret)), (name, secret)
        for secret in parts:
            assert not re.fullmatch(pattern, AZURE.replace("azure", secret)), (name, secret)


def test_the_secret_that_the_stack_makes_opens_nothing() -> None:
    text = RESOURCES["OpenAISecret"]["Properties"]["SecretString"]
    with pytest.raises(MalformedSecret, match="api_key"):
        read_credential(text, ProviderName("openai"), plain_http=False)


def test_the_master_key_is_long_and_fits_into_a_header() -> None:
    generated = RESOURCES["MasterKey"]["Properties"]["GenerateSecretString"]
    assert generated["PasswordLength"] >= 43  # 256 bits of 62 characters
    assert generated["ExcludePunctuation"]


def test_streams_are_off_by_default_and_whatever_they_need_goes_with_them() -> None:
    on = TEMPLATE["Conditions"]["HasStreamingUrl"]
    assert not holds(on, {})
    assert holds(on, {"StreamingUrl": "on"})
    conditional = {name for name, each in RESOURCES.items() if each.get("Condition") == "HasStreamingUrl"}
    assert conditional == {name for name in RESOURCES if name.startswith("Stream")}
    of_streams = {name for name in NESTED["Resources"] if name.startswith("Stream")}
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


def test_the_schedules_role_may_call_the_meter_and_nothing_else() -> None:
    (schedule,) = made_of_type("AWS::Scheduler::Schedule").values()
    role = made_of_type("AWS::IAM::Role")[schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]]
    (policy,) = role["Policies"]
    (allowed,) = policy["PolicyDocument"]["Statement"]
    assert allowed == {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": schedule["Target"]["Arn"]}
    (assumed,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert assumed["Principal"] == {"Service": ["scheduler.amazonaws.com"]}
    assert "ManagedPolicyArns" not in role


def test_an_invocation_that_is_delivered_again_is_still_recognised() -> None:
    tries = FUNCTIONS["Invoke"]["EventInvokeConfig"]
    assert 0 < tries["MaximumRetryAttempts"] <= 2
    assert tries["MaximumEventAgeInSeconds"] < EXPLICIT_TTL_SECONDS


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
