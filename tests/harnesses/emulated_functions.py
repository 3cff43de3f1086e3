"""What Lambda does at a release, and MiniStack does not.

- An alias shares calls between two versions by their weights, which MiniStack stores alone. Each call is one draw
  (https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html), and a line of `CALLS`.
- A call that runs while its function is updated runs to its end; MiniStack ends it.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from pathlib import Path
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

PAUSE: Final = 0.05
CALLS: Final = Path(os.environ["HOME"]) / "calls.jsonl"  # through an alias: the function, the version and the time
_invoke: Final = lambda_svc._invoke
_record_for: Final = lambda_svc._get_func_record_for_ref
_invalidate: Final = lambda_svc.invalidate_worker


def install() -> None:
    """Let what calls a function through an alias (Invoke, HTTP APIs, URLs, events) get the version that is drawn."""
    lambda_svc._invoke = _drawn_invoke
    lambda_svc._get_func_record_for_ref = _drawn_record
    lambda_svc.invalidate_worker = _ended_when_idle


def drawn(function: dict[str, Any], qualifier: str | None) -> str | None:
    """The version that a call gets, or None without an alias. Written down."""
    alias = function.get("aliases", {}).get(qualifier)
    if alias is None:
        return None
    version = str(alias["FunctionVersion"])
    point = random.random()  # noqa: S311 - no secret
    for other, weight in alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items():
        if point < weight:
            version = str(other)
        point -= weight
    line = {"function": function["config"]["FunctionName"], "version": version, "at": time.time()}
    with CALLS.open("a") as log:
        log.write(json.dumps(line) + "\n")
    return version


async def _drawn_invoke(name: str, event: Any, headers: Any, path_qualifier: Any = None, query: Any = None) -> Any:
    qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query)
    version = drawn(lambda_svc._functions.get(name) or {}, qualifier)
    return await _invoke(name, event, headers, version or path_qualifier, query)


def _drawn_record(reference: str) -> Any:
    name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
    version = drawn(lambda_svc._functions.get(name) or {}, qualifier)
    return _record_for(f"{name}:{version}" if version else reference)


def _ended_when_idle(function: str, qualifier: str | None = None, **place: Any) -> None:
    """End a function's environments, those in use once their call has ended."""
    busy = []
    with lambda_runtime._lock:
        for key, workers in lambda_runtime._workers.items():
            if key.split(":")[-2] == function and qualifier in {None, key.split(":")[-1]}:
                busy += [each for each in workers if each.in_use]
                workers[:] = [each for each in workers if not each.in_use]
    _invalidate(function, qualifier, **place)
    threading.Thread(target=_end, args=(busy,), daemon=True).start()


def _end(workers: list[Any]) -> None:
    while any(each.in_use for each in workers):
        time.sleep(PAUSE)
    lambda_runtime.kill_workers(workers)
