"""CodeDeploy, as far as CloudFormation uses it to move the alias of a Lambda function.

What it does, and where AWS says so (below https://docs.aws.amazon.com/codedeploy/latest/):

- The steps of a predefined configuration: userguide/deployment-configurations.html. A canary is a share, and the rest
  after some minutes; a linear one the same share each time.
- The hook BeforeAllowTraffic gets `DeploymentId` and `LifecycleEventHookExecutionId` before any traffic is shifted, and
  has an hour to report: userguide/reference-appspec-file-structure-hooks.html#appspec-hooks-lambda
- It reports `Succeeded` or `Failed`, once: APIReference/API_PutLifecycleEventHookExecutionStatus.html
- An alarm of the group that is on stops the deployment, also one that was on before it, and so does one whose state
  cannot be read: APIReference/API_AlarmConfiguration.html, and API_CreateDeployment.html, overrideAlarmConfiguration
- The events on which the alias is taken back: APIReference/API_AutoRollbackConfiguration.html
- An alias has one version and at most one more with a weight: /lambda/latest/dg/configuring-alias-routing.html
- An alias that is not at the version that the deployment replaces fails it, with INVALID_LAMBDA_CONFIGURATION:
  https://github.com/aws/serverless-application-model/issues/291

Not emulated: AfterAllowTraffic, which no function of ours has; triggers; a stop on request; that a rollback is a
deployment of its own.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOOK_MINUTES: Final = 60
SHIFTED: Final = 1.0  # the whole traffic
ON_ALARM: Final = "DEPLOYMENT_STOP_ON_ALARM"
ON_FAILURE: Final = "DEPLOYMENT_FAILURE"
_CANARY: Final = re.compile(r"CodeDeployDefault\.LambdaCanary(\d+)Percent(\d+)Minutes")
_LINEAR: Final = re.compile(r"CodeDeployDefault\.LambdaLinear(\d+)PercentEvery(\d+)Minutes?")


class NotDeployed(Exception):
    """A deployment did not succeed. `event`: that of AutoRollbackConfiguration; `code`: CodeDeploy's."""

    def __init__(self, event: str, code: str, message: str) -> None:
        super().__init__(f"{message} (Error code: {code})")
        self.event = event
        self.code = code


class Refused(Exception):
    """A call that CodeDeploy refuses, by the name of its exception."""


def steps(config: str) -> list[tuple[float, int]]:
    """The shares of a predefined configuration, each with the minutes until the next. ValueError for an unknown one."""
    if config == "CodeDeployDefault.LambdaAllAtOnce":
        return []
    if canary := _CANARY.fullmatch(config):
        return [(int(canary[1]) / 100, int(canary[2]))]
    if linear := _LINEAR.fullmatch(config):
        return [(share / 100, int(linear[2])) for share in range(int(linear[1]), 100, int(linear[1]))]
    raise ValueError(f"No deployment configuration found for name: {config}")


@dataclass(frozen=True, slots=True)
class Group:
    """A deployment group. `events`: those on which it is taken back."""

    config: str
    alarms: tuple[str, ...]
    ignores_unknown_alarms: bool
    events: frozenset[str]

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Group:
        """The group of a resource AWS::CodeDeploy::DeploymentGroup."""
        alarms, back = properties.get("AlarmConfiguration", {}), properties.get("AutoRollbackConfiguration", {})
        return cls(
            config=properties["DeploymentConfigName"],
            alarms=tuple(each["Name"] for each in alarms.get("Alarms", ())) if alarms.get("Enabled") else (),
            ignores_unknown_alarms=bool(alarms.get("IgnorePollAlarmFailure")),
            events=frozenset(back.get("Events", ())) if back.get("Enabled") else frozenset(),
        )


@dataclass(slots=True)
class Deployment:
    """One move of an alias. `status`: as GetDeployment has it; `shifts`: when each share was shifted, in seconds."""

    id: str
    function: str
    alias: str
    current: str
    target: str
    hook: str | None
    status: str = "Created"
    problem: str | None = None
    hook_status: str | None = None
    shifts: list[tuple[float, float]] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def hook_id(self) -> str:
        """The id of its hook's execution."""
        return f"hook-{self.id}"

    def record(self) -> dict[str, Any]:
        """What a test reads."""
        kept = ("id", "function", "alias", "current", "target", "status", "problem", "hook_status", "shifts")
        return {name: getattr(self, name) for name in kept}


