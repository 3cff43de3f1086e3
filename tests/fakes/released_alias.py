"""What CodeDeploy meets: the alias of a function, a hook, alarms and a clock. No more than its own calls need."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from tests.fakes.code_deploy import CodeDeploy, Deployment, Group, NotDeployed, report

OLD: Final = "1"
NEW: Final = "2"


class ReleasedAlias:
    """The clients of Lambda and CloudWatch, for a release of `function`.

    `hook`: what it reports, if anything; `on`: from which minute an alarm is on. `asked`: each call, its service, and
    what it is given; `moves`: the alias's version and weights, one after the other.
    """

    def __init__(
        self,
        alarms: tuple[str, ...],
        hook: str | None = "Succeeded",
        on: dict[str, int] | None = None,
        *,
        function: str = "Api",
    ) -> None:
        self.minute = 0.0
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.moves: list[tuple[str, dict[str, float]]] = []
        self.deployment = Deployment("d-1", function, "live", OLD, NEW, "ReleaseCheck")
        self.exceptions = SimpleNamespace(ProvisionedConcurrencyConfigNotFoundException=LookupError)
        self._alarms, self._hook, self._on = alarms, hook, on or {}

    def get_alias(self, **call: Any) -> dict[str, str]:
        """The alias."""
        self.asked.append(("GetAlias", "lambda", call))
        return {"FunctionVersion": self.moves[-1][0] if self.moves else OLD}

    def get_provisioned_concurrency_config(self, **call: Any) -> None:
        """LookupError: there is none."""
        self.asked.append(("GetProvisionedConcurrencyConfig", "lambda", call))
        raise LookupError

    def update_alias(self, **call: Any) -> None:
        """Move it."""
        self.asked.append(("UpdateAlias", "lambda", call))
        self.moves.append((call["FunctionVersion"], call["RoutingConfig"]["AdditionalVersionWeights"]))

    def invoke(self, **call: Any) -> None:
        """Report as the hook would."""
        self.asked.append(("Invoke", "lambda", call))
        if self._hook is not None:
            hook = {"deploymentId": "d-1", "lifecycleEventHookExecutionId": self.deployment.hook_id}
            report({"d-1": self.deployment}, {**hook, "status": self._hook})

    def describe_alarms(self, **call: Any) -> dict[str, Any]:
        """Those alarms that there are."""
        self.asked.append(("DescribeAlarms", "cloudwatch", call))
        on = {name for name, minute in self._on.items() if minute <= self.minute}
        there = [name for name in call["AlarmNames"] if name in self._alarms]
        return {"MetricAlarms": [{"AlarmName": each, "StateValue": "ALARM" if each in on else "OK"} for each in there]}

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.minute += seconds

    def released(self, group: Group) -> str:
        """How CodeDeploy's deployment ends."""
        service = CodeDeploy(self, self, lambda: self.minute, self.wait, minute=1)
        try:
            service.deploy(self.deployment, group)
        except NotDeployed as problem:
            return f"{self.deployment.status} {problem.code}"
        return self.deployment.status
