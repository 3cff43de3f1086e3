"""Partitioned JSON lines, as Athena reads them: an object for each batch and UTC day. Pure, but for its sink.

::

    usage/day=2026-03-04/<hash of the batch's ids>.jsonl.gz

The name follows from the batch, so that a batch that is delivered again replaces its object. Lines are in the order of
their calls; objects have no order.
"""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.http import encode_json
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.exports.record import Record

PREFIX: Final = "usage"
SUFFIX: Final = ".jsonl.gz"
AT_ONCE: Final = 10_000
_NAME: Final = 32  # hex digits


class ObjectSink(Protocol):
    """Where objects are kept. DeliveryFailed."""

    def put(self, key: str, content: bytes) -> None:
        """Keep an object under this key, in place of an earlier one."""
        ...


@dataclass(frozen=True, slots=True)
class Lines:
    """Destination: an object for each batch and day."""

    sink: ObjectSink
    name: str
    at_once: int = AT_ONCE

    def deliver(self, records: Sequence[Record]) -> None:
        """One object for each day that a call of the batch began on."""
        for key, content in objects_of(records).items():
            self.sink.put(key, content)


def objects_of(records: Sequence[Record]) -> Mapping[str, bytes]:
    """The objects of a batch, by key."""
    days: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: (str(record["started_at"]), str(record["id"]))):
        days.setdefault(str(record["started_at"])[:10], []).append(record)
    return {_key(day, of_day): _content(of_day) for day, of_day in days.items()}


def _key(day: str, records: Sequence[Record]) -> str:
    ids = " ".join(str(record["id"]) for record in records)
    return f"{PREFIX}/day={day}/{hashlib.sha256(ids.encode()).hexdigest()[:_NAME]}{SUFFIX}"


def _content(records: Sequence[Record]) -> bytes:
    return gzip.compress(b"".join(encode_json(record) + b"\n" for record in records), mtime=0)
