"""What the egress adds to a create: beside httpcore alone and httpx with its defaults, to a constant upstream.

By the clock, and of CPU, which other programs on the machine disturb less.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import httpcore
import httpx

from tests.benchmarks.measure import Spread, process
from vectorgate.clock import Clock
from vectorgate.providers.base import UpstreamRequest
from vectorgate.providers.http.outcome import Replied
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable

HEADERS = {
    "authorization": f"Bearer sk-{'a' * 40}",
    "content-type": "application/json",
    "user-agent": "vectorgate",
    "openai-beta": "assistants=v2",
}
BODY = json.dumps({"name": "bench"}).encode()
WARM_UP = 100
IMPORTS = 9
IMPORT = """
import sys, time
for absent in ("click", "rich", "pygments"):
    sys.modules[absent] = None  # httpx's command line, which a deployment does not have
began = time.process_time()
import {first}
between = time.process_time()
import {second}
print(between - began, time.process_time() - between)
"""


def report(times: int = 2_000) -> list[str]:
    """Lines to print. The three take turns, so that what else the machine does falls on all of them alike."""
    clock = Clock(wall=time.time, monotonic=time.monotonic, sleep=time.sleep)
    with process("tests.benchmarks.constant_upstream") as port:
        url = f"http://127.0.0.1:{port}/v1/vector_stores"
        with httpcore.ConnectionPool() as pool, httpx.Client() as client, closing(PooledTransport(clock)) as ours:
            took = _in_turns(
                {
                    "httpcore": lambda: _status(
                        pool.request("POST", url, headers=list(HEADERS.items()), content=BODY).status
                    ),
                    "httpx": lambda: _status(client.post(url, headers=HEADERS, content=BODY).status_code),
                    "the egress": lambda: _sent(ours, url),
                },
                times,
            )
    return [*(line for name, spans in took.items() for line in _lines(name, spans)), *_imports()]


def _in_turns(acts: dict[str, Callable[[], None]], times: int) -> dict[str, list[tuple[float, float]]]:
    """How long each act took each time, in seconds: by the clock, and of CPU."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in acts}
    for turn in range(WARM_UP + times):
        for name, act in acts.items():
            wall, cpu = time.perf_counter(), time.thread_time()
            act()
            if turn >= WARM_UP:
                took[name].append((time.perf_counter() - wall, time.thread_time() - cpu))
    return took


def _lines(name: str, spans: list[tuple[float, float]]) -> list[str]:
    wall, cpu = (Spread.of(column) for column in zip(*spans, strict=True))
    return [f"create, {name}: {wall}; of CPU p50 {cpu.p50:.2f} ms"]


def _status(status: int) -> None:
    if status != 200:
        raise RuntimeError(f"the upstream answered {status}")


def _sent(transport: PooledTransport, url: str) -> None:
    request = UpstreamRequest(method="POST", url=url, headers=HEADERS, content=BODY)
    outcome = transport.send(request, seconds=30.0)
    if not isinstance(outcome, Replied):
        raise TypeError(f"the upstream was not reached: {outcome}")


def _imports() -> list[str]:
    """CPU time of importing httpcore, and httpx on top of it, each in new interpreters that run from bytecode."""
    command = [sys.executable, "-c", IMPORT.format(first="httpcore", second="httpx")]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(IMPORTS)]  # noqa: S603 - our own lines
    columns = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
    core, top = (1000 * sorted(column)[IMPORTS // 2] for column in columns)
    return [f"import httpcore: {core:.0f} ms of CPU; httpx on top of it: {top:.0f} ms"]
