"""The cold start of each function beside the floor of its own imports, in new interpreters that take turns.

A function is imported and prepared, and is then ready for its first call. Its floor imports the modules that this
loads, but for our own, and makes the same clients of AWS and the logger: the difference is our code. Both run without
Python's garbage collection, as our functions start, from the built layers' bytecode and nothing that is installed
beside them. CPU time, less that of a bare interpreter: other programs disturb it less than the clock. A ratio is the
median of each round's, whose two starts follow one another. The memory is a process's at its greatest. Restored: what a
copy of a SnapStart snapshot of the api function does before its first call.

`instructions` counts those of the processor instead, by valgrind: the ratio that no other program disturbs.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAYERS = [ROOT / ".build/host" / layer / "python" for layer in ("DepsLayer", "CoreLayer")]
# As Lambda begins: the runtime of `stream` is ours, and prepares the handler.
INIT = "import sys\nsys.path.insert(0, 'functions/{function}')\nfrom app import handler\n{then}\n"
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
loaded = [name for name in sys.modules if name not in bare and name.partition(".")[0] not in ("app", "vectorgate")]
with open("/proc/self/status") as status:  # ru_maxrss would be the parent's, which forked this process
    kibibytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps([loaded, made, kibibytes * 1024 / 1_000_000]))
"""
FLOOR = """
import contextlib, gc, importlib, sys
gc.disable()
for name in {loaded!r}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
import boto3
from botocore.config import Config
for name in {made!r}:
    boto3.client(name, region_name="us-east-1", config=Config(connect_timeout=1, retries={{"mode": "standard"}}))
if "aws_lambda_powertools" in sys.modules:
    from aws_lambda_powertools import Logger, Metrics
    Logger(service="floor"), Metrics(namespace="floor", service="floor")
"""
# What an interpreter does at its end is no part of a start.
END = "\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n"
RESTORE = (
    INIT
    + """
import time
from vectorgate.bootstrap import deployed_gateway
from vectorgate.entrypoints.snapshots import renewed
renewed(deployed_gateway())  # before the snapshot
began = time.process_time()
renewed(deployed_gateway())
print(time.process_time() - began)
"""
)
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "PYTHONPATH": os.pathsep.join(map(str, LAYERS)),
    "VECTORGATE_EXPORT_BUS": "bench",
    "VECTORGATE_EXPORT_QUEUE_EVENTBRIDGE": "https://sqs.us-east-1.amazonaws.com/1/bench",
    "VECTORGATE_EXPORT_FAILURES_EVENTBRIDGE": "https://sqs.us-east-1.amazonaws.com/1/failures",
    "VECTORGATE_INGEST_BUCKET": "bench",
    "VECTORGATE_INGEST_BUS": "bench",
    "VECTORGATE_INGEST_FAILURES": "https://sqs.us-east-1.amazonaws.com/1/failures",
    "VECTORGATE_INGEST_QUEUE": "https://sqs.us-east-1.amazonaws.com/1/bench",
    "VECTORGATE_MASTER_KEY_SECRET": "bench",
    "VECTORGATE_SECRET_OPENAI": "bench",
    "VECTORGATE_TABLE": "bench",
}
COUNTED = ("valgrind", "--tool=cachegrind", "--cachegrind-out-file=/dev/null", "--trace-children=no")
FUNCTIONS = ("api", "stream", "invoke", "admin", "usage_logger", "meter", "ingest", "exporter")


def report(runs: int = 25) -> list[str]:
    """Return the lines to print: a table in Markdown. RuntimeError while the layers are not built."""
    starts, memory = _starts()
    rounds = [{name: 1_000 * _run(each)[0] for name, each in starts.items()} for _ in range(runs + 1)][1:]
    restore = RESTORE.format(function="api", then="")
    restored = statistics.median(1_000 * float(_run(restore)[1]) for _ in range(runs))
    head = ["| function | init, ms of CPU | floor | ratio | MB |", "|---|---|---|---|---|"]
    rows = [_row(each, rounds, memory[each]) for each in FUNCTIONS]
    return [*head, *rows, f"| restored | {restored:.1f} | | | |"]


def instructions() -> list[str]:
    """Return the lines to print: millions of instructions. RuntimeError while the layers are not built."""
    if shutil.which(COUNTED[0]) is None:
        return ["not counted: apt-get install valgrind"]
    starts, _ = _starts()
    counts = {name: _counted(each) for name, each in starts.items()}
    bare = counts["bare"]
    lines = ["| function | millions of instructions | floor | ratio |", "|---|---|---|---|"]
    for each in FUNCTIONS:
        init, floor = counts[each] - bare, counts[f"{each}, floor"] - bare
        lines.append(f"| {each} | {init / 1e6:.0f} | {floor / 1e6:.0f} | {init / floor:.3f} |")
    return lines


def _starts() -> tuple[dict[str, str], dict[str, float]]:
    """The statements of each start and its floor, behind that of a bare interpreter; and megabytes by function."""
    if not all(layer.is_dir() for layer in LAYERS):
        raise RuntimeError("no layers are built: make .build/host/DepsLayer.stamp .build/host/CoreLayer.stamp")
    starts, memory = {"bare": "pass"}, {}
    for function in FUNCTIONS:
        init = INIT.format(function=function, then="handler.start()" if function == "stream" else "")
        loaded, made, memory[function] = json.loads(_run(WATCHED.format(init=init))[1])
        starts |= {function: init, f"{function}, floor": FLOOR.format(loaded=loaded, made=made)}
    return starts, memory


def _counted(statement: str) -> int:
    """The instructions of an interpreter that runs the statement."""
    command = [*COUNTED, sys.executable, "-S", "-c", statement + END]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    (count,) = re.findall(r"I\s+refs:\s+([\d,]+)", done.stderr)
    return int(count.replace(",", ""))


def _row(function: str, rounds: Sequence[Mapping[str, float]], megabytes: float) -> str:
    """The medians, with the least and the greatest."""
    bare = statistics.median(each["bare"] for each in rounds)
    inits, floors = ([each[name] - bare for each in rounds] for name in (function, f"{function}, floor"))
    ratio = statistics.median(init / floor for init, floor in zip(inits, floors, strict=True))
    init, floor = (f"{statistics.median(spent):.0f} ({min(spent):.0f}-{max(spent):.0f})" for spent in (inits, floors))
    return f"| {function} | {init} | {floor} | {ratio:.2f} | {megabytes:.0f} |"


def _run(statement: str) -> tuple[float, Any]:
    """The seconds of CPU time of an interpreter that runs the statement, and what it prints."""
    before = _cpu()
    command = [sys.executable, "-S", "-c", statement + END]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, check=True, stdout=subprocess.PIPE)  # noqa: S603 - ours
    return _cpu() - before, done.stdout


def _cpu() -> float:
    """Return the CPU seconds of the processes that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
