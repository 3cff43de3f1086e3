"""An upstream that answers every create with the same store but for its id, so that its own time is small.

It has every store that is named, and finds nothing in any. Its list is empty; the meter reads it meanwhile. A create of
a store named `hang` is answered after the next create of one named `release`. A response is a stream of events, each
with the time of its sending.

`python -m tests.benchmarks.constant_upstream` prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time

STORE = {
    "object": "vector_store",
    "created_at": 1_699_061_776,
    "name": "bench",
    "usage_bytes": 0,
    "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
    "status": "completed",
    "last_active_at": 1_699_061_776,
    "metadata": {},
}
FOUND = {"object": "vector_store.search_results.page", "search_query": ["bench"], "data": [], "has_more": False}
NONE = {"object": "list", "data": [], "has_more": False}
EVENTS = 20  # of a stream
PAUSE = 0.003  # seconds between them
ANSWER_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\nx-request-id: req_bench\r\n\r\n"
)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_numbers = itertools.count(1)
_waiting: list[asyncio.Event] = []


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await _hold(await reader.readexactly(int(length or b"0")))
            if head.startswith(b"post /v1/responses"):
                await _stream(writer)
                continue
            body = json.dumps(_document(head)).encode()
            writer.write(ANSWER_HEAD % len(body) + body)  # in one packet, as a provider sends it
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _document(head: bytes) -> dict[str, object]:
    """The answer to a request with this head."""
    method, path, *_ = head.split(b" ", 2)
    _, found, store = path.partition(b"/vector_stores/")
    if method == b"get":
        return {"id": store.decode("ascii"), **STORE} if found else NONE
    if store.endswith(b"/search"):
        return FOUND
    return {"id": f"vs_{next(_numbers):032x}", **STORE}


async def _hold(body: bytes) -> None:
    """Wait with a store named `hang`, until one named `release` lets all of them go."""
    if b'"hang"' in body:
        _waiting.append(released := asyncio.Event())
        await released.wait()
    elif b'"release"' in body:
        while _waiting:
            _waiting.pop().set()


async def _stream(writer: asyncio.StreamWriter) -> None:
    response = {"id": f"resp_{next(_numbers):032x}", "object": "response", "model": "gpt-5-mini", "output": []}
    usage = {"input_tokens": 10, "output_tokens": EVENTS, "total_tokens": EVENTS + 10}
    writer.write(STREAM_HEAD)
    _send(writer, {"type": "response.created", "response": response | {"status": "in_progress"}})
    for _ in range(EVENTS):
        await asyncio.sleep(PAUSE)
        _send(writer, {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "word "})
    _send(writer, {"type": "response.completed", "response": response | {"status": "completed", "usage": usage}})
    writer.write(b"0\r\n\r\n")


def _send(writer: asyncio.StreamWriter, event: dict[str, object]) -> None:
    data = json.dumps(event | {"sent_ns": time.monotonic_ns()})
    content = f"event: {event['type']}\ndata: {data}\n\n".encode()
    writer.write(b"%x\r\n%b\r\n" % (len(content), content))


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
