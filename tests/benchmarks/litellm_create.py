"""LiteLLM's own create, and raw httpx before it, in an interpreter that has both.

Not in turn, as in `sdk.py`: httpx's next call would wait for the threads that LiteLLM starts after a call.

argv: the base URL, the key, and the number of calls. Prints the seconds of each call, by form and client, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = {"name": "bench", "metadata": {"project": "rag-system"}}


def waited(act: Callable[[], object], times: int) -> list[float]:
    """Return the seconds of each call."""
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        durations.append(time.perf_counter() - began)
    return durations


async def awaited(act: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Return the seconds of each call of an awaitable."""
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        durations.append(time.perf_counter() - began)
    return durations


async def acreate(stores: Any, url: str, headers: dict[str, str], where: dict[str, Any], times: int) -> dict[str, Any]:
    """Time both clients asynchronously."""
    async with httpx.AsyncClient() as raw:
        return {
            "raw httpx": await awaited(lambda: raw.post(f"{url}/vector_stores", json=BODY, headers=headers), times),
            "litellm": await awaited(lambda: stores.acreate(**BODY, **where), times),
        }


def main(url: str, key: str, count: str) -> None:
    """Time both clients in both forms, and print the seconds."""
    times = int(count)
    stores: Any = importlib.import_module("litellm").vector_stores  # by name: this tree is checked without its types
    headers, where = (
        {"authorization": f"Bearer {key}"},
        {"api_base": url, "api_key": key, "custom_llm_provider": "openai"},
    )
    with httpx.Client() as raw:
        create = {
            "raw httpx": waited(lambda: raw.post(f"{url}/vector_stores", json=BODY, headers=headers).json(), times),
            "litellm": waited(lambda: stores.create(**BODY, **where), times),
        }
    took = {"create": create, "acreate": asyncio.run(acreate(stores, url, headers, where, times))}
    sys.stdout.write(f"{json.dumps(took)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
