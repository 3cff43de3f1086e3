"""Cold init against its floor, each in new interpreters that take turns.

The floor imports what the api function stands on and makes the same two AWS clients, an HTTP pool and a logger; the
function does that too, and is then ready for its first request. The difference is ours.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from tests.bench.measure import ROOT

FLOOR = """
import httpcore, pydantic, python_multipart
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
from functions.api.app import handler
from vectorgate.assembly import deployed_gateway
gateway = deployed_gateway()
gateway.ledger._table.client
gateway.credentials._source._client
"""
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "VECTORGATE_TABLE": "bench",
    "VECTORGATE_SECRET_OPENAI": "bench",
}


def report(runs: int = 15) -> list[str]:
    """Lines to print: medians, less the bare interpreter's own start."""
    rounds = [(_seconds("pass"), _seconds(FLOOR), _seconds(INIT)) for _ in range(runs)]
    bare, floor, init = (statistics.median(column) for column in zip(*rounds, strict=True))
    return [
        f"floor (dependencies and clients alone): {1000 * (floor - bare):.0f} ms",
        f"api function, ready for a request:      {1000 * (init - bare):.0f} ms",
        f"ratio:                                  {(init - bare) / (floor - bare):.2f} (goal: at most 1.3)",
    ]


def _seconds(statement: str) -> float:
    path = os.pathsep.join([str(ROOT / "layers/core/python"), str(ROOT)])
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
    began = time.perf_counter()
    command = [sys.executable, "-c", statement]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own statements
    return time.perf_counter() - began
