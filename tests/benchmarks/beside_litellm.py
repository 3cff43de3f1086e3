"""Local mode beside LiteLLM's proxy, over HTTP, before the same provider, which answers at once.

One run: both gateways have one core, and the client and the provider another. The repetitions take turns. In each, a
gateway answers its calls one after another, each behind a call straight to the provider; then the other one does, once
the first is done with what it does after its answers. (If single calls took turns, each would find the core's caches
full of the other program, as no deployment does: that doubles our processor time of a call.) Then each answers as many
creates as it can. A figure is the median of the repetitions with their least and greatest. What is measured as
processor time (that of the gateway's process, with the settlement of its records) depends least on what else the
machine does.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import litellm_proxy, package_sizes
from tests.benchmarks.load import Connection, request_bytes, saturate
from tests.benchmarks.measure import Spread
from tests.benchmarks.served import Served, free_port, on_core, served
from tests.helpers.processes import ROOT, run_module

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

KEY = "sk-of-the-benchmark-1"
CREATE = request_bytes("POST", "/v1/vector_stores", KEY, {"name": "bench", "metadata": {"project": "rag-system"}})
CONNECTIONS = 16
SETTLED_SECONDS = 1.5  # after which the records of a repetition are settled
DIRECT, OURS, THEIRS = "direct", "vectorgate", "LiteLLM"
GATEWAYS = (OURS, THEIRS)


@dataclass(slots=True)
class Measured:
    """What the repetitions found, by figure and gateway."""

    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, figure: str, gateway: str, value: float) -> None:
        """Add what one repetition found."""
        self.figures.setdefault(figure, {}).setdefault(gateway, []).append(value)


def report(repetitions: int = 7, calls: int = 120, seconds: float = 3.0) -> list[str]:
    """The lines to print: a table in Markdown. `calls` of each operation a repetition, and creates for `seconds`."""
    measured = Measured()
    first, *_, last = [*sorted(os.sched_getaffinity(0)), *sorted(os.sched_getaffinity(0))]
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory()))
        running.enter_context(on_core(last))
        provider = int(running.enter_context(run_module("tests.benchmarks.constant_upstream")))
        with on_core(first):
            gateways = started(running, home, f"http://127.0.0.1:{provider}/v1")
        ports = {DIRECT: provider, **{name: each.port for name, each in gateways.items()}}
        stores = {name: json.loads(Connection(port).call(CREATE))["id"] for name, port in ports.items()}
        for _ in range(repetitions):
            _latencies(measured, ports, stores, calls)
            _throughput(measured, gateways, seconds)
        for name, each in gateways.items():
            measured.add("memory after that, MB", name, each.megabytes())
            measured.add("processor time until it listens, s", name, each.to_listen)
    measured.add("packages, MB", OURS, package_sizes.of_local_mode())
    measured.add("packages, MB", THEIRS, package_sizes.of_litellm())
    return _table(measured)


def started(running: ExitStack, home: Path, provider: str) -> dict[str, Served]:
    """Both gateways in front of that provider, by name."""
    path = os.pathsep.join([str(ROOT / "layers/core/python"), str(ROOT)])
    settings = {"VECTORGATE_HOME": str(home), "OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": provider}
    ours, theirs = free_port(), free_port()
    settings |= {"PYTHONPATH": path, "PORT": str(ours), "VECTORGATE_MASTER_KEY": KEY}
    command = litellm_proxy.command(home, theirs, KEY)
    environment = litellm_proxy.environment(provider)
    return {
        OURS: running.enter_context(served([sys.executable, "-m", "local"], settings, ours, "/healthz")),
        THEIRS: running.enter_context(served(command, environment, theirs, "/health/liveliness")),
    }


def _latencies(measured: Measured, ports: Mapping[str, int], stores: Mapping[str, str], calls: int) -> None:
    """Time calls one after another, through each gateway and, before each of them, straight to the provider."""
    kinds: dict[str, Callable[[str], bytes]] = {
        "create": lambda _: CREATE,
        "search": lambda store: request_bytes("POST", f"/v1/vector_stores/{store}/search", KEY, {"query": "bench"}),
        "retrieve": lambda store: request_bytes("GET", f"/v1/vector_stores/{store}", KEY),
    }
    for kind, request in kinds.items():
        for name in GATEWAYS:
            each = {path: (Connection(ports[path]), request(stores[path])) for path in (DIRECT, name)}
            rounds = [[connection.timed(content) for connection, content in each.values()] for _ in range(calls)]
            direct, through = (Spread.of(column) for column in zip(*rounds, strict=True))
            measured.add(f"added to a {kind}, p50, ms", name, through.p50 - direct.p50)
            measured.add(f"added to a {kind}, p95, ms", name, through.p95 - direct.p95)
            for connection, _ in each.values():
                connection.close()
            time.sleep(SETTLED_SECONDS)


def _throughput(measured: Measured, gateways: Mapping[str, Served], seconds: float) -> None:
    for name, gateway in gateways.items():
        before, began = gateway.cpu(), time.monotonic()
        answered = saturate(gateway.port, CREATE, connections=CONNECTIONS, seconds=seconds)
        measured.add("creates a second", name, answered / (time.monotonic() - began))
        time.sleep(SETTLED_SECONDS)
        measured.add("processor time of a create, ms", name, 1_000 * (gateway.cpu() - before) / answered)


def _table(measured: Measured) -> list[str]:
    version = litellm_proxy.version()
    rows = [
        f"| {figure} | {_cell(by[OURS])} | {_cell(by[THEIRS])} | {_ratio(figure, by)} |"
        for figure, by in measured.figures.items()
    ]
    return [f"| | vectorgate | LiteLLM {version} | times |", "|---|---|---|---|", *rows]


def _cell(values: Sequence[float]) -> str:
    figures = [
        f"{value:.0f}" if value >= 100 else f"{value:.2f}"
        for value in (statistics.median(values), min(values), max(values))
    ]
    return f"{figures[0]} ({figures[1]}-{figures[2]})" if len(values) > 1 else figures[0]


def _ratio(figure: str, by: Mapping[str, Sequence[float]]) -> str:
    ours, theirs = statistics.median(by[OURS]), statistics.median(by[THEIRS])
    return f"{ours / theirs if 'a second' in figure else theirs / ours:.1f}"
