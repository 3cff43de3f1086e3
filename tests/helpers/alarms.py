"""The alarms of a stack: those of template.yaml, and those of alarms.yaml, with what template.yaml gives to it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.helpers.template import FUNCTIONS, RESOURCES, ROOT, TEMPLATE, holds, of_type, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

ALARM: Final = "AWS::CloudWatch::Alarm"
NESTED: Final[dict[str, Any]] = yaml_parse((ROOT / "alarms.yaml").read_text())
GIVEN: Final[dict[str, Any]] = RESOURCES["Alarms"]["Properties"]["Parameters"]


@cache
def alarms() -> dict[str, dict[str, Any]]:
    """The properties of every alarm, by its logical name. In both templates, a function's name is a reference to it."""
    nested = {name: filled(each["Properties"]) for name, each in NESTED["Resources"].items()}
    return {**of_type(ALARM), **nested}


def filled(value: Any) -> Any:
    """A part of alarms.yaml with what template.yaml gives in the place of its parameters."""
    if isinstance(value, list):
        return [filled(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return {"Ref": function_named(value["Fn::Sub"])}
    return GIVEN.get(value.get("Ref", ""), {key: filled(part) for key, part in value.items()})


def function_named(text: str) -> str:
    """The function whose name that is, of template.yaml's own making. ValueError if none has it."""
    wanted = {"Fn::Sub": [text.replace("${FunctionPrefix}", "${Prefix}"), {"Prefix": GIVEN["FunctionPrefix"]}]}
    (name,) = (name for name, each in FUNCTIONS.items() if each["FunctionName"] == wanted)
    return name


def nested_on_condition(given: Mapping[str, str]) -> set[str]:
    """Of the alarms of alarms.yaml that have a condition, those of a stack with these parameters."""
    passed = {name: resolved(value, given) for name, value in GIVEN.items()}
    conditional = {name: each["Condition"] for name, each in NESTED["Resources"].items() if "Condition" in each}
    return {name for name, condition in conditional.items() if holds(NESTED["Conditions"][condition], passed)}


def watched(metric: str) -> list[dict[str, Any]]:
    """The alarms on one of Lambda's metrics."""
    return [
        each for each in alarms().values() if (each.get("Namespace"), each.get("MetricName")) == ("AWS/Lambda", metric)
    ]


def by_default() -> dict[str, dict[str, Any]]:
    """The alarms of a stack with the default parameters."""
    conditional = {name for name, each in NESTED["Resources"].items() if "Condition" in each} - nested_on_condition({})
    conditions = {name: RESOURCES.get(name, {}).get("Condition") for name in alarms()}
    unmet = {name for name, each in conditions.items() if each and not holds(TEMPLATE["Conditions"][each], {})}
    return {name: each for name, each in alarms().items() if name not in conditional | unmet}


def metrics_with_alarm() -> list[dict[str, Any]]:
    """The metrics that an alarm watches, by itself or in a sum."""
    return [metric for alarm in alarms().values() for metric in metrics_of(alarm)]


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that it watches."""
    if "Metrics" not in alarm:
        return [alarm]
    return [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
