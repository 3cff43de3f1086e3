"""What SAM makes of a template: the resources that CloudFormation is asked for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.translator.transform import transform

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION: Final = "eu-central-1"


class NoPolicies:
    """No function of ours has a managed policy."""

    def load(self) -> Mapping[str, str]:
        """None."""
        return {}


def translated(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template after SAM's transformation. Code and layers that are packaged are where it says."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        made: dict[str, Any] = transform(copy.deepcopy(dict(template)), {}, NoPolicies())
    return made


def packaged(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template with an address in S3 for each local path, as `sam package` leaves it."""
    made = copy.deepcopy(dict(template))
    places = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
    for resource in made["Resources"].values():
        if resource["Type"] in places:
            resource["Properties"][places[resource["Type"]]] = "s3://bucket/part.zip"
    return made
