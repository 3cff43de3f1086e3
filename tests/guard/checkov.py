"""`make guard CHECKOV=/path/to/checkov`: checkov's checks of the templates, each finding with its reason.

checkov does not read YAML's merges: it gets JSON, of template.yaml what `make guard` checks. Prints what fails without
an exception (`checkov.toml`), and exceptions that nothing needs; status 1 if there is either.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.guard.__main__ import template
from tools.smoke.release import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE: Final = Path(__file__).parent
OTHERS: Final = ("front", "network")


def reports(program: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What checkov says of each template, by its name."""
    documents = {name: yaml_parse(TEMPLATE.with_name(f"{name}.yaml").read_text("utf-8")) for name in OTHERS}
    with tempfile.TemporaryDirectory() as folder:
        for name, document in {"template": template(), **documents}.items():
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(document))
            command = [program, "--framework", "cloudformation", "--skip-download", "-o", "json", "-f", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - the caller's
            yield name, json.loads(done.stdout)


def main(program: str) -> int:
    """Compare what fails with the exceptions."""
    passed: Counter[str] = Counter()
    failed: defaultdict[str, set[str]] = defaultdict(set)
    for name, found in reports(program):
        passed[name] = found["summary"]["passed"]
        for each in found["results"]["failed_checks"]:
            failed[each["check_id"]].add(f"{name}.{each['resource'].rpartition('.')[2]}")
    count, problems = sum(map(len, failed.values())), []
    for check, exception in tomllib.loads((HERE / "checkov.toml").read_text("utf-8")).items():
        excepted = {one for one in failed[check] if any(fnmatchcase(one, p) for p in exception["resources"])}
        if not excepted:
            problems.append(f"nothing needs the exception of {check}")
        failed[check] -= excepted
    problems += [f"{check}: {', '.join(sorted(names))}" for check, names in sorted(failed.items()) if names]
    sys.stdout.writelines(f"{line}\n" for line in problems)
    each = ", ".join(f"{name} {number}" for name, number in passed.items())
    sys.stdout.write(f"checks that pass: {passed.total()} ({each}), findings: {count}, problems: {len(problems)}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
