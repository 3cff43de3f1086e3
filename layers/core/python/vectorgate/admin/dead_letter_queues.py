"""The port to the deployment's dead letters: what was set aside, because it could not be handled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN: Final = 10  # of each queue, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One of them. `at_ms`: when it was set aside (Unix milliseconds), None if that is not kept, as for `reason`."""

    id: str
    at_ms: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """A queue of them: how many there are, about, and some of them."""

    name: str
    count: int
    letters: Sequence[DeadLetter] = ()


class DeadLetters(Protocol):
    """Looks at the deployment's dead letters, and leaves them where they are."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """Every queue, also an empty one. Unavailable."""
        ...


class NoDeadLetters:
    """Of a deployment without such queues."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """None."""
        return ()
