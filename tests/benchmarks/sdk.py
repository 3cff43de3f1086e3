"""The SDK's overhead in a create, beside raw httpx, `openai` and LiteLLM, over a server that answers at once.

LiteLLM has an interpreter of its own (`make compat` makes it; VECTORGATE_COMPAT_PYTHON names another), and is compared
with raw httpx in that interpreter: its difference is not the one to the first line.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import openai

from tests.benchmarks.measure import Spread, timed
from tests.helpers.processes import ROOT, run_module
from vectorgate.client.client import Client
from vectorgate.client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = {"name": "bench", "metadata": {"project": "rag-system"}}
KEY = "sk-bench"
RAW = "raw httpx"
WARM_UP = 100
IMPORTS = 5
COMPAT = ROOT / ".cache" / "compat" / "bin" / "python"


def report(times: int = 1_000) -> list[str]:
    """The lines to print. The clients take turns, so that other load on the machine affects all of them alike."""
    with run_module("tests.benchmarks.constant_upstream") as port:
        url = f"http://127.0.0.1:{port}/v1"
        ours = {"create": _sync(url, times), "acreate": asyncio.run(_awaited(url, times))}
        theirs = _litellm(url, times)
    lines = [line for form, took in ours.items() for line in [*_lines(form, took), _last_line(form, theirs)]]
    return [*lines, *_imports()]


def _client(url: str) -> Client:
    return Client(settings=ClientSettings(openai_url=url, openai_key=KEY))


def _sync(url: str, times: int) -> dict[str, list[float]]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client() as raw, openai.OpenAI(base_url=url, api_key=KEY) as theirs, _client(url) as ours:
        acts: dict[str, Callable[[], object]] = {
            RAW: lambda: raw.post(f"{url}/vector_stores", json=BODY, headers=headers).json(),
            "openai": lambda: theirs.vector_stores.create(name="bench", metadata=BODY["metadata"]),  # type: ignore[arg-type]
            "vectorgate": lambda: ours.vector_stores.create(name="bench", metadata=BODY["metadata"]),  # type: ignore[arg-type]
        }
        for act in acts.values():
            timed(act, time.perf_counter, WARM_UP)
        took: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(times):
            for name, act in acts.items():
                took[name] += timed(act, time.perf_counter, 1)
    return took


async def _awaited(url: str, times: int) -> dict[str, list[float]]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with (
        httpx.AsyncClient() as raw,
        openai.AsyncOpenAI(base_url=url, api_key=KEY) as theirs,
        _client(url) as ours,
    ):
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            RAW: lambda: raw.post(f"{url}/vector_stores", json=BODY, headers=headers),
            "openai": lambda: theirs.vector_stores.create(name="bench", metadata=BODY["metadata"]),  # type: ignore[arg-type]
            "vectorgate": lambda: ours.vector_stores.acreate(name="bench", metadata=BODY["metadata"]),  # type: ignore[arg-type]
        }
        took: dict[str, list[float]] = {name: [] for name in acts}
        for turn in range(WARM_UP + times):
            for name, act in acts.items():
                began = time.perf_counter()
                await act()
                if turn >= WARM_UP:
                    took[name].append(time.perf_counter() - began)
    return took


def _litellm(url: str, times: int) -> dict[str, dict[str, list[float]]] | None:
    """Seconds of LiteLLM and of raw httpx, by form and client; None where LiteLLM is not installed."""
    python = Path(os.environ.get("VECTORGATE_COMPAT_PYTHON") or COMPAT)
    has = "import importlib.util, sys; sys.exit(importlib.util.find_spec('litellm') is None)"
    if not python.is_file() or subprocess.run([str(python), "-c", has], check=False).returncode:  # noqa: S603 - ours
        return None
    # -P: the modules beside the script are not LiteLLM's. Its warnings go to the report's own standard error.
    command = [str(python), "-P", str(ROOT / "tests/benchmarks/litellm_create.py"), url, KEY, str(WARM_UP + times)]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - ours
    took: dict[str, dict[str, list[float]]] = json.loads(done.stdout.splitlines()[-1])
    return {form: {name: all_[WARM_UP:] for name, all_ in by_name.items()} for form, by_name in took.items()}


def _last_line(form: str, theirs: dict[str, dict[str, list[float]]] | None) -> str:
    return _lines(form, theirs[form])[-1] if theirs is not None else _label(form, "litellm") + "not installed"


def _lines(form: str, took: dict[str, list[float]]) -> list[str]:
    spreads = {name: Spread.of(durations) for name, durations in took.items()}
    raw = spreads[RAW].p50
    return [f"{_label(form, name)}{spread}, {spread.p50 - raw:+.2f} ms" for name, spread in spreads.items()]


def _label(form: str, name: str) -> str:
    return f"{form}, {name + ':':<12} "


def _imports() -> list[str]:
    """The best of several processes: the import alone, without the interpreter's start."""
    codes = ("import vectorgate", "import vectorgate; vectorgate.vector_stores", "import httpx", "import openai")
    return [f"{code + ':':<48} {_imported(code):.0f} ms" for code in codes]


def _imported(code: str) -> float:
    program = f"import time; began = time.perf_counter(); {code}; print(time.perf_counter() - began)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers/core/python")}
    runs = [
        subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)  # noqa: S603
        for _ in range(IMPORTS)
    ]
    return min(float(json.loads(run.stdout)) for run in runs) * 1000
