"""The cold start of each function beside the floor of its own imports, in new interpreters that take turns.

A function is imported and prepared, and is then ready for its first call. Its floor imports the modules that this
loads, but for our own, and makes the same clients of AWS and the logger: the difference is our code. Both load the
built layer of dependencies, from bytecode, and nothing that is installed beside it. The floor is measured with Python's
garbage collection, which is its default, and without, as our functions start. CPU time, less that of a bare
interpreter: other programs disturb it less than the clock. The memory is a process's at its greatest. Restored: what a
copy of a SnapStart snapshot of the api function does before its first call.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYER = ROOT / ".build/host/DepsLayer/python"
INIT = "from vectorgate.entrypoints.{function} import handler\nhandler.{prepare}()\n"
# What a start loads and makes. botocore comes first, to be watched, and is loaded as a whole when a client is made.
WATCHED = """
import json, sys
bare = set(sys.modules)
from botocore.session import Session
made, create = [], Session.create_client
def noted(session, service, **options):
    made.append(service)
    return create(session, service, **options)
Session.create_client = noted
{init}
loaded = [name for name in sys.modules if name not in bare and name.partition(".")[0] != "vectorgate"]
with open("/proc/self/status") as status:  # ru_maxrss would be the parent's, which forked this process
    kibibytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps([loaded, made, kibibytes * 1024 / 1_000_000]))
"""
FLOOR = """
import contextlib, importlib, sys
for name in {loaded!r}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
from botocore.config import Config
from botocore.session import get_session
session = get_session()
for name in {made!r}:
    session.create_client(name, region_name="us-east-1", config=Config(connect_timeout=1))
if "aws_lambda_powertools" in sys.modules:
    from aws_lambda_powertools import Logger, Metrics
    Logger(service="floor"), Metrics(namespace="floor", service="floor")
"""
UNCOLLECTED = "import gc\ngc.disable()\n"
# What an interpreter does at its end is no part of a start.
END = "\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n"
RESTORE = (
    INIT
    + """
import time
from vectorgate.bootstrap import deployed_gateway
from vectorgate.entrypoints.snapshots import renewed
began = time.process_time()
renewed(deployed_gateway())
print(time.process_time() - began)
"""
)
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "PYTHONPATH": os.pathsep.join([str(LAYER), str(ROOT / "layers/core/python")]),
    "VECTORGATE_EXPORT_BUS": "bench",
    "VECTORGATE_EXPORT_QUEUE_EVENTBRIDGE": "https://sqs.us-east-1.amazonaws.com/1/bench.fifo",
    "VECTORGATE_EXPORT_FAILURES_EVENTBRIDGE": "https://sqs.us-east-1.amazonaws.com/1/failures.fifo",
    "VECTORGATE_INGEST_BUCKET": "bench",
    "VECTORGATE_INGEST_BUS": "bench",
    "VECTORGATE_INGEST_FAILURES": "https://sqs.us-east-1.amazonaws.com/1/failures",
    "VECTORGATE_INGEST_QUEUE": "https://sqs.us-east-1.amazonaws.com/1/bench",
    "VECTORGATE_MASTER_KEY_SECRET": "bench",
    "VECTORGATE_SECRET_OPENAI": "bench",
    "VECTORGATE_TABLE": "bench",
}
FUNCTIONS = ("api", "stream", "invoke", "admin", "usage_logger", "meter", "ingest", "exporter")


def report(runs: int = 7) -> list[str]:
    """Return the lines to print: a table in Markdown, of medians. RuntimeError while the layer is not built."""
    if not LAYER.is_dir():
        raise RuntimeError("no layer is built: make .build/host/DepsLayer.stamp")
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, **ENVIRONMENT, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        starts, memory = {"bare": "pass"}, {}
        for function in FUNCTIONS:
            init = INIT.format(function=function, prepare="start" if function == "stream" else "prepare")
            _run(init, environment)  # compiles, which takes memory
            loaded, made, memory[function] = json.loads(_run(WATCHED.format(init=init), environment)[1])
            floor = FLOOR.format(loaded=loaded, made=made)
            starts |= {function: init, f"{function}, floor": floor, f"{function}, bare floor": UNCOLLECTED + floor}
        rounds = [{name: _run(each, environment)[0] for name, each in starts.items()} for _ in range(runs + 1)][1:]
        restore = RESTORE.format(function="api", prepare="prepare")
        restored = [1_000 * float(_run(restore, environment)[1]) for _ in range(runs)]
    cpu = {name: 1_000 * statistics.median([each[name] for each in rounds]) for name in starts}
    rows = [_row(each, cpu, memory[each]) for each in FUNCTIONS]
    head = [
        "| function | init, ms of CPU | floor | ratio | uncollected | ratio | MB |",
        "|---|---|---|---|---|---|---|",
    ]
    return [*head, *rows, f"| restored | {statistics.median(restored):.1f} | | | | | |"]


def _row(function: str, cpu: Mapping[str, float], megabytes: float) -> str:
    init = cpu[function] - cpu["bare"]
    floors = [cpu[f"{function}, {kind}"] - cpu["bare"] for kind in ("floor", "bare floor")]
    figures = " | ".join(f"{floor:.0f} | {init / floor:.2f}" for floor in floors)
    return f"| {function} | {init:.0f} | {figures} | {megabytes:.0f} |"


def _run(statement: str, environment: Mapping[str, str]) -> tuple[float, Any]:
    """The seconds of CPU time of an interpreter that runs the statement, and what it prints."""
    before = _cpu()
    command = [sys.executable, "-S", "-c", statement + END]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)  # noqa: S603 - ours
    return _cpu() - before, done.stdout


def _cpu() -> float:
    """Return the CPU seconds of the processes that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
