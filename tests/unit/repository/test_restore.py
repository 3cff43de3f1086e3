"""The runbook's way to put a restored table into the stack: the templates that it makes of the deployed one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[3]
NAME: Final = "vectorgate-Table-1ABC-restored"
ARN: Final = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{NAME}"
STREAM: Final = f"{ARN}/stream/2026-11-23T05:00:00.000"


class NoPolicies:
    """No function of ours has a managed policy."""

    def load(self) -> Mapping[str, str]:
        """None."""
        return {}


@cache
def processed() -> str:
    """What CloudFormation deploys: template.yaml after SAM's transformation, as `sam deploy` sends it."""
    source = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    places = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
    for resource in source["Resources"].values():
        if resource["Type"] in places:
            resource["Properties"][places[resource["Type"]]] = "s3://bucket/part.zip"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        return json.dumps(transform(source, {}, NoPolicies()))


def script() -> str:
    """The program in the section Restore."""
    section = (ROOT / "docs/runbook.md").read_text("utf-8").partition("## Restore")[2]
    (found,) = re.findall(r"<<'END'\n(.*?)\n +END\n", section, re.DOTALL)
    return dedent(found)


def run(folder: Path, template: str) -> subprocess.CompletedProcess[str]:
    """Run it beside that template."""
    (folder / "before.json").write_text(template)
    command = [sys.executable, "-c", script(), NAME, ARN, STREAM]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own lines


def literal(value: Any) -> Any:
    """A part of the template in which the new table's names stand for every reference to the old one."""
    if isinstance(value, str):
        return value.replace("${Table.Arn}", ARN)
    if isinstance(value, list):
        return [literal(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {"Ref": {"Table": NAME}, "Fn::GetAtt": {"Table.Arn": ARN, "Table.StreamArn": STREAM}}
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
        {"Properties": {"TopicName": {"Fn::Sub": "${Table}-x"}}},
        {"Properties": {"TopicName": {"Fn::GetAtt": "Table.Arn"}}},
        {"Properties": {"TopicName": {"Fn::GetAtt": ["Table", "TableId"]}}},
    ],
)
def test_a_reference_that_it_does_not_know_makes_no_template(tmp_path: Path, forgotten: dict[str, Any]) -> None:
    template = json.loads(processed())
    template["Resources"]["Late"] = {"Type": "AWS::SNS::Topic", **forgotten}
    assert "do not deploy" in run(tmp_path, json.dumps(template)).stderr
    assert not (tmp_path / "without.json").exists()
