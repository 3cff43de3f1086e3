"""What an operator sees and chooses: names, log lines, the dashboard, and the order of the parameters."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    ROOT,
    SERVING,
    TEMPLATE,
    holds,
    of_type,
    resolved,
    statements,
    variables,
)
from vectorgate import settings
from vectorgate.telemetry import LOGGED, NAMESPACE

# Metrics of AWS that the dashboard shows.
AWS_METRICS: Final = {
    "AWS/ApiGateway": {"Count", "4xx", "5xx", "Latency", "IntegrationLatency"},
    "AWS/Lambda": {"Errors", "Throttles", "ConcurrentExecutions", "Duration", "IteratorAge"},
    "AWS/DynamoDB": {
        "ReadThrottleEvents",
        "WriteThrottleEvents",
        "TransactionConflict",
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
    },
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
}
KEY: Final = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_the_console_asks_for_every_parameter_in_one_group() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    named = [name for group in groups for name in group["Parameters"]]
    assert sorted(named) == sorted(TEMPLATE["Parameters"])


def test_functions_of_a_stack_with_the_longest_name_can_be_named() -> None:
    pattern = TEMPLATE["Parameters"]["FunctionPrefix"]["AllowedPattern"]
    assert re.fullmatch(pattern, "p" * 51)
    assert not re.fullmatch(pattern, "p" * 52)
    for function in FUNCTIONS.values():
        text, given = function["FunctionName"]["Fn::Sub"]
        assert resolved(given, {}) == {"Prefix": "AWS::StackName"}
        assert len(text.replace("${Prefix}", resolved(given, {"FunctionPrefix": "p" * 51})["Prefix"])) <= 64
    for group in of_type("AWS::Logs::LogGroup").values():
        assert len(group["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "s" * 128)) <= 512


def test_log_lines_are_json_and_their_level_is_chosen_without_losing_metrics() -> None:
    for name, function in FUNCTIONS.items():
        assert variables(name, {"LogLevel": "ERROR"})["POWERTOOLS_LOG_LEVEL"] == "ERROR"
        assert "ApplicationLogLevel" not in function["LoggingConfig"]
        assert resolved(function["LoggingConfig"]["SystemLogLevel"], {}) == "WARN"
        assert variables(name, {"LoggedSuccesses": "5"})["VECTORGATE_LOGGED_SUCCESSES"] == "5"


def test_every_function_is_told_for_how_many_days_records_are_kept_if_not_for_ever() -> None:
    for name in FUNCTIONS:
        assert "VECTORGATE_RECORD_DAYS" not in variables(name, {})
        environment = variables(name, {"RecordDays": "365"})
        assert settings.read(environment).record_days == 365
    table = RESOURCES["Table"]["Properties"]["TimeToLiveSpecification"]
    assert table == {"AttributeName": "ttl", "Enabled": True}


def test_who_reads_a_secret_may_use_its_key_through_secrets_manager_alone() -> None:
    for name in of_type("AWS::IAM::Role"):
        reads = any(each["Action"] == "secretsmanager:GetSecretValue" for each in statements(name))
        keys = [each for each in statements(name) if each["Sid"] == "DecryptSecrets"]
        assert [each["Resource"] for each in keys] == ([{"Ref": "SecretsKeyArn"}] if reads else [])
        for each in keys:
            via = each["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"]
            assert via == "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"
    for name in of_type("AWS::SecretsManager::Secret"):
        assert resolved(RESOURCES[name]["Properties"]["KmsKeyId"], {}) is NO_VALUE
        assert resolved(RESOURCES[name]["Properties"]["KmsKeyId"], {"SecretsKeyArn": KEY}) == KEY
    assert re.fullmatch(TEMPLATE["Parameters"]["SecretsKeyArn"]["AllowedPattern"], KEY)


def test_without_a_key_of_its_own_no_role_names_one() -> None:
    for name in of_type("AWS::IAM::Role"):
        policies = resolved(RESOURCES[name]["Properties"]["Policies"], {})
        assert "kms:" not in json.dumps(policies)


def test_an_answer_429_is_counted_by_the_stack() -> None:
    (counted,) = of_type("AWS::Logs::MetricFilter").values()
    assert counted["LogGroupName"] == {"Ref": "AccessLogs"}
    field = re.fullmatch(r'\{ \$\.(\w+) = "429" \}', counted["FilterPattern"])
    line = json.loads(RESOURCES["GatewayApi"]["Properties"]["AccessLogSettings"]["Format"]["Fn::Sub"])
    assert field is not None
    assert line[field[1]] == "$context.status"
    (made,) = counted["MetricTransformations"]
    assert made["Dimensions"] == [{"Key": "service", "Value": "$.service"}]
    assert line["service"] == "${AWS::StackName}"


def widgets() -> list[dict[str, Any]]:
    """The dashboard's widgets."""
    body, _ = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def shown() -> list[tuple[str, ...]]:
    """The metrics on the dashboard: namespace, name, and dimensions."""
    every = [line for each in widgets() for line in each["properties"].get("metrics", ())]
    return [tuple(part for part in line if isinstance(part, str)) for line in every if isinstance(line[0], str)]


