"""Requests, responses and failures as plain data: code that decides about them needs no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from vectorgate.client.file_inputs import Form


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What an error shows of its request: never a header, and so never a key."""

    method: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One attempt, ready to send. Header names are lower-case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | Form | None = field(default=None, repr=False)

    @property
    def line(self) -> RequestLine:
        """The part that may be shown."""
        return RequestLine(self.method, self.url)


class Pieces(Protocol):
    """Content that is still arriving, in one of two forms. It must be closed. Reading raises StreamLost."""

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, of a synchronous call."""
        ...

    def close(self) -> None:
        """End the exchange."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, of an awaited call."""
        ...

    async def aclose(self) -> None:
        """End the exchange."""
        ...


class StreamLost(Exception):
    """The content broke off before its end. `__cause__`: httpx's exception."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__()
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One response, whole, or with the `pieces` of a stream of events that are still to be read.

    Header names are lower-case; of several headers of one name, the last.
    """

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    pieces: Pieces | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """A call without a connection: it cannot have been executed. `cause`: httpx's exception."""

    timed_out: bool
    cause: Exception | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLost:
    """The request may have arrived, but no complete response did. `cause`: httpx's exception."""

    timed_out: bool
    cause: Exception | None = field(default=None, compare=False)


Outcome: TypeAlias = HttpResponse | NotSent | ResponseLost
