"""Streams of a response's events: iterators in both forms, which must be closed or read to their end.

::

    with client.responses.create(..., stream=True) as stream:              # for event in stream
    async with await client.responses.acreate(..., stream=True) as stream: # async for event in stream

A stream ends after its last event (`response.completed`, `.incomplete`, `.failed` or `.cancelled`). Anything else that
ends it is an error: an `error` event, a connection that is lost or closed before, a wait beyond the call's `timeout`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from vectorgate.client.errors import APIConnectionError, APIError, APITimeoutError
from vectorgate.client.messages import StreamLost
from vectorgate.client.resource import HasCallInfo
from vectorgate.client.resources import ResponseStreamEvent
from vectorgate.providers.base import StreamBroken
from vectorgate.providers.event_stream import LAST, EventSplitter, data_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
    from types import TracebackType

    from vectorgate.client.messages import Pieces, RequestLine
    from vectorgate.client.resource import CallInfo

_END: Final = b"[DONE]"  # of some servers' streams; it says nothing of the response
_ADVICE: Final = "The response may continue and is charged: retrieve it by its id."
_UNREADABLE: Final = "An event of the stream cannot be read."


@dataclass(frozen=True, slots=True)
class RawStream:
    """A stream whose head has arrived."""

    pieces: Pieces
    info: CallInfo
    request: RequestLine


class GivenPieces:
    """`messages.Pieces` that are all there: a mock's."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    def close(self) -> None:
        """Do nothing: there is no connection."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""


class ResponseStream(HasCallInfo):
    """The events of a response, as they arrive. Safe to close more than once; of one thread."""

    def __init__(self, raw: RawStream) -> None:
        self._info = raw.info
        self._pieces = raw.pieces
        self._reader = _Reader(raw.request)
        self._events = self._read()

    def __iter__(self) -> Iterator[ResponseStreamEvent]:
        return self

    def __next__(self) -> ResponseStreamEvent:
        return next(self._events)

    def _read(self) -> Generator[ResponseStreamEvent, None, None]:
        try:
            for piece in self._pieces:
                yield from self._reader.feed(piece)
            self._reader.finish()
        except StreamLost as lost:
            self._reader.lost(lost)
        finally:
            self._pieces.close()

    def close(self) -> None:
        """End the stream: the server then ends the model's call. No event follows."""
        self._events.close()
        self._pieces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class AsyncResponseStream(HasCallInfo):
    """The awaited form of ResponseStream, of one task."""

    def __init__(self, raw: RawStream) -> None:
        self._info = raw.info
        self._pieces = raw.pieces
        self._reader = _Reader(raw.request)
        self._events = self._read()

    def __aiter__(self) -> AsyncIterator[ResponseStreamEvent]:
        return self

    async def __anext__(self) -> ResponseStreamEvent:
        return await anext(self._events)

    async def _read(self) -> AsyncGenerator[ResponseStreamEvent, None]:
        try:
            async for piece in self._pieces:
                for event in self._reader.feed(piece):
                    yield event
            self._reader.finish()
        except StreamLost as lost:
            self._reader.lost(lost)
        finally:
            await self._pieces.aclose()

    async def close(self) -> None:
        """End the stream: the server then ends the model's call. No event follows."""
        await self._events.aclose()
        await self._pieces.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


class _Reader:
    """From pieces to events, and to the error of a stream that does not come to its end."""

    def __init__(self, request: RequestLine) -> None:
        self._request = request
        self._splitter = EventSplitter()
        self._ended = False

    def feed(self, piece: bytes) -> Iterator[ResponseStreamEvent]:
        """The events that this piece completes. APIError for an error event, and for one that cannot be read."""
        try:
            for event in self._splitter.feed(piece):
                fields = data_of(event)
                if fields:
                    yield self._checked(fields)
                elif _has_content(event):
                    raise APIError(_UNREADABLE, request=self._request)
        except StreamBroken as error:
            raise APIError(_UNREADABLE, request=self._request) from error

    def _checked(self, fields: Mapping[str, object]) -> ResponseStreamEvent:
        error = fields.get("error")
        if error or fields.get("type") == "error":
            body = error if isinstance(error, dict) else fields
            raise APIError(
                str(body.get("message") or "The server reported an error."), request=self._request, body=body
            )
        self._ended = self._ended or fields.get("type") in LAST
        return ResponseStreamEvent(fields)

    def finish(self) -> None:
        """The server has closed the stream. APIConnectionError when it had not come to its end."""
        if not self._ended:
            message = f"The stream ended before the response did. {_ADVICE}"
            raise APIConnectionError(message, request=self._request, outcome_unknown=True)

    def lost(self, lost: StreamLost) -> None:
        """The connection is lost. APIConnectionError, with httpx's as its cause, when the last event is missing."""
        if self._ended:
            return
        kind = APITimeoutError if lost.timed_out else APIConnectionError
        message = "No event arrived in time" if lost.timed_out else "The connection was lost during the stream"
        error = kind(f"{message}. {_ADVICE}", request=self._request, outcome_unknown=True)
        raise error from lost.__cause__


def _has_content(event: bytes) -> bool:
    """Whether there is data in it that is no JSON object: neither a comment, which keeps connections open, nor _END."""
    lines = [line[len(b"data:") :].strip() for line in event.splitlines() if line.startswith(b"data:")]
    return any(line and line != _END for line in lines)
