"""Server-sent events: each sent as soon as there is one, and closed when the client disconnects."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Send

    from engine.model import Json
    from engine.responses.operations import EventGenerator, Events

POLL_SECONDS: Final = 0.05  # between two looks at a response that is made in the background
_END: Final[Json] = {}


class EventStream(StreamingResponse):
    """A stream of events as an answer."""

    def __init__(self, events: Events) -> None:
        self._encoded = _encoded(events.generator)
        super().__init__(self._encoded, media_type="text/event-stream", headers={"cache-control": "no-cache"})

    async def stream_response(self, send: Send) -> None:
        """Send it. Cancelled when the client disconnects, which closes the events as well."""
        async with aclosing(self._encoded):
            await super().stream_response(send)


async def _encoded(events: EventGenerator) -> AsyncGenerator[bytes, None]:
    try:
        while (event := await run_in_threadpool(next, events, _END)) is not _END:
            if event is None:
                await anyio.sleep(POLL_SECONDS)
            else:
                yield encode(event)
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(events.close)


def encode(event: Json) -> bytes:
    """An event as it is on the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event, allow_nan=False)}\n\n".encode()
