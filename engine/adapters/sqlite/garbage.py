"""`GarbageRows` on SQLite. Triggers of the schema add them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Garbage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.adapters.sqlite.connections import Connection


class SqliteGarbage:
    """What deleted rows held and is still to be released, oldest first."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def oldest(self, limit: int) -> Sequence[Garbage]:
        """Up to `limit` of them."""
        rows = self._db.execute("SELECT * FROM garbage ORDER BY seq LIMIT ?", (limit,)).fetchall()
        return [Garbage(row["seq"], row["kind"], row["object_id"], row["attachment"]) for row in rows]

    def forget(self, last: Garbage) -> None:
        """Delete the rows up to and including `last`."""
        self._db.execute("DELETE FROM garbage WHERE seq <= ?", (last.number,))
