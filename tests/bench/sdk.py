"""What the SDK adds to a create: beside raw httpx and `openai`, in one run, against a server that answers at once."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import openai

from tests.bench.measure import ROOT, Spread, process, timed
from vectorgate.client.client import Client
from vectorgate.client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = {"name": "bench", "metadata": {"project": "rag-system"}}
KEY = "sk-bench"
WARM_UP = 100
IMPORTS = 5


def report(times: int = 1_000) -> list[str]:
    """Lines to print. The clients take turns, so that what else the machine does falls on all of them alike."""
    with process("tests.bench.constant_upstream") as port:
        url = f"http://127.0.0.1:{port}/v1"
        return [*_waiting(url, times), *asyncio.run(_awaited(url, times)), *_imports()]


def _client(url: str) -> Client:
    return Client(settings=ClientSettings(openai_url=url, openai_key=KEY))


def _waiting(url: str, times: int) -> list[str]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client() as raw, openai.OpenAI(base_url=url, api_key=KEY) as theirs, _client(url) as ours:
        acts: dict[str, Callable[[], object]] = {
            "raw httpx": lambda: raw.post(f"{url}/vector_stores", json=BODY, headers=headers).json(),
            "openai": lambda: theirs.vector_stores.create(name="bench", metadata=BODY["metadata"]),  # type: ignore[arg-type]
            "vectorgate": lambda: ours.vector_stores.create(name="bench", metadata=BODY["metadata"]),  # type: ignore[arg-type]
        }
        for act in acts.values():
            timed(act, time.perf_counter, WARM_UP)
        took: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(times):
            for name, act in acts.items():
                took[name] += timed(act, time.perf_counter, 1)
    return _lines("create", took)


async def _awaited(url: str, times: int) -> list[str]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with (
        httpx.AsyncClient() as raw,
        openai.AsyncOpenAI(base_url=url, api_key=KEY) as theirs,
        _client(url) as ours,
    ):
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            "raw httpx": lambda: raw.post(f"{url}/vector_stores", json=BODY, headers=headers),
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
    return _lines("acreate", took)


def _lines(form: str, took: dict[str, list[float]]) -> list[str]:
    spreads = {name: Spread.of(durations) for name, durations in took.items()}
    raw = spreads["raw httpx"].p50
    lines = [f"{form}, {name + ':':<12} {spread}, {spread.p50 - raw:+.2f} ms" for name, spread in spreads.items()]
    if importlib.util.find_spec("litellm") is None:
        lines.append(f"{form}, litellm:     not installed")
    return lines


def _imports() -> list[str]:
    """The best of some processes: the import alone, without the interpreter's start."""
    codes = ("import vectorgate", "import vectorgate; vectorgate.vector_stores", "import openai")
    return [f"{code + ':':<48} {_imported(code):.0f} ms" for code in codes]


def _imported(code: str) -> float:
    program = f"import time; began = time.perf_counter(); {code}; print(time.perf_counter() - began)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers/core/python")}
    runs = [
        subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)  # noqa: S603
        for _ in range(IMPORTS)
    ]
    return min(float(json.loads(run.stdout)) for run in runs) * 1000
