"""A deployment in CloudFormation: its outputs, parameters and resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.exits import NOT_FOUND, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.client.cli.aws import Aws

STACK: Final = "vectorgate"
NESTED: Final = "AWS::CloudFormation::Stack"
stack_options = fields.options(
    click.option("--stack", default=STACK, show_default=True, help="The name of the stack in CloudFormation."),
    click.option("--region", help="Of AWS. Default: as AWS's own tools find it, like the credentials."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What CloudFormation says.

    `resources`: physical ids by logical ones, of nested stacks, too. `date`: of its answer, as HTTP writes it.
    """

    name: str
    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    resources: Mapping[str, str]
    date: str | None = None

    def output(self, name: str) -> str:
        """An output. Failure for one that the stack does not have."""
        if name not in self.outputs:
            raise Failure(
                f"the stack {self.name} has no output {name}: is it vectorgate's, and of this release?", NOT_FOUND
            )
        return self.outputs[name]


def stack_of(name: str, aws: Aws) -> Stack:
    """The stack. Failure where there is none, or AWS does not let it be read."""
    answer = aws.call("cloudformation", "describe_stacks", StackName=name)
    found = answer["Stacks"][0]
    return Stack(
        name=name,
        status=found["StackStatus"],
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", ())},
        resources=dict(_resources(name, aws)),
        date=answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"),
    )


def _resources(name: str, aws: Aws) -> Iterator[tuple[str, str]]:
    following: dict[str, str] = {}
    while True:
        page = aws.call("cloudformation", "list_stack_resources", StackName=name, **following)
        for each in page["StackResourceSummaries"]:
            yield each["LogicalResourceId"], each.get("PhysicalResourceId", "")
            if each.get("ResourceType") == NESTED and each.get("PhysicalResourceId"):
                yield from _resources(each["PhysicalResourceId"], aws)
        if not page.get("NextToken"):
            return
        following = {"NextToken": page["NextToken"]}
