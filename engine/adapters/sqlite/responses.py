"""`ResponseRows` on SQLite. Bodies and items are JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.model import StoredResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.adapters.sqlite.connections import Connection, Row
    from engine.model import Json

_INSERT = "INSERT INTO responses (id, created_at, expires_at, status, body, items) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_ITEM = "INSERT OR IGNORE INTO response_items (id, response_id) VALUES (?, ?)"
_GET = "SELECT * FROM responses WHERE id = ? AND expires_at > ?"
_ITEM = (
    "SELECT r.* FROM response_items i JOIN responses r ON r.id = i.response_id"
    " WHERE i.id = ? AND r.expires_at > ? ORDER BY r.seq LIMIT 1"
)
_SETTLE = "UPDATE responses SET status = ?, body = ? WHERE id = ? AND status IN ('queued', 'in_progress')"
_DELETE = "DELETE FROM responses WHERE id = ?"
_EXPIRE = "DELETE FROM responses WHERE expires_at <= ?"
_OLDEST = "SELECT * FROM responses WHERE status = 'queued' ORDER BY seq LIMIT 1"
_BEGIN = "UPDATE responses SET status = 'in_progress', body = json_set(body, '$.status', 'in_progress') WHERE seq = ?"
_UNDER_WAY = "SELECT * FROM responses WHERE status = 'in_progress'"


class SqliteResponses:
    """Rows of responses."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, response: StoredResponse) -> None:
        """Record a response."""
        body, items = json.dumps(response.body), json.dumps(list(response.items))
        self._db.execute(_INSERT, (response.id, response.created_at, response.expires_at, response.status, body, items))
        self._index(response.id, [*response.items, *_output(response)])

    def get(self, response_id: str, now: int) -> StoredResponse | None:
        """The response, unless it is absent or expired."""
        row = self._db.execute(_GET, (response_id, now)).fetchone()
        return _response(row) if row else None

    def item(self, item_id: str, now: int) -> Json | None:
        """An item that a stored response was given, or gave."""
        row = self._db.execute(_ITEM, (item_id, now)).fetchone()
        if row is None:
            return None
        response = _response(row)
        return next((item for item in [*response.items, *_output(response)] if item["id"] == item_id), None)

    def settle(self, response: StoredResponse) -> bool:
        """Replace status and body, unless it has ended or is deleted; whether it was replaced."""
        changed = self._db.execute(_SETTLE, (response.status, json.dumps(response.body), response.id)).rowcount > 0
        if changed:
            self._index(response.id, _output(response))
        return changed

    def delete(self, response_id: str) -> None:
        """Delete the response."""
        self._db.execute(_DELETE, (response_id,))

    def expire(self, now: int) -> None:
        """Delete what is past its expiry."""
        self._db.execute(_EXPIRE, (now,))

    def claim(self) -> StoredResponse | None:
        """Take the oldest response of the queue, which is in progress from now on."""
        row = self._db.execute(_OLDEST).fetchone()
        if row is None:
            return None
        self._db.execute(_BEGIN, (row["seq"],))
        return self.get(row["id"], now=0)

    def under_way(self) -> list[StoredResponse]:
        """The responses in progress."""
        return [_response(row) for row in self._db.execute(_UNDER_WAY).fetchall()]

    def _index(self, response_id: str, items: Iterable[Json]) -> None:
        self._db.executemany(_INSERT_ITEM, [(item["id"], response_id) for item in items])


def _output(response: StoredResponse) -> list[dict[str, Any]]:
    output = response.body["output"]
    return output if isinstance(output, list) else []


def _response(row: Row) -> StoredResponse:
    return StoredResponse(
        id=row["id"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        status=row["status"],
        body=json.loads(row["body"]),
        items=json.loads(row["items"]),
    )
