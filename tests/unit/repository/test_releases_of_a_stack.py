"""Releases: versions behind an alias, which CodeDeploy moves and takes back; and who is asked before."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from tests.fakes.code_deploy import steps
from tests.helpers.sam import packaged, translated
from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    TEMPLATE,
    deployed,
    listed,
    made_of_type,
    of_type,
    resolved,
    statements,
    variables,
)
from vectorgate.entrypoints.release_check import settings
from vectorgate.entrypoints.release_check.checks import CHECKS

ANSWERING: Final = ("Api", "Admin", "Invoke", "Stream")
# Of no caller: what they fail at comes again, and CloudFormation takes their code back with the others'.
BEHIND: Final = {"UsageLogger", "Meter", "Ingest", "Exporter"}
SNAPSHOT_MB: Final = 512  # of ephemeral storage, the most with SnapStart


def versions(template: dict[str, Any]) -> dict[str, str]:
    """The logical id of each function's version, by the function."""
    found = translated(template)["Resources"].items()
    return {each["Properties"]["FunctionName"]["Ref"]: k for k, each in found if each["Type"] == "AWS::Lambda::Version"}


def functions_alone() -> dict[str, Any]:
    """The template with the functions that answer callers and the layers alone: SAM reads it in a tenth of the time."""
    template = packaged(TEMPLATE)
    kept = {*ANSWERING, "CoreLayer", "DepsLayer"}
    template["Resources"] = {name: each for name, each in template["Resources"].items() if name in kept}
    for name in ANSWERING:
        template["Resources"][name]["Properties"].pop("Events", None)
    return template


def references(value: Any) -> set[str]:
    """The resources that a value depends on."""
    text = json.dumps(value)
    named = re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)(?:\.\w+)?\}', text)
    return {name for names in named for name in names if name in deployed()["Resources"]}


def test_the_functions_that_answer_callers_run_published_versions_and_the_others_need_none() -> None:
    released = {name for name, each in FUNCTIONS.items() if "AutoPublishAlias" in each}
    assert released == set(ANSWERING)
    assert set(FUNCTIONS) == released | BEHIND | {"ReleaseCheck"}
    assert {each["Name"] for each in made_of_type("AWS::Lambda::Alias").values()} == {"live"}


def test_a_changed_layer_publishes_a_version_of_every_function_and_the_same_one_none() -> None:
    before = versions(functions_alone())
    assert set(before) == set(ANSWERING)
    assert versions(functions_alone()) == before
    for layer in ("CoreLayer", "DepsLayer"):
        template = functions_alone()
        template["Resources"][layer]["Properties"]["ContentUri"] = "s3://bucket/changed.zip"
        assert not set(before.values()) & set(versions(template).values())


def test_another_release_publishes_versions_with_the_parameters_of_today() -> None:
    assert {json.dumps(each["Description"]) for each in made_of_type("AWS::Lambda::Version").values()} == {
        '{"Ref": "Release"}'  # CloudFormation replaces a version whose description changes
    }
    for name in ANSWERING:  # and Lambda publishes none of a function that is as it was
        assert variables(name, {"Release": "a"}) != variables(name, {"Release": "b"})


def test_a_released_function_is_called_by_its_alias() -> None:
    aliases = {f"{name}Aliaslive" for name in ANSWERING}
    assert {each["FunctionName"]["Ref"] for each in made_of_type("AWS::Lambda::Permission").values()} <= aliases
    body = json.dumps(made_of_type("AWS::ApiGatewayV2::Api")["GatewayApi"]["Body"])
    assert set(re.findall(r"/functions/\$\{(\w+)", body)) == {"ApiAliaslive", "AdminAliaslive"}
    (url,) = of_type("AWS::Lambda::Url").values()
    assert (url["Qualifier"], RESOURCES["StreamUrl"]["DependsOn"]) == ("live", "StreamAliaslive")
    retries = made_of_type("AWS::Lambda::EventInvokeConfig")["InvokeEventInvokeConfig"]
    assert retries["Qualifier"] == "live"
    outputs = deployed()["Outputs"]
    assert outputs["InvokeFunction"]["Value"] == {"Fn::Sub": "${Invoke}:live"}
    assert outputs["InvokeFunctionArn"]["Value"] == {"Ref": "InvokeAliaslive"}


