"""The port of the audit. Changes of keys, limits, index names and ownership write their record themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.audit.model import AuditQuery, AuditRecord


class AuditLog(Protocol):
    """Records are added and read, never changed and never deleted (`tests/contract/test_audit.py`)."""

    def add(self, record: AuditRecord) -> None:
        """Write the record of what is about to be changed by other writes. AlreadyExists for an id in use."""
        ...

    def search(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """The records of a query, consistent with the last write. One read for each month and 100 records."""
        ...
