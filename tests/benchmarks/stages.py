"""Where the time of a create over HTTP goes: the stages in local mode, in microseconds, each the median of its times.

`python -m tests.benchmarks.stages` serves as `python -m local` does, and writes them to the file STAGES at its end.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.__main__ import main
from tests.benchmarks.beside_litellm import CREATE, KEY
from tests.benchmarks.load import Connection
from tests.benchmarks.served import on_core
from tests.helpers.processes import run_module
from vectorgate.auth.authenticate import Authenticator
from vectorgate.gateway.pipeline import Gateway
from vectorgate.gateway.recorder import CallRecorder
from vectorgate.providers.http.adapter import TimedStream
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WARM_UP: Final = 200
HANDLER, SENDING, WAITING = "the handler", "sending", "waiting for the provider"
STEPS: Final[Mapping[str, tuple[type[Any], str]]] = {
    "the key": (Authenticator, "identify"),
    "the body": (Gateway, "_parse"),
    "row and record, before sending": (CallRecorder, "begin"),
    SENDING: (PooledTransport, "send"),
    "owner and row, after the answer": (CallRecorder, "commit"),
    "the client's answer": (Gateway, "render"),
}
AROUND: Final[Mapping[str, tuple[type[Any], str]]] = {HANDLER: (Gateway, "handle"), WAITING: (TimedStream, "read")}


def report(times: int = 1_000) -> list[str]:
    """The lines to print. The gateway has one core, client and provider another; calls straight to it come between."""
    first, *_, last = [*sorted(os.sched_getaffinity(0)), *sorted(os.sched_getaffinity(0))]
    with tempfile.TemporaryDirectory() as home:
        settings = {"PORT": "0", "VECTORGATE_HOME": home, "VECTORGATE_MASTER_KEY": KEY, "STAGES": f"{home}/stages.json"}
        with ExitStack() as running:
            running.enter_context(on_core(last))
            provider = running.enter_context(run_module("tests.benchmarks.constant_upstream"))
            settings |= {"OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": f"http://127.0.0.1:{provider}/v1"}
            with on_core(first):
                ready = running.enter_context(run_module("tests.benchmarks.stages", settings))
            ours = ready.partition("http://")[2].partition(" ")[0].rpartition(":")[2]
            straight, through = (Connection(int(port)) for port in (provider, ours))
            pairs = [(straight.timed(CREATE), through.timed(CREATE)) for _ in range(WARM_UP + times)]
        direct, whole = (1e6 * statistics.median(column) for column in zip(*pairs[WARM_UP:], strict=True))
        return _lines(whole, direct, json.loads(Path(settings["STAGES"]).read_text("utf-8")))


def _lines(whole: float, direct: float, took: Mapping[str, float]) -> list[str]:
    """Each stage's time, and what is left for the others around it."""
    parts = {f"  {name}": took[name] for name in STEPS}
    parts[f"  {SENDING}"] -= took[WAITING]
    rest = took[HANDLER] - took[WAITING] - sum(parts.values())
    parts = {"connection, server, threads": whole - took[HANDLER], **parts, f"  {WAITING}": took[WAITING]}
    rows = {"a create": whole, **parts, "  the handler's other steps": rest, "straight to the provider": direct}
    return [f"{name:<36}{us:6.0f} us" for name, us in rows.items()]


def _serve() -> None:
    took: dict[str, list[int]] = {}
    for name, (owner, method) in {**STEPS, **AROUND}.items():
        setattr(owner, method, _timed(getattr(owner, method), took.setdefault(name, [])))
    try:
        main()
    finally:
        medians = {name: statistics.median(each[WARM_UP:]) / 1_000 for name, each in took.items()}
        Path(os.environ["STAGES"]).write_text(json.dumps(medians), "utf-8")


def _timed(act: Callable[..., Any], took: list[int]) -> Callable[..., Any]:
    @wraps(act)
    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter_ns()
        result = act(*arguments, **named)
        took.append(time.perf_counter_ns() - began)
        return result

    return timed


if __name__ == "__main__":
    _serve()
