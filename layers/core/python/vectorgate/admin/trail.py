"""The records that one admin call leaves in the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.audit.model import AuditRecord
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.entry import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.actor import Actor
    from vectorgate.clock import Clock, Random

    Shown: TypeAlias = Mapping[str, object]

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
BLOCKED, UNBLOCKED, ROTATED = "blocked", "unblocked", "rotated"
TRANSFERRED, SHARED = "transferred", "shared"
LISTED, RETRIEVED = "listed", "retrieved"  # stores of any team: reads that no team made
_RANDOM_BITS: Final = 62  # of an id, beside the twelve that say which part of its millisecond it is of
_PARTS: Final = 1 << 12
ACTIONS: Final = frozenset(
    {CREATED, UPDATED, DELETED, BLOCKED, UNBLOCKED, ROTATED, TRANSFERRED, SHARED, LISTED, RETRIEVED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Who calls which route. `request_id` is the answer's `x-request-id`."""

    actor: Actor
    route: str
    request_id: str
    clock: Clock
    randomness: Random

    def record(self, kind: str, target: str, action: str, before: Shown | None, after: Shown | None) -> AuditRecord:
        """The record of one change. Of `before` and `after`, where both are given, only what differs is kept.

        Records of one millisecond sort by time, too.
        """
        if before is not None and after is not None:
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            before, after = ({name: each.get(name) for name in names} for each in (before, after))
        now_ms = self.clock.wall() * MILLISECONDS
        part = int(now_ms % 1 * _PARTS)
        return AuditRecord(
            id=uuid7(int(now_ms), part << _RANDOM_BITS | self.randomness.bits(_RANDOM_BITS)),
            at_ms=int(now_ms),
            actor=self.actor.id,
            actor_alias=self.actor.alias,
            action=action,
            kind=kind,
            target=target,
            route=self.route,
            request_id=self.request_id,
            before=_text(before),
            after=_text(after),
        )


def _text(shown: Shown | None) -> str | None:
    return json.dumps(shown, separators=(",", ":")) if shown is not None else None
