"""The port to the deployment's dead letters: what was set aside, because it could not be handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.errors import InvalidRequest
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SHOWN: Final = 10  # of each queue, at most
RETRY, DROP = "retry", "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One of them. `at_ms`: when it was set aside (Unix milliseconds), None if that is not kept, as for `reason`."""

    id: str
    at_ms: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """A queue of them: how many there are, about, and some of them. `actions`: what `DeadLetters` does with them."""

    name: str
    count: int
    letters: Sequence[DeadLetter] = ()
    actions: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """How many dead letters are no longer in their queue, and how many stay there, for which reason."""

    done: int
    left: int = 0
    reason: str | None = None


class DeadLetters(Protocol):
    """The deployment's dead letters. `ids` None: all of the queue."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """Every queue, also an empty one. Unavailable."""
        ...

    def retry(self, queue: str, ids: Collection[str] | None) -> Retried:
        """Handle them again, those first that were set aside first. InvalidRequest for a queue that does not."""
        ...

    def drop(self, queue: str, ids: Collection[str] | None) -> int:
        """Give them up; how many there were. InvalidRequest for a queue that does not."""
        ...


class NoDeadLetters:
    """The dead-letter queues of a deployment that has none."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """None."""
        return ()

    def retry(self, queue: str, ids: Collection[str] | None) -> Retried:
        """InvalidRequest."""
        del ids
        raise no_such_queue(queue)

    def drop(self, queue: str, ids: Collection[str] | None) -> int:
        """InvalidRequest."""
        del ids
        raise no_such_queue(queue)


def no_such_queue(queue: str, hint: str = "") -> InvalidRequest:
    """The error for a queue whose dead letters are not handled here."""
    message = f"Invalid 'queue': no dead letters of '{queue[:64]}' can be handled here.{hint}"
    return InvalidRequest(message, code="invalid_value", param="queue")
