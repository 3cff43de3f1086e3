"""The outcomes of one attempt. After NotSent a create may be repeated, after ResponseLost it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from vectorgate.providers.base import UpstreamRequest, UpstreamResponse


@dataclass(frozen=True, slots=True)
class Replied:
    """A whole answer arrived."""

    response: UpstreamResponse


@dataclass(frozen=True, slots=True)
class NotSent:
    """A request without a connection (name, connect, TLS): nothing was executed."""

    timed_out: bool


@dataclass(frozen=True, slots=True)
class ResponseLost:
    """Sent, at least in part, and no whole answer came back: whether it was executed is unknown."""

    timed_out: bool


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A success whose content is more than this deployment can return: it was not read to its end."""


Outcome: TypeAlias = Replied | NotSent | ResponseLost | TooLarge


class Transport(Protocol):
    """The only egress."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Send once and read the whole answer within `seconds`, all phases together. No redirects, no retries."""
        ...

    def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        ...
