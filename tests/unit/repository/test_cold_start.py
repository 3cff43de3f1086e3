"""What a cold start of the api function imports and makes, in a process of its own. Its time: `make bench`."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from vectorgate.entrypoints.snapshots import LATER

ROOT: Final = Path(__file__).parents[3]
ENVIRONMENT: Final = {
    "PYTHONPATH": f"{ROOT / 'layers/core/python'}:{ROOT / 'functions/api'}",
    "AWS_REGION": "eu-central-1",
    "VECTORGATE_TABLE": "t",
    "VECTORGATE_SECRET_OPENAI": "s",
}
PROBE: Final = """
import dataclasses, gc, json, sys
process, standard = dataclasses._process_class, []
def counted(cls, *options):
    standard.append(cls.__module__)
    return process(cls, *options)
dataclasses._process_class = counted
import vectorgate.entrypoints.api
held, loaded, collections = gc.get_freeze_count(), "boto3" in sys.modules, []
gc.callbacks.append(lambda phase, info: collections.append(phase))
import app
during = len(collections)
schemas = [
    name
    for module in list(sys.modules.values()) if module.__name__.startswith("vectorgate.api.schemas")
    for name, value in vars(module).items() if getattr(value, "__pydantic_complete__", False)
]
classes = {
    value
    for name, module in list(sys.modules.items()) if name.startswith("vectorgate.")
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == name and "__dataclass_fields__" in vars(value)
}
print(json.dumps({
    "modules": sorted(sys.modules),
    "dataclasses": len(classes),
    "compiled": [name for name in standard if name.startswith("vectorgate.")],
    "clients": [loaded, "botocore.client" in sys.modules],
    "frozen": [held, gc.get_freeze_count()],
    "collections": [during, gc.isenabled()],
    "schemas": schemas,
}))
"""
# What only other functions, local mode, or a deployment with other providers need.
ELSEWHERE: Final = (
    "vectorgate.admin",
    "vectorgate.client",
    "vectorgate.ingest.model",
    "vectorgate.entrypoints.invoke",
    "vectorgate.ledger.reconciliation",
    "vectorgate.ledger.settlement",
    "vectorgate.metering.worker",
    "vectorgate.metering.sampler",
    "vectorgate.azure_search.surface",
    "vectorgate.providers.azure_search",
    "vectorgate.providers.azure_openai",
    "vectorgate.persistence.sqlite",
)
SCHEMAS: Final = "vectorgate.api.schemas"
# Other functions' and local mode's.
HEAVY: Final = {"asyncio", "openai", "python_multipart", "requests", "sqlite3", "yaml"}


# All in one process: none reads a request.
WITHOUT_SCHEMAS: Final = """
import sys
from vectorgate.entrypoints import exporter, meter, usage_logger
exporter.handler.prepare()
meter.handler.prepare()
usage_logger.handler.prepare()
print("pydantic" in sys.modules)
from vectorgate.admin import app
print(app.__package__ + ".reports" in sys.modules)
"""


@cache
def start() -> dict[str, Any]:
    """The figures of one start."""
    figures: dict[str, Any] = json.loads(printed(PROBE))
    return figures


def printed(program: str) -> str:
    """What it prints in an interpreter of its own."""
    done = subprocess.run(  # noqa: S603 - our own lines, our own interpreter
        [sys.executable, "-c", program], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_api_function_imports_none_of_the_other_functions_code() -> None:
    ours = [name for name in start()["modules"] if name.partition(".")[0] == "vectorgate"]
    assert [name for name in ours if f"{name}.".startswith(tuple(f"{other}." for other in ELSEWHERE))] == []
    assert len(ours) <= 104  # 0.3 ms each; ten of them are those of the Responses API


def test_the_api_function_makes_few_dataclasses_before_its_first_request() -> None:
    assert 60 < start()["dataclasses"] <= 73  # 0.1 ms each
    assert start()["compiled"] == ["vectorgate.classes"]  # 0.7 ms each: that makes all others


def test_no_request_schema_is_built_before_a_request_needs_it() -> None:
    assert start()["schemas"] == []
    loaded = set(start()["modules"])
    assert (f"{SCHEMAS}.models" in loaded, f"{SCHEMAS}.responses" in loaded) == (True, False)


def test_what_a_start_leaves_to_the_first_request_that_needs_it_is_loaded_before_a_snapshot() -> None:
    loaded = set(start()["modules"])
    assert not loaded & set(LATER["vectorgate.gateway.parser"])
    assert {"vectorgate.gateway.parser"} == loaded & set(LATER)
    assert all(map(find_spec, [*LATER, *(name for names in LATER.values() for name in names)]))


def test_the_aws_clients_are_made_before_the_first_request_and_not_by_an_import() -> None:
    assert start()["clients"] == [False, True]


def test_what_only_other_functions_need_is_not_imported() -> None:
    assert HEAVY & {name.partition(".")[0] for name in start()["modules"]} == set()


def test_the_collector_looks_neither_during_a_start_nor_later_at_what_that_made() -> None:
    (before, after), (during, enabled) = start()["frozen"], start()["collections"]
    assert before < 1_000  # Python 3.12 itself freezes 375 objects at its start, the others none
    assert after > 100_000
    assert (during, enabled) == (0, True)


def test_the_functions_that_read_no_request_import_no_pydantic_nor_the_admin_function_a_report() -> None:
    assert printed(WITHOUT_SCHEMAS).split() == ["False", "False"]
