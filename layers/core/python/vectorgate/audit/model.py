"""One change that an administrator made. Pure."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import OperationId

MASTER_KEY = "master_key"  # the actor that has no row among the keys


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who changed what. It is written with the change, or before it, and never changes.

    `id` is of the record, and sorts by time; `at_ms` is in Unix milliseconds. `actor` is MASTER_KEY or the id of an
    admin key, `actor_alias` that key's alias then. `kind` and `target` name what changed, `before` and `after` are JSON
    of the fields that differ, None where there was nothing. No field holds a secret. `request_id`: `x-request-id`.
    """

    id: OperationId
    at_ms: int
    actor: str
    action: str
    kind: str
    target: str
    route: str
    request_id: str
    actor_alias: str | None = None
    before: str | None = None
    after: str | None = None

    def to_record(self) -> dict[str, Any]:
        """The fields that have a value, by name, for a store."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> AuditRecord:
        """The inverse of `to_record`; unknown names are ignored."""
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Records in [start_ms, end_ms), newest first, at most `limit`; `before`: only those behind that one."""

    start_ms: int
    end_ms: int
    limit: int
    before: tuple[int, OperationId] | None = None
