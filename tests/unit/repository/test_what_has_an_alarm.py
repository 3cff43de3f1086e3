"""The alarms of a stack: what has one, and what operators read of it."""

from __future__ import annotations

import re
from typing import Final

from tests.helpers.alarms import alarms, metrics_with_alarm, watched
from tests.helpers.template import (
    RESOURCES,
    ROOT,
    SERVING,
    TEMPLATE,
    of_type,
    resolved,
)
from vectorgate.telemetry import NAMESPACE

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
