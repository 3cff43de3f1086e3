"""What this release deploys: template.yaml and what it nests, with the parameters of the stack that is tried.

A reference to a resource stays in the form of `Fn::Sub`: `${Table}`, `${Table.Arn}`. `Target.filled` puts names there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE: Final = Path(__file__).parents[2] / "template.yaml"
NESTED: Final = "AWS::CloudFormation::Stack"
_ABSENT: Final = object()


class Release:
    """The template's resources as a stack with these parameters has them."""

    def __init__(self, parameters: Mapping[str, str], template: Path = TEMPLATE) -> None:
        self._template: dict[str, Any] = yaml_parse(template.read_text("utf-8"))
        given = self._template["Parameters"].items()
        self.parameters: Final = {
            **{name: str(each["Default"]) for name, each in given if "Default" in each},
            **parameters,
        }
        self.nested: Final = [
            Release(each["Parameters"], template.with_name(each["TemplateURL"])) for each in self._own(NESTED).values()
        ]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of each resource of a type, by its logical name, those of nested stacks included."""
        found = self._own(kind)
        for each in self.nested:
            found |= each.of_type(kind)
        return found

    def _own(self, kind: str) -> dict[str, dict[str, Any]]:
        return {
            name: self.value(each["Properties"])
            for name, each in self._template["Resources"].items()
            if each["Type"] == kind and self._holds({"Condition": each.get("Condition")})
        }

    @property
    def shared(self) -> dict[str, Any]:
        """The properties that every function has."""
        return dict(self.value(self._template["Globals"]["Function"]))

    def value(self, value: Any) -> Any:  # noqa: ANN401 - any part of the template
        """That part of the template, with parameters and conditions resolved."""
        if isinstance(value, list):
            return [each for each in map(self.value, value) if each is not _ABSENT]
        if not isinstance(value, dict):
            return value
        name = next(iter(value), "")
        if name == "Ref" or name.startswith("Fn::"):
            return self._called(name, value[name])
        parts = {key: self.value(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not _ABSENT}

    def _called(self, function: str, argument: Any) -> Any:  # noqa: ANN401, PLR0911 - the same; one for each function
        match function, argument:
            case "Ref", "AWS::NoValue":
                return _ABSENT
            case "Ref", _:
                return self.parameters.get(argument, f"${{{argument}}}")
            case "Fn::GetAtt", _:
                return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"
            case "Fn::If", [condition, met, unmet]:
                return self.value(met if self._holds({"Condition": condition}) else unmet)
            case "Fn::FindInMap", [name, first, second]:
                return self._template["Mappings"][name][self.value(first)][second]
            case "Fn::Sub", [text, given]:
                return self._substituted(text, self.value(given))
            case "Fn::Sub", _:
                return self._substituted(argument, {})
            case "Fn::Split", [separator, text]:
                return self.value(text).split(separator)
            case "Fn::Select", [index, parts]:
                parts = self.value(parts)
                return parts[int(index)] if len(parts) > int(index) else "${}"
            case _:
                return f"${{{function}}}"

    def _substituted(self, text: str, given: Mapping[str, str]) -> str:
        known = {**self.parameters, **given}
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: known.get(found[1], found[0]), text)

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        ((kind, parts),) = condition.items()
        match kind:
            case "Condition":
                return parts is None or self._holds(self._template["Conditions"][parts])
            case "Fn::Equals":
                return bool(self.value(parts[0]) == self.value(parts[1]))
            case "Fn::Not":
                return not self._holds(parts[0])
            case "Fn::And":
                return all(map(self._holds, parts))
            case _:
                return {"Fn::Or": any(map(self._holds, parts))}[kind]


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - one or many, as policies have them
    """One or many, as many."""
    return value if isinstance(value, list) else [value]
