"""`make guard`: AWS Control Tower's rules, checked by cfn-guard in the template as CloudFormation gets it.

Prints what is not compliant and has no exception (`exceptions.toml`), and exceptions that nothing needs; status 1 if
there is either. Parameters have their defaults, but what is off by default is there as well.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.helpers.sam import nested_in, packaged, read, translated
from tools.smoke.release import TEMPLATE, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE: Final = Path(__file__).parent
PACKAGE: Final = HERE / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard"
MACHINES: Final = {"Linux": "ubuntu", "Darwin": "macos"}
ARM: Final = frozenset({"arm64", "aarch64"})
# Of the services that the template uses.
SERVICES: Final = (
    *("apigateway", "certificatemanager", "cloudfront", "cloudwatch", "dynamodb", "identityandaccessmanagement"),
    *("keymanagementservice", "lambda", "s3", "sqs", "waf"),
)
_RESOURCE: Final = re.compile(r"/Resources/(\w+)")
_RULE: Final = re.compile(r"\[(CT\.[A-Z0-9.]+)\]: ([^\n]*)")


def template() -> dict[str, Any]:
    """The template after SAM's transformation and what it nests, with parameters and conditions resolved."""
    release = Release({})
    made = translated(packaged(yaml_parse(TEMPLATE.read_text("utf-8"))))["Resources"]
    resources = {name: each | {"Properties": release.value(each.get("Properties", {}))} for name, each in made.items()}
    for own, nested in zip(release.nested, nested_in(read(TEMPLATE)), strict=True):
        alarms = nested["TemplateURL"]["Resources"].items()
        resources |= {name: each | {"Properties": own.value(each["Properties"])} for name, each in alarms}
    named = re.sub(r"\$\{\w+Bucket\.Arn\}", "arn:aws:s3:::bucket", json.dumps(resources))  # a rule looks at its form
    return {"Resources": json.loads(named)}


def report(document: Mapping[str, Any]) -> dict[str, Any]:
    """What cfn-guard says of a template."""
    machine = "aarch64" if platform.machine() in ARM else "x86_64"
    program = PACKAGE / "bin" / MACHINES[platform.system()] / machine / "cfn-guard"
    program.chmod(0o755)
    rules = [word for name in SERVICES for word in ("--rules", f"{PACKAGE}/rules/control-tower/cfn-guard/{name}")]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(document))
        file.flush()
        command = [str(program), "validate", *rules, "--data", file.name]
        command += ["--show-summary", "none", "--output-format", "json", "--structured"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - our own
    (found,) = json.loads(done.stdout)
    return dict(found)


def failing(found: Mapping[str, Any]) -> dict[str, set[str]]:
    """The resources that are not compliant, by rule."""
    failed: dict[str, set[str]] = defaultdict(set)
    for rule in found["not_compliant"]:
        text = json.dumps(rule)
        name = _RULE.search(" ".join(_messages(rule)))
        failed[name[1] if name else rule["Rule"]["name"]] |= set(_RESOURCE.findall(text))
    return failed


def _messages(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        message = part.get("custom_message")
        if message:
            yield str(message)
        for each in part.values():
            yield from _messages(each)
    elif isinstance(part, list):
        for each in part:
            yield from _messages(each)


def main() -> int:
    """Compare what fails with the exceptions."""
    found = report(template())
    failed, problems = failing(found), []
    exceptions = tomllib.loads((HERE / "exceptions.toml").read_text("utf-8"))["exceptions"]
    for each in exceptions:
        excepted = {
            name for name in failed.get(each["rule"], ()) if any(fnmatchcase(name, p) for p in each["resources"])
        }
        if not excepted:
            problems.append(f"nothing needs the exception of {each['rule']} {each['resources']}")
        failed[each["rule"]] -= excepted
    problems += [f"{rule}: {', '.join(sorted(names))}" for rule, names in sorted(failed.items()) if names]
    sys.stdout.writelines(f"{line}\n" for line in problems)
    compliant, with_exceptions = len(found["compliant"]), len({each["rule"] for each in exceptions})
    sys.stdout.write(f"rules that pass: {compliant}, with exceptions: {with_exceptions}, problems: {len(problems)}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
