"""alarms.yaml, which template.yaml nests: what it is given, which alarms stand there, and how they are named."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Final

from tests.helpers.alarms import ALARM, GIVEN, NESTED, alarms, nested_on_condition
from tests.helpers.template import RESOURCES, ROOT, TEMPLATE, holds, made_of_type, of_type, resolved

SECRET: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:admin-abcdef"
# By the condition of alarms.yaml, that of template.yaml which it stands for, and parameters for either.
CONDITIONS: Final = {
    "HasStreamingUrl": ("HasStreamingUrl", {"StreamingUrl": "on"}, {"StreamingUrl": "off"}),
    "Exports": ("Exports", {"ExportS3": "on"}, {"ExportEvents": "off"}),
    "ComparesBill": ("HasOpenAIAdminSecret", {"OpenAIAdminSecretArn": SECRET}, {"OpenAIAdminSecretArn": ""}),
    "HasAlarmTopic": ("HasAlarmTopic", {"AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:a"}, {}),
}


def test_the_nested_template_has_alarms_alone_and_is_given_each_parameter_that_it_has() -> None:
    assert RESOURCES["Alarms"]["Properties"].keys() == {"TemplateURL", "Parameters"}
    assert (ROOT / RESOURCES["Alarms"]["Properties"]["TemplateURL"]).samefile(ROOT / "alarms.yaml")
    assert {each["Type"] for each in NESTED["Resources"].values()} == {ALARM}
    assert GIVEN.keys() == NESTED["Parameters"].keys()
    used = set(re.findall(r'"Ref": "(\w+)"|\$\{(\w+)\}', json.dumps([NESTED["Resources"], NESTED["Conditions"]])))
    assert {first or second for first, second in used} == NESTED["Parameters"].keys()


def test_a_condition_of_the_nested_template_holds_where_the_templates_own_does() -> None:
    assert NESTED["Conditions"].keys() == CONDITIONS.keys()
    for nested, (own, on, off) in CONDITIONS.items():
        for given, expected in ((on, True), (off, False)):
            passed = {name: resolved(value, given) for name, value in GIVEN.items()}
            assert holds(NESTED["Conditions"][nested], passed) is holds(TEMPLATE["Conditions"][own], given) is expected
    of_bills = {name for name in alarms() if name in {"UncapturedAlarm", "BillFailuresAlarm"}}
    assert of_bills & nested_on_condition({}) == set()
    assert of_bills <= nested_on_condition({"OpenAIAdminSecretArn": SECRET})


def test_the_alarms_that_take_a_release_back_are_not_nested_and_all_others_are() -> None:
    groups = made_of_type("AWS::CodeDeploy::DeploymentGroup").values()
    named = {each["Name"]["Ref"] for group in groups for each in group["AlarmConfiguration"]["Alarms"]}
    assert set(of_type(ALARM)) == named
    assert not named & NESTED["Resources"].keys()


def test_cloudformation_names_each_alarm_so_that_no_other_stack_and_no_earlier_template_has_its_name() -> None:
    assert not [name for name, each in alarms().items() if "AlarmName" in each]
    assert "AWS::StackName" not in json.dumps(NESTED)  # which is the nested stack's own, not that of the metrics


def test_sam_deploy_acknowledges_a_template_of_sams_that_nests_a_stack() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    assert settings["default"]["deploy"]["parameters"]["capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
