"""`make fuzz`: valid requests of every operation, damaged at random, for `FUZZ_SECONDS` (default 60).

Each answer below 500 has to have OpenAI's envelope, and no call that the gateway refuses may have been sent upstream. A
finding prints the seed that reproduces it (`FUZZ_SEED`), and ends with status 1.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tests.factories.requests import request_for
from tests.harnesses.gateway import GatewayHarness
from vectorgate.api.http import Body
from vectorgate.api.operations import OPERATIONS
from vectorgate.api.router import route
from vectorgate.entrypoints.lambda_http import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.api.http import Request, Response

KEY = "sk-fuzzing"
IDS = {
    "vector_store_id": "vs_fuzz",
    "file_id": "file-fuzz",
    "batch_id": "vsfb_fuzz",
    "upload_id": "upload_fuzz",
    "response_id": "resp_fuzz",
    "model": "fuzz-model",
}
ENVELOPE = {"message", "type", "param", "code"}
SNIPPETS = [
    b"\x00",
    b"\xff\xfe",
    b'"',
    b"{",
    b"[" * 70,
    b"NaN",
    b"1e999",
    b"\\ud800",
    b"null",
    b"-1",
    b",",
    b"\r\n",
    b"true",
]
PATH_SNIPPETS = ["/", "..", "%2f", "%00", "%25", ";", "//", "?", "#", "%5c", "é", " ", "'", "vs_x"]


def damaged(request: Request, rng: random.Random) -> Request:
    """Return the request with one to three faults."""
    for _ in range(rng.randint(1, 3)):
        request = rng.choice(DAMAGES)(request, rng)
    return request


def _body(request: Request, rng: random.Random) -> Request:
    content = bytearray(request.body.read())
    place = rng.randint(0, len(content))
    content[place : place + rng.randint(0, 4)] = rng.choice(SNIPPETS)
    return replace(request, body=Body.of(bytes(content)))


def _path(request: Request, rng: random.Random) -> Request:
    place = rng.randint(0, len(request.path))
    path = request.path[:place] + rng.choice(PATH_SNIPPETS) + request.path[place + rng.randint(0, 3) :]
    return replace(request, path=path)


def _header(request: Request, rng: random.Random) -> Request:
    names = [*request.headers, "content-type", "x-litellm-tags", "x-litellm-end-user-id", "custom-llm-provider"]
    value = "".join(chr(rng.randint(1, 0x2FF)) for _ in range(rng.randint(0, 40)))
    return replace(request, headers={**request.headers, rng.choice(names): value})


def _query(request: Request, rng: random.Random) -> Request:
    name = rng.choice(["limit", "order", "after", "before", "filter", "purpose", "api_base"])
    value = rng.choice(["", "0", "101", "-1", "9" * 50, "sideways", "vs_fuzz", "a b", "\x00"])
    return replace(request, query={**request.query, name: value})


def _method(request: Request, rng: random.Random) -> Request:
    return replace(request, method=rng.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "", "get"]))


DAMAGES: list[Callable[[Request, random.Random], Request]] = [_body, _body, _path, _header, _query, _method]


def fault_of(request: Request, response: Response, upstream_calls: int) -> str | None:
    """Return what is wrong with an answer, or None."""
    if response.status >= 500:
        return f"status {response.status}"
    if response.status >= 400:
        error = json.loads(response.read_body()).get("error")
        if not isinstance(error, dict) or set(error) != ENVELOPE:
            return f"no envelope: {error}"
    if upstream_calls:
        route(request.method, request.path)  # raises unless the request is a row of the table
    return None


def main() -> None:
    """Fuzz until the time is over."""
    seconds, seed = float(os.environ.get("FUZZ_SECONDS", "60")), int(os.environ.get("FUZZ_SEED", "0"))
    ends, requests = time.monotonic() + seconds, 0
    with GatewayHarness() as harness:
        harness.key(KEY)
        while time.monotonic() < ends:
            seed += 1
            rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
            request = damaged(request_for(rng.choice(OPERATIONS), IDS, key=KEY), rng)
            harness.upstream.forget()
            response = answer(partial(harness.gateway.handle, request), harness.telemetry)
            problem = fault_of(request, response, harness.upstream.calls)
            if problem is not None or harness.telemetry.errors:
                sys.stdout.write(
                    f"FUZZ_SEED={seed - 1}: {problem} {harness.telemetry.errors} {request.method} {request.path}\n"
                )
                raise SystemExit(1)
            requests += 1
    sys.stdout.write(f"requests={requests} findings=0 seconds={seconds:.0f}\n")


if __name__ == "__main__":
    main()
