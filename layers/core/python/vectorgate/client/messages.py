"""Requests, responses and failures as plain data, so that what decides about them needs no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole response. Header names are lower-case; of several headers of one name, the last."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """No connection came about, so the operation cannot have been executed. `cause`: httpx's exception."""

    timed_out: bool
    cause: Exception | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLost:
    """The request may have arrived, and no whole response did. `cause`: httpx's exception."""

    timed_out: bool
    cause: Exception | None = field(default=None, compare=False)


Outcome: TypeAlias = HttpResponse | NotSent | ResponseLost
