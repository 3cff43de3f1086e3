"""What is used of rate limits, on SQLite: a row for each subject and unit, and one for each request under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.persistence.validation import check_claims, check_lease, check_rate_claim
from vectorgate.store_errors import LimitReached

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from vectorgate.persistence.sqlite.database import Database
    from vectorgate.rate_limits.model import Claims, Lease, RateClaim

_TAT: Final = "SELECT tat FROM rates WHERE scope = ? AND id = ? AND unit = ?"
_ADD: Final = """
    INSERT INTO rates (scope, id, unit, tat) VALUES (:scope, :id, :unit, :now + :cost)
    ON CONFLICT (scope, id, unit) DO UPDATE SET tat = max(tat, :now) + :cost
"""
_END: Final = "DELETE FROM leases WHERE scope = ? AND id = ? AND until_s < ?"
_HELD: Final = "SELECT count(*) FROM leases WHERE scope = ? AND id = ?"
_HOLD: Final = "INSERT INTO leases (scope, id, name, until_s) VALUES (?, ?, ?, ?)"
_RELEASE: Final = "DELETE FROM leases WHERE scope = ? AND id = ? AND name = ?"


class SqliteRates:
    """RateStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, claims: Claims) -> Sequence[int]:
        """One transaction."""
        check_claims(claims)
        with self._database.transaction() as connection:
            return take_all(connection, claims)

    def add(self, claim: RateClaim) -> None:
        """One INSERT or UPDATE."""
        check_rate_claim(claim)
        self._database.change(_ADD, _values(claim))

    def release(self, lease: Lease) -> None:
        """One DELETE."""
        check_lease(lease)
        subject = lease.parallel.subject
        self._database.change(_RELEASE, (subject.scope, subject.id, lease.name))


def take_all(connection: sqlite3.Connection, claims: Claims) -> Sequence[int]:
    """Grant every claim; the TAT of each rate. LimitReached for the first without room: the caller then rolls back."""
    tats = [_take(connection, claim) for claim in claims.rates]
    for lease in claims.leases:
        _hold(connection, lease)
    return tats


def _take(connection: sqlite3.Connection, claim: RateClaim) -> int:
    subject = claim.rate.subject
    row = connection.execute(_TAT, (subject.scope, subject.id, claim.rate.row)).fetchone()
    tat = row[0] if row is not None else 0
    if tat > claim.latest_ns:
        raise LimitReached(claim, tat)
    if claim.cost:
        connection.execute(_ADD, _values(claim))
    return claim.next_tat(tat)


def _hold(connection: sqlite3.Connection, lease: Lease) -> None:
    key = (lease.parallel.subject.scope, lease.parallel.subject.id)
    connection.execute(_END, (*key, lease.now_s))
    ((held,),) = connection.execute(_HELD, key).fetchall()
    if held >= lease.parallel.limit:
        raise LimitReached(lease)
    connection.execute(_HOLD, (*key, lease.name, lease.until_s))


def _values(claim: RateClaim) -> dict[str, str | int]:
    subject = claim.rate.subject
    figures = {"now": claim.now_ns, "cost": claim.cost_ns}
    return {"scope": subject.scope, "id": subject.id, "unit": claim.rate.row, **figures}
