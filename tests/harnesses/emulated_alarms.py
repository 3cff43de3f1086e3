"""The emulated CloudWatch's alarms, each on its own metric, and the metrics of functions that MiniStack leaves out.

- An alarm looks at the last periods that are over by whole minutes, each time it is described, in a sliding window:
  docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html. A minute may be a few seconds.
  MiniStack's looks at all metrics of a name, whatever their dimensions, and at all its periods as one.
- `Errors` of each function count every version, whatever calls it: lambda/latest/dg/monitoring-metrics-view.html.
  MiniStack counts calls of Invoke alone.
- Metrics in log lines: AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
"""

from __future__ import annotations

import json
import operator
import time
from typing import TYPE_CHECKING, Any, Final

from ministack.services import cloudwatch, lambda_svc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_describe: Final = cloudwatch._describe_alarms
_emit_logs: Final = lambda_svc._emit_lambda_logs
_emit_metrics: Final = lambda_svc._emit_lambda_metrics


def install(minute: float) -> None:
    """Evaluate alarms as the module says, with a minute of so many seconds."""

    def evaluate(alarm: dict[str, Any]) -> None:
        state = state_of(alarm, time.time(), minute)
        if state != alarm["StateValue"]:
            cloudwatch._record_history(alarm["AlarmName"], alarm["StateValue"], state, "evaluated")
            alarm |= {"StateValue": state, "StateUpdatedTimestamp": int(time.time())}

    def describe(*request: Any, **given: Any) -> Any:
        for alarm in list(cloudwatch._alarms.values()):
            evaluate(alarm)
        return _describe(*request, **given)

    cloudwatch._evaluate_alarm = evaluate
    cloudwatch._describe_alarms = describe
    lambda_svc._emit_lambda_logs = _logged
    lambda_svc._emit_lambda_metrics = lambda *said, **given: given.get("throttle") and _emit_metrics(*said, **given)


def state_of(alarm: dict[str, Any], now: float, minute: float) -> str:
    """ALARM where each of its periods breaches, and OK where one does not."""
    period, end = alarm["Period"] / 60 * minute, now // minute * minute
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm["Dimensions"]))
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
    for number in range(alarm["EvaluationPeriods"]):
        last = end - number * period
        within = [each for each in list(points) if last - period <= each["Timestamp"] < last]
        if not _breaches(alarm, within):
            return "OK"
    return "ALARM"


def _breaches(alarm: dict[str, Any], points: list[dict[str, Any]]) -> bool:
    if not points:
        return bool(alarm["TreatMissingData"] == "breaching")
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return COMPARED[alarm["ComparisonOperator"]](value, alarm["Threshold"])


def _logged(function: dict[str, Any], request: str, text: str, error: bool, took: int, **given: Any) -> None:  # noqa: FBT001 - MiniStack's
    """Write the lines as before, and the metrics of a call: whether it failed, and what its lines hold."""
    _emit_logs(function, request, text, error, took, **given)
    name = {"FunctionName": (function.get("config") or function)["FunctionName"]}
    for metric, value in (("Invocations", 1), ("Errors", int(error)), ("Duration", took)):
        cloudwatch.record_metric("AWS/Lambda", metric, value, "Count", name)
    for namespace, metric, total, dimensions in embedded(text):
        cloudwatch.record_metric(namespace, metric, total, "Count", dimensions)


def embedded(text: str) -> Iterator[tuple[str, str, float, dict[str, str]]]:
    """The metrics in log lines, once for each set of their dimensions."""
    for line in text.splitlines():
        if '"_aws"' not in line:
            continue
        found = json.loads(line)
        for said in found["_aws"]["CloudWatchMetrics"]:
            for metric in said["Metrics"]:
                values = found[metric["Name"]]
                for names in said["Dimensions"]:
                    dimensions = {each: found[each] for each in names}
                    total = sum(values) if isinstance(values, list) else values
                    yield said["Namespace"], metric["Name"], total, dimensions
