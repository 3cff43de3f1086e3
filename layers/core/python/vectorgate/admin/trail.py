"""The records that one admin call leaves in the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.audit.model import AuditRecord
from vectorgate.classes import dataclass
from vectorgate.ledger.entry import new_operation_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.actor import Actor
    from vectorgate.clock import Clock, Random

    Shown: TypeAlias = Mapping[str, object]

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
BLOCKED, UNBLOCKED, ROTATED = "blocked", "unblocked", "rotated"
TRANSFERRED, SHARED = "transferred", "shared"
LISTED, RETRIEVED = "listed", "retrieved"  # stores of any team: reads that no team made
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
        """The record of one change. Of `before` and `after`, where both are given, only what differs is kept."""
        if before is not None and after is not None:
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            before, after = ({name: each.get(name) for name in names} for each in (before, after))
        return AuditRecord(
            id=new_operation_id(self.clock, self.randomness),
            at_ms=self.clock.unix_ms(),
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
