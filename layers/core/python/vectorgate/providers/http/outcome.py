"""What can become of one attempt. That NotSent and Lost are two decides whether a create may be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from vectorgate.providers.base import UpstreamRequest, UpstreamResponse


@dataclass(frozen=True, slots=True)
class Replied:
    """A whole answer arrived."""

    response: UpstreamResponse


@dataclass(frozen=True, slots=True)
class NotSent:
    """The connection never came about (name, connect, TLS): nothing was executed."""

    timed_out: bool


@dataclass(frozen=True, slots=True)
class ResponseLost:
    """Sent, at least in part, and no whole answer came back: nobody knows whether it was executed."""

    timed_out: bool


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A success whose content is more than this deployment can hand on: it was not read to its end."""


Outcome: TypeAlias = Replied | NotSent | ResponseLost | TooLarge


class BrokenAnswer(Exception):
    """Something arrived that cannot be taken for an answer, or not be kept: to be told as Lost."""


class Transport(Protocol):
    """The only egress."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Send once and read the whole answer within `seconds`, all phases together. No redirects, no retries."""
        ...