def test_a_release_is_shifted_as_chosen_and_taken_back_by_alarms_that_exist() -> None:
    chosen = TEMPLATE["Parameters"]["ReleaseType"]
    assert chosen["Default"].startswith("Canary10Percent")
    assert "AllAtOnce" in chosen["AllowedValues"]
    groups = made_of_type("AWS::CodeDeploy::DeploymentGroup")
    assert set(groups) == {f"{name}DeploymentGroup" for name in ANSWERING}
    for group in groups.values():
        alarms = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
        assert set(alarms) <= set(of_type("AWS::CloudWatch::Alarm"))
        assert len(alarms) <= 10  # CodeDeploy's most
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["ReleaseRole", "Arn"]}
    resources = deployed()["Resources"]
    assert resources["StreamDeploymentGroup"]["Condition"] == "HasStreamingUrl"
    for name in ANSWERING:
        moved = resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert moved["BeforeAllowTrafficHook"] == {"Ref": "ReleaseCheck"}


def test_every_alarm_of_a_release_rings_for_any_version_within_the_shortest_canary() -> None:
    kinds = TEMPLATE["Parameters"]["ReleaseType"]["AllowedValues"]
    plans = [steps(f"CodeDeployDefault.Lambda{kind}") for kind in kinds]
    shortest = min(sum(minutes for _, minutes in plan) for plan in plans if plan)
    every = of_type("AWS::CloudWatch::Alarm")
    for name, group in made_of_type("AWS::CodeDeploy::DeploymentGroup").items():
        alarms = [every[each["Name"]["Ref"]] for each in group["AlarmConfiguration"]["Alarms"]]
        for alarm in alarms:
            assert alarm["Period"] * alarm["EvaluationPeriods"] <= 60 * shortest
            assert {each["Name"] for each in alarm["Dimensions"]} <= {"FunctionName", "service"}  # of each version
        own = [{"Name": "FunctionName", "Value": {"Ref": name.removesuffix("DeploymentGroup")}}]
        assert own in [alarm["Dimensions"] for alarm in alarms if alarm["MetricName"] == "Errors"]
        # An error of Lambda's; a row that says 5xx; a defect, which leaves none; a row that stays open.
        assert {alarm["MetricName"] for alarm in alarms} == {"Errors", "Failures", "Crashes", "Unrecorded"}


def test_every_type_of_release_is_one_of_codedeploys() -> None:
    template = functions_alone()
    for kind in template["Parameters"]["ReleaseType"]["AllowedValues"]:
        template["Parameters"]["ReleaseType"]["Default"] = kind
        group = translated(template)["Resources"]["ApiDeploymentGroup"]["Properties"]
        name = group["DeploymentConfigName"]["Fn::Sub"]
        assert name == ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": kind}]


def test_nothing_depends_on_itself_by_way_of_a_release() -> None:
    graph = {name: references(each) for name, each in deployed()["Resources"].items()}
    left = dict(graph)
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert left == {}


def test_the_check_of_a_release_tries_every_version_and_may_do_nothing_else() -> None:
    found = settings.read(variables("ReleaseCheck", {"StreamingUrl": "on"}))
    assert {name.capitalize() for name in found.versions} == set(ANSWERING)
    assert set(found.versions) == set(CHECKS)
    assert set(settings.read(variables("ReleaseCheck", {})).versions) == set(CHECKS) - {"stream"}
    actions = {each["Sid"]: listed(each["Action"]) for each in statements("ReleaseCheckRole")}
    assert actions.pop("TryVersions") == ["lambda:InvokeFunction"]
    assert actions.pop("ReportToCodeDeploy") == ["codedeploy:PutLifecycleEventHookExecutionStatus"]
    assert set(actions) == {"Log", "Trace", "AttachToVpc"}


def test_snapstart_is_off_by_default_and_for_functions_that_may_have_it() -> None:
    on = {"SnapStart": "on"}
    for name, function in FUNCTIONS.items():
        assert resolved(function.get("SnapStart", NO_VALUE), {}) is NO_VALUE
        if name in ANSWERING:
            assert resolved(function["SnapStart"], on) == {"ApplyOn": "PublishedVersions"}
            assert function.get("EphemeralStorage", {}).get("Size", SNAPSHOT_MB) <= SNAPSHOT_MB
            assert "ProvisionedConcurrencyConfig" not in function
        else:
            assert "SnapStart" not in function
