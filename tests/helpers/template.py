"""template.yaml as tests read it: its resources, what each role allows, and what CloudFormation makes of a value."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.helpers.sam import packaged, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
TEMPLATE: Final[dict[str, Any]] = yaml_parse((ROOT / "template.yaml").read_text())
RESOURCES: Final[dict[str, dict[str, Any]]] = TEMPLATE["Resources"]
FUNCTIONS: Final = {
    name: {**TEMPLATE["Globals"]["Function"], **resource["Properties"]}
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
# But for the check of a release, which runs in a deployment alone: it fails the deployment, and sets off no alarm.
SERVING: Final = {name: function for name, function in FUNCTIONS.items() if name != "ReleaseCheck"}
NO_VALUE: Final = object()
PLACES: Final = re.compile(r"\$\{([^}]+)\}")


@cache
def deployed() -> dict[str, Any]:
    """The template that CloudFormation deploys, after SAM's transformation."""
    return translated(packaged(TEMPLATE))


def made_of_type(name: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type that CloudFormation deploys."""
    return {key: value["Properties"] for key, value in deployed()["Resources"].items() if value["Type"] == name}


def of_type(name: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type."""
    return {key: value["Properties"] for key, value in RESOURCES.items() if value["Type"] == name}


def statements(role: str) -> list[dict[str, Any]]:
    """What a role allows, also on a condition of the stack's."""
    policies = RESOURCES[role]["Properties"]["Policies"]
    every = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in every]


def listed(value: Any) -> list[Any]:
    """IAM takes one or many."""
    return value if isinstance(value, list) else [value]


def may(role: str, action: str, partition: str) -> bool:
    """Whether a role allows an action on an item, or an index, of that partition key."""
    return any(
        action in listed(each["Action"])
        and any(
            fnmatchcase(partition, pattern)
            for pattern in listed(each.get("Condition", {}).get("ForAllValues:StringLike", {})["dynamodb:LeadingKeys"])
        )
        for each in statements(role)
        if listed(each["Action"])[0].startswith("dynamodb:") and "Condition" in each
    )


def granted(role: str) -> set[tuple[str, str]]:
    """Each action and kind of row that a role allows."""
    keys = "ForAllValues:StringLike"
    return {
        (action, pattern.partition("#")[0])
        for each in statements(role)
        for action in listed(each["Action"])
        for pattern in listed(each.get("Condition", {}).get(keys, {}).get("dynamodb:LeadingKeys", []))
    }


def resolved(value: Any, given: Mapping[str, str]) -> Any:
    """What CloudFormation makes of a value when these parameters are given; a resource's attribute is its name."""
    if isinstance(value, list):
        return [each for each in (resolved(part, given) for part in value) if each is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    name = next(iter(value), "")
    if name == "Ref" or name.startswith("Fn::"):
        return called(name, value[name], given)
    parts = {key: resolved(part, given) for key, part in value.items()}
    return {key: part for key, part in parts.items() if part is not NO_VALUE}


def called(function: str, argument: Any, given: Mapping[str, str]) -> Any:
    """What a function of CloudFormation's returns, as far as the template uses it."""
    match function, argument:
        case "Ref", "AWS::NoValue":
            return NO_VALUE
        case "Ref", _:
            default = TEMPLATE["Parameters"].get(argument, {}).get("Default", argument)
            return given.get(argument, str(default))
        case "Fn::If", [condition, met, unmet]:
            return resolved(met if holds(TEMPLATE["Conditions"][condition], given) else unmet, given)
        case _:
            return looked_up(function, argument, given)


def looked_up(function: str, argument: Any, given: Mapping[str, str]) -> Any:
    """As `called`, of texts and mappings. What stands for more than parameters stays as it is."""
    match function, argument:
        case "Fn::Split", [separator, parts]:
            return resolved(parts, given).split(separator)
        case "Fn::Sub", str() if set(PLACES.findall(argument)) <= TEMPLATE["Parameters"].keys():
            return PLACES.sub(lambda found: str(resolved({"Ref": found[1]}, given)), argument)
        case "Fn::FindInMap", [name, first, second]:
            return TEMPLATE["Mappings"][name][resolved(first, given)][second]
        case _:
            return json.dumps({function: argument})


def holds(condition: Any, given: Mapping[str, str]) -> bool:
    """Whether a condition holds when these parameters are given."""
    ((kind, parts),) = condition.items()
    match kind:
        case "Condition":
            return holds(TEMPLATE["Conditions"][parts], given)
        case "Fn::Equals":
            return bool(resolved(parts[0], given) == resolved(parts[1], given))
        case "Fn::Not":
            return not holds(parts[0], given)
        case "Fn::And":
            return all(holds(part, given) for part in parts)
        case _:
            return {"Fn::Or": any(holds(part, given) for part in parts)}[kind]


def variables(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a function."""
    own = RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {})
    found: dict[str, str] = resolved({**TEMPLATE["Globals"]["Function"]["Environment"]["Variables"], **own}, given)
    return found


def secrets_of(role: str, given: Mapping[str, str]) -> list[str]:
    """The secrets that a role may read; none by a parameter that is not given."""
    reads = [each["Resource"] for each in statements(role) if each["Action"] == "secretsmanager:GetSecretValue"]
    return [secret for resource in reads for secret in resolved(listed(resource), given) if secret]
