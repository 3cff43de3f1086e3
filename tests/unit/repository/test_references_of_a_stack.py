"""Every name to which a template refers is there: CloudFormation refuses it otherwise.

cfn-lint does not find them all: it accepts every name that begins with a function's, because SAM makes such resources.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.helpers.alarms import NESTED
from tests.helpers.template import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_TEXT: Final = re.compile(r"\$\{([\w:]+)(?:\.[\w.]+)?\}")


def named(value: Any) -> Iterator[str]:
    """The resources, parameters and conditions that a part of the template names."""
    if isinstance(value, list):
        for each in value:
            yield from named(each)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from named_by(key, part)


def named_by(key: str, part: Any) -> Iterator[str]:
    """Those that one entry of a mapping names, where it is a function of CloudFormation's."""
    match key, part:
        case (("Ref" | "DependsOn" | "Condition"), str()):
            yield part
        case "DependsOn", list():
            yield from part
        case "Fn::GetAtt", _:
            yield part[0] if isinstance(part, list) else part.partition(".")[0]
        case "Fn::If", [condition, *values]:
            yield condition
            yield from named(values)
        case "Fn::Sub", [text, given]:
            yield from set(IN_TEXT.findall(text)) - given.keys()
            yield from named(given)
        case "Fn::Sub", _:
            yield from IN_TEXT.findall(part)
        case _:
            yield from named(part)


def unknown(template: dict[str, Any]) -> set[str]:
    """The names in a template that are not its own."""
    known = {*template["Resources"], *template["Parameters"], *template["Conditions"]}
    found = {name for part in ("Resources", "Outputs", "Conditions") for name in named(template.get(part, {}))}
    assert len(found) > 10
    return {name for name in found - known if not name.startswith("AWS::")}


def test_every_name_in_a_deployed_template_is_one_of_its_own() -> None:
    assert {"Table", "GatewayApi", "ApiAliaslive", "HasAlarmTopic"} <= set(named(deployed()["Resources"]))
    assert unknown(deployed()) == set()
    assert unknown(NESTED) == set()
