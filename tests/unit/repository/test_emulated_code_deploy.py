"""The emulated CodeDeploy: what it asks of Lambda and CloudWatch in which order, and where it takes a release back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.code_deploy import Group, Refused, report, steps
from tests.fakes.released_alias import NEW, OLD, ReleasedAlias
from tests.helpers.template import made_of_type

if TYPE_CHECKING:
    from collections.abc import Collection

ALARMS = ("Errors", "Failures")
EVERY = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}


def released(
    alias: ReleasedAlias,
    config: str = "Canary10Percent5Minutes",
    *,
    ignores: bool = False,
    events: Collection[str] = EVERY,
) -> str:
    """How a deployment ends whose group has both alarms."""
    return alias.released(Group(f"CodeDeployDefault.Lambda{config}", ALARMS, ignores, frozenset(events)))


def said(status: str, hook: str = "hook-d-1", deployment: str = "d-1") -> dict[str, str]:
    """A hook's report."""
    return {"deploymentId": deployment, "lifecycleEventHookExecutionId": hook, "status": status}


def test_a_canary_and_a_linear_release_shift_their_shares_and_then_all() -> None:
    alias = ReleasedAlias(ALARMS)
    assert released(alias) == "Succeeded"
    assert (alias.moves, alias.minute) == ([(OLD, {NEW: 0.1}), (NEW, {})], 5)
    alias = ReleasedAlias(ALARMS)
    assert released(alias, "Linear10PercentEvery1Minute") == "Succeeded"
    assert ([weights for _, weights in alias.moves[:2]], len(alias.moves)) == ([{NEW: 0.1}, {NEW: 0.2}], 10)
    assert steps("CodeDeployDefault.LambdaAllAtOnce") == []
    with pytest.raises(ValueError, match="No deployment configuration found"):
        steps("CodeDeployDefault.LambdaCanary")


def test_a_release_stops_before_its_traffic_or_is_taken_back() -> None:
    for alias, ends, moves in (
        (ReleasedAlias(ALARMS, hook="Failed"), "Failed HOOK_EXECUTION_FAILURE", []),
        (ReleasedAlias(ALARMS, hook=None), "Failed HOOK_EXECUTION_FAILURE", []),  # within an hour
        (ReleasedAlias(ALARMS, on={"Errors": 0}), "Stopped ALARM_ACTIVE", []),
        (ReleasedAlias(ALARMS, on={"Failures": 3}), "Stopped ALARM_ACTIVE", [(OLD, {NEW: 0.1}), (OLD, {})]),
        (ReleasedAlias(ALARMS[:1]), "Stopped ALARM_ACTIVE", []),  # whose state cannot be read
    ):
        assert released(alias) == ends
        assert alias.moves == moves
    assert released(ReleasedAlias(ALARMS[:1]), ignores=True) == "Succeeded"
    stays = ReleasedAlias(ALARMS, on={"Failures": 3})
    assert released(stays, events=()) == "Stopped ALARM_ACTIVE"
    assert stays.moves == [(OLD, {NEW: 0.1})]


def test_an_alias_that_was_moved_meanwhile_is_left_as_it_is() -> None:
    alias = ReleasedAlias(ALARMS)
    alias.moves.append(("7", {}))
    assert released(alias) == "Failed INVALID_LAMBDA_CONFIGURATION"
    assert len(alias.moves) == 1


def test_a_hook_reports_once_for_its_own_deployment() -> None:
    deployment = ReleasedAlias(ALARMS).deployment
    refusals: tuple[tuple[dict[str, str], str], ...] = (
        (said("Succeeded", deployment="d-2"), "DeploymentDoesNotExist"),
        (said("Succeeded", hook="hook-d-2"), "InvalidLifecycleEventHookExecutionId"),
        (said("Skipped"), "InvalidLifecycleEventHookExecutionStatus"),
    )
    for call, reason in refusals:
        with pytest.raises(Refused, match=reason):
            report({"d-1": deployment}, call)
    report({"d-1": deployment}, said("Succeeded"))
    with pytest.raises(Refused, match="LifecycleEventAlreadyCompleted"):
        report({"d-1": deployment}, said("Failed"))


def test_the_groups_of_the_template_are_read() -> None:
    properties = dict(made_of_type("AWS::CodeDeploy::DeploymentGroup")["ApiDeploymentGroup"])
    group = Group.of({**properties, "DeploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce"})
    assert len(group.alarms) == 9
    assert group.events >= EVERY
    off = {
        "AlarmConfiguration": {**properties["AlarmConfiguration"], "Enabled": False},
        "AutoRollbackConfiguration": {},
    }
    assert (Group.of({**properties, **off}).alarms, Group.of({**properties, **off}).events) == ((), frozenset())
