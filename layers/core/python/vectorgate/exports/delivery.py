"""One delivery of some records: in order, to the first that the destination cannot take now. Pure.

A batch that is refused is delivered one by one, so that what is refused are single records::

    [a b c]  refused       [a] taken   [b] refused: a dead letter   [c] taken
    [a b c]  failed        nothing is taken, and all three come again
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass
from vectorgate.exports.ports import Checked, DeliveryFailed, RecordRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.exports.ports import Destination
    from vectorgate.exports.record import Record

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 900.0  # SQS's own retries and ours agree on a quarter of an hour


@dataclass(frozen=True, slots=True)
class Delivery:
    """The first `done` records are delivered, or among `refused` (place, reason). `failure` is what stopped it."""

    done: int
    refused: tuple[tuple[int, str], ...] = ()
    failure: DeliveryFailed | None = None


def deliver(records: Sequence[Record], destination: Destination) -> Delivery:
    """Deliver as many of the records as the destination takes now."""
    done = 0
    refused: list[tuple[int, str]] = []
    for start in range(0, len(records), destination.at_once):
        part = _deliver_part(records[start : start + destination.at_once], destination)
        done += part.done
        refused += [(start + at, reason) for at, reason in part.refused]
        if part.failure is not None:
            return Delivery(done, tuple(refused), part.failure)
    return Delivery(done, tuple(refused))


def _deliver_part(records: Sequence[Record], destination: Destination) -> Delivery:
    try:
        destination.deliver(records)
    except DeliveryFailed as failure:
        return Delivery(0, failure=failure)
    except RecordRefused as refusal:
        if len(records) == 1:
            return Delivery(1, ((0, str(refusal)),))
        return _one_by_one(records, destination)
    return Delivery(len(records))


def _one_by_one(records: Sequence[Record], destination: Destination) -> Delivery:
    refused: list[tuple[int, str]] = []
    for at, record in enumerate(records):
        one = _deliver_part([record], destination)
        if one.failure is not None:
            return Delivery(at, tuple(refused), one.failure)
        refused += [(at, reason) for _, reason in one.refused]
    return Delivery(len(records), tuple(refused))


def checked(destination: Destination, record: Record) -> Checked:
    """Deliver one record, and say what failed."""
    delivery = deliver([record], destination)
    if delivery.failure is not None:
        return Checked(error=str(delivery.failure))
    return Checked(error=f"refused: {delivery.refused[0][1]}" if delivery.refused else None)


def pause_after(failures: int, fraction: float, *, at_least: float = 0.0) -> float:
    """The seconds to wait after so many failures in a row: doubling, with jitter, up to a quarter of an hour."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10))
    return min(LONGEST_PAUSE_S, max(at_least, longest * (0.5 + fraction / 2)))
