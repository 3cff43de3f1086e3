"""What the exporter needs: destinations, and in local mode the queue of records that wait for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vectorgate.exports.record import Record
    from vectorgate.ids import OperationId


class DeliveryFailed(Exception):
    """The destination did not take the records now. `retry_after`: the seconds for which it asks to be left alone."""

    def __init__(self, why: str, *, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class RecordRefused(Exception):
    """The destination will not take these records, however often they are sent. The message holds no secret."""


class Destination(Protocol):
    """Where records go. `at_once`: the most records of one delivery."""

    @property
    def name(self) -> str:
        """The name in settings, queues and `POST /health/services`."""
        ...

    @property
    def at_once(self) -> int:
        """The most records of one delivery."""
        ...

    def deliver(self, records: Sequence[Record]) -> None:
        """Deliver the records in this order, all or none. DeliveryFailed or RecordRefused.

        A record may be delivered again, with the same id.
        """
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A settled row that waits: its place in the order of settlement, and when it was settled (Unix milliseconds)."""

    place: int
    id: OperationId
    at_ms: int


class Outbox(Protocol):
    """The settled rows in the order of settlement, written in its transactions, and how far each destination is."""

    def waiting(self, destination: str, limit: int) -> Sequence[Waiting]:
        """The first rows that the destination does not have yet."""
        ...

    def advance(self, destination: str, place: int) -> None:
        """The destination has every row up to that place."""
        ...

    def set_aside(self, destination: str, row: Waiting, reason: str) -> None:
        """Keep a row that the destination refuses, as a dead letter."""
        ...


class Alert(NamedTuple):
    """An alert of an account: scope, id and period, and the alert's event."""

    scope: str
    id: str
    period: str
    event: str


class AlertLog(Protocol):
    """Which alerts were sent."""

    def sent(self, alerts: Collection[Alert]) -> frozenset[Alert]:
        """Those of `alerts` that were sent. StoreError."""
        ...

    def mark(self, alert: Alert) -> None:
        """An alert was sent. StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a test record: it arrived, or `error` says why not. `chosen`: the destinations, if it is none."""

    error: str | None = None
    chosen: tuple[str, ...] | None = None


class ExportCheck(Protocol):
    """Tests destinations."""

    def check(self, destination: str) -> Checked:
        """Deliver a test record, past the queue."""
        ...


class NoExports:
    """ExportCheck where nothing is exported."""

    def check(self, destination: str) -> Checked:
        """Say that no destination is chosen."""
        del destination
        return Checked(chosen=())
