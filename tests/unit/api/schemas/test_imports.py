"""Importing the schemas imports nothing but pydantic, and builds no schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[4] / "layers/core/python"
ALLOWED = {"vectorgate", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}

PROBE = """
import json, sys
before = set(sys.modules)
from vectorgate.api.schemas import *
built = [
    name
    for module in list(sys.modules.values()) if module.__name__.startswith("vectorgate.api.schemas")
    for name, value in vars(module).items() if getattr(value, "__pydantic_complete__", False)
]
print(json.dumps([sorted(set(sys.modules) - before), built]))
"""


def _probe() -> tuple[list[str], list[str]]:
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=True)  # noqa: S603
    modules, built = json.loads(done.stdout)
    return modules, built


def test_importing_the_schemas_imports_pydantic_the_standard_library_and_the_errors_only() -> None:
    modules, _ = _probe()
    # _sysconfigdata_* is the standard library's too, with the platform in its name.
    packages = {name.partition(".")[0] for name in modules if not name.startswith("_sysconfigdata_")}
    assert packages - set(sys.stdlib_module_names) <= ALLOWED
    ours = {
        name for name in modules if name.startswith("vectorgate.") and not name.startswith("vectorgate.api.schemas")
    }
    parts = {"vectorgate.api", "vectorgate.api.errors", "vectorgate.classes", "vectorgate.ids", "vectorgate.version"}
    assert ours == parts


def test_importing_the_schemas_builds_none() -> None:
    _, built = _probe()
    assert built == []
