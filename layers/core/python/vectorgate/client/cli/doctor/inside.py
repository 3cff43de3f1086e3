"""The checks on AWS: stack, functions, table, secrets, schedule, settlement, queues, alarms. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from vectorgate.client.cli.doctor.check import Check, Result, clock_check, failed, looked_at, passed, warning
from vectorgate.client.cli.doctor.table import table_check
from vectorgate.client.cli.provider_secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.provider_secrets import ProviderSecret
    from vectorgate.client.cli.stack import Stack

FAILURES: Final = "Failures"  # the end of the name of a dead-letter queue in the template
QUEUE: Final = "Queue"
BACKLOG: Final = 1_000  # messages that wait
RUNBOOK: Final = "docs/runbook.md says how to look at and redrive them"
# The functions that Lambda calls with the events of a stream or a queue, and for what.
CALLED: Final = {
    "UsageLoggerFunction": "settlement",
    "IngestFunction": "ingestion",
    "ExporterFunction": "exports",
}
REDEPLOY: Final = "deploy the stack again (sam deploy)"


@dataclass(frozen=True, slots=True)
class Inside:
    """A deployment as its operator sees it. `wall`: Unix seconds."""

    stack: Stack
    aws: Aws
    wall: Callable[[], float]

    def checks(self) -> Iterator[Check]:
        """The findings."""
        yield self._status()
        yield clock_check("clock: AWS", self.stack.date, self.wall())
        for name, function in self.stack.outputs.items():
            if name.endswith("Function"):
                yield looked_at(f"function: {name}", partial(self._function, name, function))
        yield looked_at("table", lambda: table_check(self.stack.output("TableName"), self.aws))
        yield from (self._secret(each) for each in secrets_of(self.stack))
        yield looked_at("secret: master key", self._master_key)
        yield looked_at("schedule", self._schedule)
        for output, name in CALLED.items():
            if output in self.stack.outputs:
                yield looked_at(name, partial(self._called, name, self.stack.outputs[output]))
        for name, url in self._queues():
            yield looked_at(f"queue: {name}", partial(self._queue, name, url))
        yield looked_at("alarms", self._alarms)

    def _status(self) -> Check:
        status = self.stack.status
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
            return passed("stack", status)
        if status.endswith("_IN_PROGRESS"):
            return warning("stack", status, "wait until the deployment has ended, and look again")
        return failed("stack", status, "read the stack's events: aws cloudformation describe-stack-events")

    def _function(self, name: str, function: str) -> Check:
        found = self.aws.call("lambda", "get_function_configuration", FunctionName=function)
        state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
        if state in {"Active", "Inactive"} and update == "Successful":  # inactive: not called for weeks
            return passed(f"function: {name}", f"{state}, {found.get('Runtime', '?')}")
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "no reason given"
        return failed(f"function: {name}", f"{state}, {update}: {reason}", REDEPLOY)

    def _secret(self, secret: ProviderSecret) -> Check:
        name = f"secret: {secret.provider}"

        def look() -> Check:
            fault = secret.fault(secret.text(self.aws))
            advice = f"vectorgate providers set {secret.provider} --stack {self.stack.name}"
            return passed(name, "usable") if fault is None else failed(name, fault, advice)

        return looked_at(name, look)

    def _master_key(self) -> Check:
        secret = self.stack.output("MasterKeySecretId")
        text = self.aws.call("secretsmanager", "get_secret_value", SecretId=secret).get("SecretString", "")
        if text.strip():
            return passed("secret: master key", "readable")
        return failed("secret: master key", "empty", f"put a random text of 32 characters or more into {secret}")

    def _schedule(self) -> Check:
        """The schedule that calls the meter."""
        name = self.stack.resources.get("MeterTick")
        if name is None:
            return failed("schedule", "nothing calls the meter", REDEPLOY)
        found = self.aws.call("scheduler", "get_schedule", Name=name)
        if found.get("State") != "ENABLED":
            advice = f"aws scheduler get-schedule --name {name}, then update-schedule with the same values and ENABLED"
            return failed("schedule", f"{name} is {found.get('State')}", advice)
        return passed("schedule", str(found.get("ScheduleExpression")))

    def _called(self, name: str, function: str) -> Check:
        """What calls a function with the events of a stream or a queue."""
        found = self.aws.call("lambda", "list_event_source_mappings", FunctionName=function)["EventSourceMappings"]
        if not found:
            return failed(name, f"nothing calls {function}", REDEPLOY)
        off = [each for each in found if each.get("State") not in {"Enabled", "Enabling", "Updating", "Creating"}]
        if not off:
            return passed(name, f"{len(found)} enabled")
        advice = f"aws lambda update-event-source-mapping --uuid {off[0].get('UUID')} --enabled"
        return failed(name, ", ".join(sorted({str(each.get("State")) for each in off})), advice)

    def _queues(self) -> list[tuple[str, str]]:
        """The stack's queues by their names in the template; their physical ids are URLs."""
        found = self.stack.resources.items()
        return [(name, url) for name, url in found if name.endswith((FAILURES, QUEUE)) and "://" in url]

    def _queue(self, name: str, url: str) -> Check:
        wanted = "ApproximateNumberOfMessages"
        found = self.aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=[wanted])
        count = int(found.get("Attributes", {}).get(wanted, 0))
        if name.endswith(FAILURES):
            if count:
                return warning(f"queue: {name}", f"{count} dead letters", RUNBOOK)
            return passed(f"queue: {name}", "empty")
        if count < BACKLOG:
            return passed(f"queue: {name}", f"{count} waiting")
        advice = "look at the function's log and its alarms, if they do not become fewer"
        return warning(f"queue: {name}", f"{count} waiting", advice)

    def _alarms(self) -> Check:
        """The stack's alarms in the state ALARM."""
        names = set(self.stack.resources.values())
        found = self.aws.call("cloudwatch", "describe_alarms", StateValue="ALARM").get("MetricAlarms", [])
        alarms = [each for each in found if each["AlarmName"] in names]
        if not alarms:
            return passed("alarms", "none is on")
        said = "; ".join(f"{each['AlarmName']}: {each.get('AlarmDescription', '')}" for each in alarms)
        return Check("alarms", Result.WARNING, said, "docs/runbook.md says what each means")
