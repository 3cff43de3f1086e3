"""Virtual indexes on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.azure_search.model import VirtualIndex
from vectorgate.persistence.sqlite.audit import recorded
from vectorgate.persistence.validation import label_part, object_part
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.persistence.sqlite.database import Database

_ONE = "SELECT name, real_name, vector_store_name, created_at FROM virtual_indexes WHERE name = ?"
_ALL = "SELECT name, real_name, vector_store_name, created_at FROM virtual_indexes ORDER BY name"
_ADD = """
    INSERT INTO virtual_indexes (name, real_name, vector_store_name, created_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO NOTHING
"""
_DELETE = "DELETE FROM virtual_indexes WHERE name = ?"


class SqliteIndexes:
    """IndexStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def indexes(self, names: Collection[str]) -> Mapping[str, VirtualIndex]:
        """One point read for each name."""
        rows = [row for name in names for row in self._database.rows(_ONE, (object_part(name),))]
        return {row[0]: _index(*row) for row in rows}

    def all_indexes(self) -> Sequence[VirtualIndex]:
        """A walk along the primary key."""
        return [_index(*row) for row in self._database.rows(_ALL, ())]

    def add_index(self, index: VirtualIndex, *, audit: AuditRecord | None = None) -> None:
        """One INSERT."""
        name, real_name, label = object_part(index.name), object_part(index.real_name), index.vector_store_name
        values = (name, real_name, label_part(label), index.created_at)
        if recorded(self._database, _ADD, values, audit) == 0:
            raise AlreadyExists("index")

    def delete_index(self, name: str, *, audit: AuditRecord | None = None) -> bool:
        """One DELETE."""
        return recorded(self._database, _DELETE, (object_part(name),), audit) == 1


def _index(name: str, real_name: str, vector_store_name: str, created_at: int) -> VirtualIndex:
    return VirtualIndex(name=name, real_name=real_name, vector_store_name=vector_store_name, created_at=created_at)