def test_the_dashboard_shows_metrics_that_exist() -> None:
    package = ROOT / "layers/core/python/vectorgate"
    counted = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    in_logs = json.dumps(of_type("AWS::Logs::MetricFilter"))
    for namespace, name, *dimensions in shown():
        if namespace == NAMESPACE:
            assert dimensions == ["service", "${AWS::StackName}"]
            assert re.search(rf'\.(count|task_failed)\("{name}"', counted) or f'"{name}"' in in_logs, name
        else:
            assert name in AWS_METRICS[namespace], name


def test_the_dashboard_names_resources_of_the_stack() -> None:
    body, names = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert names == {f"{each}Name": RESOURCES[each]["Properties"]["FunctionName"] for each in ("Stream", "Exporter")}
    named = {name.partition(".")[0] for name in re.findall(r"\$\{([\w.]+)\}", body)}
    assert named <= {*RESOURCES, *names}
    functions = {name if "Condition" not in RESOURCES[name] else f"{name}Name" for name in SERVING}
    for metric in ("Errors", "Throttles", "Duration"):
        assert {line[3] for line in shown() if line[1] == metric} == {f"${{{name}}}" for name in functions}


def test_the_dashboard_has_a_view_of_the_service_and_one_of_the_money() -> None:
    titles = [each["properties"]["markdown"] for each in widgets() if each["type"] == "text"]
    assert titles == ["## Service", "## Money"]
    names = {line[1] for line in shown()}
    assert {"Count", "5xx", "Latency", "OpenOperations", "IteratorAge", "SpentNanoDollars", "Settled"} <= names


def test_the_dashboards_queries_read_fields_of_the_log_lines() -> None:
    for each in widgets():
        query = each["properties"].get("query", "")
        assert set(re.findall(r"call\.(\w+)", query)) <= set(LOGGED)
        if each["type"] == "log":
            assert query.startswith("SOURCE '${ApiLogs}' | ")


def test_no_two_widgets_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for each in widgets():
        cells = {
            (each["x"] + right, each["y"] + down) for right in range(each["width"]) for down in range(each["height"])
        }
        assert not taken & cells
        assert each["x"] + each["width"] <= 24
        taken |= cells


DOMAIN: Final = {
    "DomainName": "ai.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
}


def test_a_domain_name_is_mapped_with_its_certificate_and_its_path() -> None:
    assert not holds(TEMPLATE["Conditions"]["HasDomain"], {})
    assert "VECTORGATE_BASE_PATH" not in variables("Api", DOMAIN)
    below = DOMAIN | {"DomainPath": "team/gateway"}
    assert variables("Api", below)["VECTORGATE_BASE_PATH"] == "/team/gateway"
    mapping = RESOURCES["DomainMapping"]["Properties"]
    assert resolved(mapping["ApiMappingKey"], DOMAIN) is NO_VALUE
    assert resolved(mapping["ApiMappingKey"], below) == "team/gateway"
    for name, value in below.items():
        assert re.fullmatch(TEMPLATE["Parameters"][name]["AllowedPattern"], value)
    for wrong in ("/team", "team/", "a//b", "a b"):
        assert not re.fullmatch(TEMPLATE["Parameters"]["DomainPath"]["AllowedPattern"], wrong)


def test_a_stack_has_a_way_in_and_a_domain_its_certificate() -> None:
    rules = TEMPLATE["Rules"]
    way, pair = rules["ThereIsAWayIn"], rules["DomainHasItsCertificate"]
    closed = {"DefaultEndpoint": "off"}
    assert holds(way["RuleCondition"], closed)
    assert not holds(way["Assertions"][0]["Assert"], closed)
    assert holds(way["Assertions"][0]["Assert"], closed | DOMAIN)
    assert not holds(pair["Assertions"][0]["Assert"], {"DomainName": "ai.example.com"})
    assert holds(pair["Assertions"][0]["Assert"], DOMAIN)
    disabled = RESOURCES["GatewayApi"]["Properties"]["DisableExecuteApiEndpoint"]
    assert resolved(disabled, closed | DOMAIN) is True
    assert resolved(disabled, {}) is False
