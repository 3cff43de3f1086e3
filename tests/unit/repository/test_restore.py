"""`tools/restore.sh`, which puts a restored table into the stack: its commands, and the templates that it makes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.helpers.template import ROOT, deployed

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "vectorgate-Table-1ABC-restored"
ARN: Final = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{NAME}"
WRITERS: Final = ("ApiFunction", "StreamFunction", "InvokeFunction", "AdminFunction", "MeterFunction")
STREAM: Final = f"{ARN}/stream/2026-11-23T05:00:00.000"


@cache
def processed() -> str:
    """What CloudFormation deploys: template.yaml after SAM's transformation, as `sam deploy` sends it."""
    return json.dumps(deployed())


def run(folder: Path, template: str) -> subprocess.CompletedProcess[str]:
    """Make the templates of that one."""
    (folder / "before.json").write_text(template)
    command = [sys.executable, str(ROOT / "tools/restore_templates.py"), NAME, ARN, STREAM]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own lines


def literal(value: Any) -> Any:
    """A part of the template in which the new table's names stand for every reference to the old one."""
    if isinstance(value, str):
        return value.replace("${Table.Arn}", ARN).replace("${Table}", NAME)
    if isinstance(value, list):
        return [literal(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {"Ref": {"Table": NAME, "Release": NAME}, "Fn::GetAtt": {"Table.Arn": ARN, "Table.StreamArn": STREAM}}
    for function, known in names.items():
        argument = value.get(function)
        argument = ".".join(argument) if isinstance(argument, list) else argument
        if argument in known:
            return known[argument]
    return {key: literal(part) for key, part in value.items()}


def test_the_first_template_says_the_new_tables_names_and_has_no_table(tmp_path: Path) -> None:
    done = run(tmp_path, processed())
    assert done.returncode == 0, done.stderr
    expected = json.loads(processed())
    for resource in expected["Resources"].values():  # no hook can try a version while the functions are stopped
        resource.pop("UpdatePolicy", None)
    assert json.loads((tmp_path / "after.json").read_text()) == expected
    del expected["Resources"]["Table"]
    assert json.loads((tmp_path / "without.json").read_text()) == literal(expected)
    assert {NAME, ARN, STREAM} <= set(re.findall(r'"([^"]*)"', (tmp_path / "without.json").read_text()))


def test_what_is_imported_is_the_table_as_it_was_and_nothing_else_changes(tmp_path: Path) -> None:
    run(tmp_path, processed())
    without, imported = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("without", "import"))
    table = imported["Resources"].pop("Table")
    assert imported == without
    assert table == json.loads(processed())["Resources"]["Table"]
    assert table["DeletionPolicy"] == "Retain"  # which an import asks for, and which keeps the old one


@pytest.mark.parametrize(
    "forgotten",
    [
        {"DependsOn": "Table"},
        {"Properties": {"TopicName": {"Fn::Sub": "${Table.TableId}-x"}}},
        {"Properties": {"TopicName": {"Fn::GetAtt": "Table.Arn"}}},
        {"Properties": {"TopicName": {"Fn::GetAtt": ["Table", "TableId"]}}},
    ],
)
def test_a_reference_that_it_does_not_know_makes_no_template(tmp_path: Path, forgotten: dict[str, Any]) -> None:
    template = json.loads(processed())
    template["Resources"]["Late"] = {"Type": "AWS::SNS::Topic", **forgotten}
    assert "do not deploy" in run(tmp_path, json.dumps(template)).stderr
    assert not (tmp_path / "without.json").exists()


# Stands for AWS's command line: writes down what it is asked, and answers what the script goes on with.
AWS: Final = r"""#!/bin/sh
echo "$*" >> "$0.log"
case "$*" in
  *"OutputKey=='TableName'"*) echo old ;;
  *"OutputKey=='"*) echo "$*" | sed "s/.*OutputKey=='\\([A-Za-z]*\\).*/\\1/" ;;
  *"ParameterKey=='ApiConcurrency'"*) echo 40 ;;
  *"ParameterKey=='StreamingConcurrency'"*) echo 0 ;;
  *EventSourceMappings*) echo mapping ;;
  *"describe-table "*StreamEnabled) echo null ;;
  *"describe-table "*LatestStreamArn*) echo NAME ARN STREAM ;;
  *"describe-table "*) exit 254 ;;
  *describe-time-to-live*) echo DISABLED ;;
  *get-template*) cat "$0.json" ;;
esac
"""


# What the script asks for besides reading.
COMMANDS: Final = [
    *(f"put-function-concurrency --function-name {name} --reserved-concurrent-executions 0" for name in WRITERS),
    *["update-event-source-mapping --uuid mapping --no-enabled"] * 2,
    (
        "restore-table-to-point-in-time --source-table-name old --target-table-name new"
        " --restore-date-time 2026-11-28T03:00:00Z"
    ),
    "wait table-exists --table-name new",
    "update-table --table-name new --stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE",
    "wait table-exists --table-name new",
    "update-table --table-name new --deletion-protection-enabled",
    "wait table-exists --table-name new",
    "update-time-to-live --table-name new --time-to-live-specification Enabled=true,AttributeName=ttl",
    "update-continuous-backups --table-name new --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
    "deploy --stack-name s --template-file without.json",
    "cp import.json s3://b/import.json",
    "create-change-set --stack-name s",
    "wait change-set-create-complete --stack-name s",
    "execute-change-set --stack-name s",
    "wait stack-import-complete --stack-name s",
    "deploy --stack-name s --template-file after.json",
    *["update-event-source-mapping --uuid mapping --enabled"] * 2,
    "put-function-concurrency --function-name ApiFunction --reserved-concurrent-executions 40",
    *(f"delete-function-concurrency --function-name {name}" for name in WRITERS[1:]),
]


def step(folder: Path, *arguments: str) -> None:
    """Run a step of the script with that program in AWS's place."""
    variables = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "STACK": "s", "BUCKET": "b"}
    command = ["bash", str(ROOT / "tools/restore.sh"), *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr


def test_the_steps_of_the_script_give_aws_their_commands_in_order(tmp_path: Path) -> None:
    program = tmp_path / "aws"
    program.write_text(AWS)
    program.chmod(0o755)
    (tmp_path / "aws.json").write_text(processed())
    for arguments in (["stop"], ["copy", "new", "2026-11-28T03:00:00Z"], ["import", "new"], ["start"]):
        step(tmp_path, *arguments)
    asked = re.findall(r"^\w+ ((?!describe-|list-|get-)[a-z].*)", (tmp_path / "aws.log").read_text(), re.MULTILINE)
    assert [re.sub(r" --(?:change-set-name|s3-bucket) .*", "", each) for each in asked] == COMMANDS
    imported = json.loads((tmp_path / "restore-new/import.json").read_text())
    assert imported["Resources"].keys() == json.loads(processed())["Resources"].keys()


def test_a_stack_without_streams_has_no_function_of_theirs_to_stop(tmp_path: Path) -> None:
    program = tmp_path / "aws"
    program.write_text(AWS.replace('case "$*" in', 'case "$*" in\n  *"OutputKey==\'StreamFunction\'"*) ;;', 1))
    program.chmod(0o755)
    step(tmp_path, "stop")
    step(tmp_path, "start")
    stopped = re.findall(
        r"--function-name (\w+) --reserved-concurrent-executions 0", (tmp_path / "aws.log").read_text()
    )
    assert stopped == [name for name in WRITERS if name != "StreamFunction"]
