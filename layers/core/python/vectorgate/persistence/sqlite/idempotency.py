"""Claims on SQLite: their part in a transaction, and their readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import GRACE_SECONDS, IdempotencyRecord

if TYPE_CHECKING:
    import sqlite3

COLUMNS: Final = tuple(IdempotencyRecord.__slots__)
_CLAIM = """
    INSERT INTO claims (tenant, name, slot, fingerprint, operation_id, claimed_ms, expires_at, attempt, status, body)
    VALUES (:tenant, :name, :slot, :fingerprint, :operation_id, :claimed_ms, :expires_at, :attempt, :status, :body)
    ON CONFLICT (tenant, name, slot) DO UPDATE SET
        fingerprint = excluded.fingerprint, operation_id = excluded.operation_id, claimed_ms = excluded.claimed_ms,
        expires_at = excluded.expires_at, attempt = excluded.attempt, status = excluded.status, body = excluded.body
    WHERE operation_id = :holder
"""
_FREE = "DELETE FROM claims WHERE tenant = ? AND name = ? AND slot = ? AND operation_id = ?"
# In place of DynamoDB's TTL: each new claim takes two old ones away, so the table ends up as large as six days' claims.
_PRUNE = "DELETE FROM claims WHERE rowid IN (SELECT rowid FROM claims WHERE expires_at < ? LIMIT 2)"
SELECT = """
    SELECT tenant, name, slot, fingerprint, operation_id, claimed_ms, expires_at, attempt, status, body
    FROM claims WHERE tenant = ? AND name = ? AND slot >= ? ORDER BY slot DESC LIMIT ?
"""


def take(connection: sqlite3.Connection, idempotency: IdempotencyRecord, takeover_of: IdempotencyRecord | None) -> bool:
    """Take the slot: a new one, or in place of `takeover_of`. False when that cannot be."""
    holder = takeover_of.operation_id if takeover_of is not None and takeover_of.slot == idempotency.slot else None
    connection.execute(_PRUNE, (idempotency.claimed_ms // MILLISECONDS - GRACE_SECONDS,))
    if connection.execute(_CLAIM, {**_values(idempotency), "holder": holder}).rowcount != 1:
        return False
    if takeover_of is None or takeover_of.slot == idempotency.slot:
        return True
    place = (takeover_of.tenant, takeover_of.name, takeover_of.slot, takeover_of.operation_id)
    return connection.execute(_FREE, place).rowcount == 1


def keep_answer(connection: sqlite3.Connection, idempotency: IdempotencyRecord) -> None:
    """Keep the answer, unless the slot stands for another operation by now."""
    connection.execute(_CLAIM, {**_values(idempotency), "holder": idempotency.operation_id})


def _values(idempotency: IdempotencyRecord) -> dict[str, str | int | None]:
    return {name: getattr(idempotency, name) for name in COLUMNS}
