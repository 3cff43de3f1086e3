"""CloudWatch's alarms: as this release has them, and set off by the metrics that they watch."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tools.smoke.deployed import equal
from tools.smoke.target import Target, prove

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.smoke.calls import Made

NAMESPACE: Final = "vectorgate"  # AWS takes no metrics of others under its own names
ALARM_SECONDS: Final = 120
FIELDS: Final = frozenset(
    {"Namespace", "MetricName", "Statistic", "ExtendedStatistic", "ComparisonOperator", "TreatMissingData"}
)
NUMBERS: Final = frozenset({"Threshold", "Period", "EvaluationPeriods"})
LEAST_WIDGETS: Final = 2


def alarms_are_as_released(target: Target, made: Made) -> str:
    """Each alarm watches the release's metric of this stack, with its threshold, and is sent where the stack says."""
    del made
    released, deployed = _released(target), _deployed(target)
    missing = sorted(released.keys() - deployed.keys())
    prove(not missing, f"{missing} are missing")
    topic = target.release.parameters["AlarmTopicArn"]
    for name, wanted in released.items():
        found = deployed[name]
        for field in FIELDS & wanted.keys():
            equal(f"{name}'s {field}", found.get(field), wanted[field])
        for field in NUMBERS & wanted.keys():
            equal(f"{name}'s {field}", float(found[field]), float(wanted[field]))
        equal(f"{name}'s actions", found.get("AlarmActions", []), [topic] if topic else [])
        prove(found.get("ActionsEnabled", True), f"{name} sends nothing: its actions are disabled")
        dimensions = [{**each, "Value": target.filled(each["Value"])} for each in wanted.get("Dimensions", [])]
        if not any("|" in each["Value"] or "${" in each["Value"] for each in dimensions):
            equal(f"{name}'s dimensions", found.get("Dimensions", []), dimensions)
    return f"{len(released)} alarms"


def alarms_are_set_off(target: Target, made: Made) -> str:
    """One value over the threshold in each of its periods, of every metric of our own: the alarm is on.

    Meanwhile the alarms do not send. Each ends by itself, once its periods are over, and says so; were it set to OK at
    the end of the run, CloudWatch would find the same values, and it would ring again with its actions enabled.
    """
    del made
    watch = target.aws("cloudwatch")
    released = {name: each for name, each in _released(target).items() if each.get("Namespace") == NAMESPACE}
    names = {name: _deployed(target)[name]["AlarmName"] for name in released}
    watch.disable_alarm_actions(AlarmNames=list(names.values()))
    target.undo.append(lambda: _enabled(target, list(names.values())))
    _ended(target, list(names.values()))  # those that an earlier run has left on
    now = datetime.now(UTC)
    for each in released.values():
        data = [_datum(target, each, now - timedelta(seconds=ago)) for ago in _moments(each)]
        watch.put_metric_data(Namespace=NAMESPACE, MetricData=data)

    def rung() -> set[str]:
        pages = watch.get_paginator("describe_alarms").paginate(AlarmNames=list(names.values()))
        return {
            alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"] if alarm["StateValue"] == "ALARM"
        }

    target.within(ALARM_SECONDS, lambda: rung() >= set(names.values()), f"{len(names)} alarms did not all ring")
    return f"{len(names)} alarms rang, and end by themselves"


def _datum(target: Target, alarm: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    dimensions = [{**each, "Value": target.filled(each["Value"])} for each in alarm["Dimensions"]]
    value = float(alarm["Threshold"]) + 1
    return {"MetricName": alarm["MetricName"], "Dimensions": dimensions, "Value": value, "Timestamp": moment}


def _moments(alarm: Mapping[str, Any]) -> list[int]:
    """Seconds ago, one in each period that the alarm looks at."""
    return [period * int(alarm["Period"]) for period in range(int(alarm["EvaluationPeriods"]))]


def _enabled(target: Target, names: list[str]) -> None:
    """Let the alarms send again. An emulator's do not end by themselves."""
    if target.endpoint:
        _ended(target, names)
    target.aws("cloudwatch").enable_alarm_actions(AlarmNames=names)


def _ended(target: Target, names: list[str]) -> None:
    for name in names:
        target.aws("cloudwatch").set_alarm_state(AlarmName=name, StateValue="OK", StateReason="make smoke tries it")


def the_dashboard_is_there(target: Target, made: Made) -> str:
    """CloudWatch's dashboard shows the stack."""
    del made
    name = target.outputs["DashboardUrl"].rpartition("=")[2]
    body = target.aws("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    prove(len(json.loads(body)["widgets"]) > LEAST_WIDGETS, "the dashboard is empty")
    prove(target.id("Table") in body or target.outputs["ApiFunction"] in body, "the dashboard shows another stack")
    return name


def _released(target: Target) -> dict[str, dict[str, Any]]:
    """The release's alarms; an emulator's harness leaves out those on sums of metrics."""
    alarms = target.release.of_type("AWS::CloudWatch::Alarm")
    return {name: each for name, each in alarms.items() if not (target.endpoint and "Metrics" in each)}


def _deployed(target: Target) -> dict[str, Any]:
    pages = target.aws("cloudwatch").get_paginator("describe_alarms").paginate()
    found = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    kinds = {name: each for name, (kind, each) in target.resources.items() if kind == "AWS::CloudWatch::Alarm"}
    return {name: found[each] for name, each in kinds.items() if each in found}