@dataclass(frozen=True, slots=True)
class CodeDeploy:
    """The service. `functions`, `watch`: clients of Lambda and CloudWatch with the group's role.

    `now`: seconds; `wait`: for seconds; `minute`: its length, in seconds.
    """

    functions: Any
    watch: Any
    now: Callable[[], float]
    wait: Callable[[float], object]
    minute: float

    def deploy(self, deployment: Deployment, group: Group) -> None:
        """Move the alias. NotDeployed, once it is back if the group says so."""
        deployment.status = "InProgress"
        try:
            self._begin(deployment, group)
            for share, minutes in steps(group.config):
                self._shift(deployment, share)
                self._watched(group, minutes)
            self._shift(deployment, SHIFTED)
            deployment.status = "Succeeded"
        except NotDeployed as problem:
            deployment.status = "Stopped" if problem.event == ON_ALARM else "Failed"
            deployment.problem = str(problem)
            if problem.event in group.events and deployment.shifts:
                self._shift(deployment, 0)
            raise

    def _begin(self, deployment: Deployment, group: Group) -> None:
        alias = self.functions.get_alias(FunctionName=deployment.function, Name=deployment.alias)
        if alias["FunctionVersion"] != deployment.current:
            text = "The Lambda function alias version does not match the current version in AppSpec file."
            raise NotDeployed(ON_FAILURE, "INVALID_LAMBDA_CONFIGURATION", text)
        self._provisioned(deployment)
        self._look_at_alarms(group)
        if deployment.hook is not None:
            self._ask(deployment, group)

    def _provisioned(self, deployment: Deployment) -> None:
        """Look for provisioned concurrency, for which AWS would wait; no function of ours has any."""
        try:
            self.functions.get_provisioned_concurrency_config(
                FunctionName=deployment.function, Qualifier=deployment.alias
            )
        except self.functions.exceptions.ProvisionedConcurrencyConfigNotFoundException:
            return
        raise NotDeployed(ON_FAILURE, "LAMBDA_PROVISIONED_CONCURRENCY", "Provisioned concurrency is not emulated.")

    def _ask(self, deployment: Deployment, group: Group) -> None:
        """Call the hook, and wait for its report while alarms are watched."""
        event = {"DeploymentId": deployment.id, "LifecycleEventHookExecutionId": deployment.hook_id}
        content = json.dumps(event).encode()
        self.functions.invoke(FunctionName=deployment.hook, InvocationType="Event", Payload=content)
        self._watched(group, HOOK_MINUTES, until=deployment.answered.is_set)
        if deployment.hook_status != "Succeeded":
            text = f"The hook BeforeAllowTraffic said {deployment.hook_status}."
            raise NotDeployed(ON_FAILURE, "HOOK_EXECUTION_FAILURE", text)

    def _watched(self, group: Group, minutes: float, until: Callable[[], bool] = lambda: False) -> None:
        end = self.now() + minutes * self.minute
        while self.now() < end and not until():
            self._look_at_alarms(group)
            self.wait(min(self.minute / 4, max(end - self.now(), 0)))
        self._look_at_alarms(group)

    def _look_at_alarms(self, group: Group) -> None:
        found = self.watch.describe_alarms(AlarmNames=list(group.alarms))["MetricAlarms"] if group.alarms else []
        states = {each["AlarmName"]: each["StateValue"] for each in found}
        if set(group.alarms) - states.keys() and not group.ignores_unknown_alarms:
            raise NotDeployed(ON_ALARM, "ALARM_ACTIVE", f"No such alarm: {set(group.alarms) - states.keys()}")
        if ringing := sorted(name for name, state in states.items() if state == "ALARM"):
            raise NotDeployed(ON_ALARM, "ALARM_ACTIVE", f"One or more alarms have been activated: {ringing}")

    def _shift(self, deployment: Deployment, share: float) -> None:
        """Give the new version a share of the traffic: none, a part, or all."""
        weights = {deployment.target: share} if 0 < share < SHIFTED else {}
        deployment.shifts.append((self.now(), share))
        self.functions.update_alias(
            FunctionName=deployment.function,
            Name=deployment.alias,
            FunctionVersion=deployment.target if share == SHIFTED else deployment.current,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )


def report(deployments: Mapping[str, Deployment], call: Mapping[str, str]) -> dict[str, str]:
    """Take what a hook says, PutLifecycleEventHookExecutionStatus. Refused."""
    deployment = deployments.get(call["deploymentId"])
    if deployment is None:
        raise Refused("DeploymentDoesNotExistException")
    if call["lifecycleEventHookExecutionId"] != deployment.hook_id:
        raise Refused("InvalidLifecycleEventHookExecutionIdException")
    if call["status"] not in {"Succeeded", "Failed"}:
        raise Refused("InvalidLifecycleEventHookExecutionStatusException")
    if deployment.hook_status is not None:
        raise Refused("LifecycleEventAlreadyCompletedException")
    deployment.hook_status = call["status"]
    deployment.answered.set()
    return {"lifecycleEventHookExecutionId": deployment.hook_id}
