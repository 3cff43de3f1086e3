"""The api function's cold start compared with a floor, in new interpreters that alternate.

The floor imports the api function's dependencies and makes the same two AWS clients, an HTTP pool and a logger; the
function does that too, and is then ready for its first request. The difference is our own code. pydantic loads a module
when a name of it is imported, so that the floor imports the names that the function imports. All run from bytecode, as
the layers ship it.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What a deployment does not have, and httpx and httpcore import where it is installed.
ABSENT = """
import sys
for name in ("click", "h2", "pygments", "rich", "trio"):
    sys.modules[name] = None
"""
FLOOR = """
import httpcore, httpx
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast, Field, PlainValidator
from pydantic import ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError
from aws_lambda_powertools import Logger, Metrics
import boto3
from botocore.config import Config
session = boto3.Session()
for name in ("dynamodb", "secretsmanager"):
    session.client(name, region_name="us-east-1", config=Config(connect_timeout=1))
httpcore.ConnectionPool()
Logger(service="floor"), Metrics(namespace="floor", service="floor")
"""
INIT = """
from vectorgate.entrypoints.api import handler
handler.prepare()
"""
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "VECTORGATE_TABLE": "bench",
    "VECTORGATE_SECRET_OPENAI": "bench",
    "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core/python"), str(ROOT)]),
}
STATEMENTS = ("pass", ABSENT + FLOOR, ABSENT + INIT)


@dataclass(frozen=True, slots=True)
class Start:
    """The start of one interpreter, in seconds: wall time, and CPU time, which other programs disturb less."""

    wall: float
    cpu: float


def report(runs: int = 25) -> list[str]:
    """Return the lines to print: medians, less the start of a bare interpreter."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, **ENVIRONMENT, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        _round(environment)  # to compile
        rounds = [_round(environment) for _ in range(runs)]
    return [
        *_compared("CPU time", [[start.cpu for start in each] for each in rounds]),
        *_compared("wall time", [[start.wall for start in each] for each in rounds]),
    ]


def _compared(name: str, rounds: Sequence[Sequence[float]]) -> list[str]:
    bare, floor, init = (statistics.median(column) for column in zip(*rounds, strict=True))
    return [
        f"{name}, dependencies and clients alone:  {1000 * (floor - bare):.0f} ms",
        f"{name}, api function, ready for a call:  {1000 * (init - bare):.0f} ms",
        f"{name}, ratio:                           {(init - bare) / (floor - bare):.2f} (goal: at most 1.3)",
    ]


def _round(environment: Mapping[str, str]) -> list[Start]:
    return [_start(statement, environment) for statement in STATEMENTS]


def _start(statement: str, environment: Mapping[str, str]) -> Start:
    before, began = _cpu(), time.perf_counter()
    command = [sys.executable, "-c", statement]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own statements
    return Start(time.perf_counter() - began, _cpu() - before)


def _cpu() -> float:
    """Return the CPU seconds of the processes that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
