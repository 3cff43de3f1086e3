"""Make the templates that replace a stack's table, from `before.json`, the template as CloudFormation deployed it.

`without.json` names the new table literally and has no table; `import.json` is the same with the table, for the import;
`after.json` is the deployed one. In all, the aliases move at once: while the functions are stopped, no hook can try
their versions. The new table's name stands for the release, so that versions are published that know the table.

    python3 tools/restore_templates.py NAME ARN STREAM_ARN
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def literal(template: dict[str, Any], name: str, arn: str, stream: str) -> dict[str, Any]:
    """Return the template with the new table's names in place of every reference to its own."""
    text = json.dumps(template).replace("${Table.Arn}", arn).replace("${Table}", name)
    for reference, value in (
        ({"Ref": "Table"}, name),
        ({"Ref": "Release"}, name),
        ({"Fn::GetAtt": ["Table", "Arn"]}, arn),
        ({"Fn::GetAtt": ["Table", "StreamArn"]}, stream),
    ):
        text = text.replace(json.dumps(reference), json.dumps(value))
    if any(left in text for left in ('"Table"', '"Table.', "${Table")):
        sys.exit("a reference to the table is left: do not deploy this")
    replaced: dict[str, Any] = json.loads(text)
    return replaced


def main(name: str, arn: str, stream: str) -> None:
    """Write `without.json`, `import.json` and `after.json` beside `before.json`."""
    template = json.loads(Path("before.json").read_text("utf-8"))
    for resource in template["Resources"].values():
        resource.pop("UpdatePolicy", None)
    Path("after.json").write_text(json.dumps(template), "utf-8")
    table = template["Resources"].pop("Table")
    without = literal(template, name, arn, stream)
    Path("without.json").write_text(json.dumps(without), "utf-8")
    without["Resources"]["Table"] = table
    Path("import.json").write_text(json.dumps(without), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
