"""What SAM makes of a template: the resources that CloudFormation is asked for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION: Final = "eu-central-1"
NESTED: Final = "AWS::CloudFormation::Stack"


class NoPolicies:
    """No function of ours has a managed policy."""

    def load(self) -> Mapping[str, str]:
        """None."""
        return {}


def read(path: Path) -> dict[str, Any]:
    """Return the template of a file, with each template that it nests in the place of its file's name."""
    made: dict[str, Any] = yaml_parse(path.read_text("utf-8"))
    for properties in nested_in(made):
        properties["TemplateURL"] = read(path.with_name(properties["TemplateURL"]))
    return made


def nested_in(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The properties of the stacks that a template nests."""
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == NESTED]


def resources_with(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The resources among which one is, of the template or of one that it nests. LookupError if it is in none."""
    templates = [template, *(each["TemplateURL"] for each in nested_in(template))]
    found: dict[str, Any] = next((each["Resources"] for each in templates if name in each["Resources"]), {})
    if not found:
        raise LookupError(f"no template has {name}")
    return found


def translated(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template after SAM's transformation. Code and layers that are packaged are where it says."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        made: dict[str, Any] = transform(copy.deepcopy(dict(template)), {}, NoPolicies())
    return made


def packaged(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template with an address in S3 for each local path, as `sam package` leaves it."""
    made = copy.deepcopy(dict(template))
    places = {
        "AWS::Serverless::Function": ("CodeUri", "s3://bucket/part.zip"),
        "AWS::Serverless::LayerVersion": ("ContentUri", "s3://bucket/part.zip"),
        NESTED: ("TemplateURL", "https://s3.eu-central-1.amazonaws.com/bucket/part.template"),
    }
    for resource in made["Resources"].values():
        if resource["Type"] in places:
            place, address = places[resource["Type"]]
            resource["Properties"][place] = address
    return made
