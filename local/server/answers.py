"""One answer on its way to the client: whole, from a file, or piece by piece as it is produced."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from local.server.exchange import Exchange
from vectorgate.api.http import encode_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Receive, Send

    from local.server.exchange import Head
    from local.server.streams import Feed
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import Body

PIECE: Final = 1024 * 1024
WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Answer:
    """The answer to one request. `status` is None until it begins. `completed` adds to its headers what is due."""

    def __init__(self, send: Send) -> None:
        self.status: int | None = None
        self.completed: Callable[[Mapping[str, str]], Mapping[str, str]] = dict
        self._send = send
        self._request_id: str | None = None
        self._sent = 0
        self._ended = False

    async def begin(self, status: int, headers: Mapping[str, str], size: int | None) -> None:
        """Prepare status and headers, which are sent with what follows. Without a size, the body is chunked."""
        self.status, self._request_id = status, headers.get("x-request-id")
        fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in self.completed(headers).items()]
        if size is not None and status not in WITHOUT_BODY:
            fields.append((b"content-length", b"%d" % size))
        await self._send({"type": "http.response.start", "status": status, "headers": fields})

    async def more(self, piece: bytes) -> None:
        """Send a piece of the body. Returns when the client has taken most of what was sent before, or has gone."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._sent += len(piece)

    async def end(self, piece: bytes = b"") -> None:
        """Send the last piece."""
        await self._send({"type": "http.response.body", "body": piece})
        self._sent += len(piece)
        self._ended = True

    async def whole(self, status: int, headers: Mapping[str, str], content: bytes, *, size: int | None) -> None:
        """Send all of it. `size`: of the body, which is not sent in answer to HEAD; None if that is not known."""
        await self.begin(status, headers, size)
        await self.end(content)

    async def refuse(self, error: ApiError) -> None:
        """Send an error, and close the connection: the request may not have been read to its end."""
        headers = {"content-type": "application/json", **error.headers, "connection": "close"}
        content = encode_json(error.envelope())
        await self.whole(error.status, headers, content, size=len(content))

    def exchange(self, head: Head | None, seconds: float) -> Exchange:
        """The outcome of the request."""
        return Exchange(
            head=head,
            status=self.status,
            request_id=self._request_id,
            sent=self._sent,
            whole=self._ended,
            seconds=seconds,
        )


async def send_head(answer: Answer, status: int, headers: Mapping[str, str], size: int | None) -> None:
    """Send status and headers at once, before there is any of the body."""
    await answer.begin(status, headers, size)
    await answer.more(b"")


async def send_file(answer: Answer, body: Body, receive: Receive) -> None:
    """Send a body from its file, to the end or until the client disconnects. The file is closed then."""
    with closing(body):
        source = body.open()
        async with client_gone(receive) as gone:
            while not gone.done() and (piece := await asyncio.to_thread(source.read, PIECE)):
                await answer.more(piece)
            if not gone.done():
                await answer.end()


async def send_stream(answer: Answer, feed: Feed, receive: Receive) -> None:
    """Send what a feed brings, to the end or until the client disconnects."""
    async with client_gone(receive) as gone:
        gone.add_done_callback(lambda _: feed.leave())
        while (piece := await feed.next()) is not None:
            await answer.more(piece)
        if not gone.done():
            await feed.check()
            await answer.end()


@asynccontextmanager
async def client_gone(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """A task that ends when the client disconnects. The request has been read to its end before."""
    task = asyncio.create_task(_disconnect(receive))
    try:
        yield task
    finally:
        task.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
