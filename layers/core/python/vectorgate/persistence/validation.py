"""Checks of both adapters before they call their engine, so that neither is more lenient than the other. Pure.

Parts of a key are joined by '#'. None of them may contain one, so that joining is injective: `a#b` + `c` and `a` +
`b#c`, which would give one key, are both refused (docs/security.md, row 6).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vectorgate.budgets.model import LIFETIME, STORED, STORES, accounts_of, balance_changes
from vectorgate.clock import DAY_MS
from vectorgate.idempotency.record import EXPLICIT_SLOT
from vectorgate.ids import LABEL, OBJECT_ID, TEAM_PREFIX, is_label
from vectorgate.ledger.entry import SUCCESSORS, IllegalTransition, LedgerEntry, State
from vectorgate.ledger.ports import INDEXED, MAX_ACTIONS, MAX_SEARCH_MS, MAX_VALUES
from vectorgate.ledger.rollups import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Sequence

    from vectorgate.audit.model import AuditQuery, AuditRecord
    from vectorgate.budgets.model import Account, Reservation, Subject
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ingest.model import ObjectLocation
    from vectorgate.ledger.assignments import Assignment
    from vectorgate.ledger.ports import Position, RecordQuery, RowFilter
    from vectorgate.ledger.rollups import Bucket, Rollup
    from vectorgate.rate_limits.model import Claims, Lease, RateClaim
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

INITIAL_STATES = frozenset({State.STARTED, State.ANSWERED, State.VOIDED})
_MONTH = r"\d{4}-\d{2}"
_DAY = r"\d{4}-\d{2}-\d{2}"
_PERIOD = rf"\d{{4}}-\d{{2}}-\d{{2}}|{STORED}[A-Za-z0-9_-]{{1,128}}"
# Ten digits of seconds, thirteen of milliseconds, reach the year 2286; sort keys rely on the width.
_MAX_UNIX_S = 9_999_999_999
_MAX_UNIX_MS = 9_999_999_999_999


def object_part(text: str) -> str:
    """`text` as a generated key part: an id, a hash, a provider."""
    if OBJECT_ID.fullmatch(text) is None:
        raise ValueError("not an id")
    return text


def label_part(text: str) -> str:
    """`text` as a key part that a customer may have chosen."""
    if LABEL.fullmatch(text) is None or not (text.isascii() or is_label(text)):
        raise ValueError("not a label")
    return text


def check_location(location: ObjectLocation) -> tuple[str, str]:
    """Bucket and key, which stores keep and hash: any strings that can be encoded as UTF-8."""
    if not location.bucket or not location.key:
        raise ValueError("not a location")
    try:
        location.bucket.encode("utf-8"), location.key.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("not UTF-8") from None
    return location.bucket, location.key


def tenant_part(text: str) -> str:
    """`text` as a tenant: a label, not counting the prefix of a team."""
    label_part(text.removeprefix(TEAM_PREFIX))
    return text


def month_part(text: str) -> str:
    """`text` as `YYYY-MM`."""
    if re.fullmatch(_MONTH, text, re.ASCII) is None:
        raise ValueError("not a month")
    return text


def check_begin(entry: LedgerEntry, reserve: Sequence[Reservation] = ()) -> None:
    """A new row, with its reservations."""
    if entry.state not in INITIAL_STATES:
        raise IllegalTransition(f"a row does not begin as {entry.state}")
    check_entry(entry)
    check_reservations(entry, reserve)


def check_bind(record: IdempotencyRecord, takeover_of: IdempotencyRecord | None) -> None:
    """A record in a slot of its own, or in that of the one which it takes over."""
    check_record(record)
    if takeover_of is None:
        if record.slot not in {EXPLICIT_SLOT, record.operation_id}:
            raise ValueError("a slot of another row")
    elif (record.tenant, record.name, record.slot) != (takeover_of.tenant, takeover_of.name, takeover_of.slot):
        raise ValueError("an idempotency record takes over one of the same tenant, name and slot")


def check_record(record: IdempotencyRecord) -> None:
    """The parts of a record's key, and of that of its row."""
    tenant_part(record.tenant)
    object_part(record.name)
    object_part(record.slot)
    object_part(record.operation_id)


def check_reservations(entry: LedgerEntry, reserve: Sequence[Reservation]) -> None:
    """One of the row's reserved amount in each of its accounts: settling or voiding the row releases that amount.

    And one of one store, in the account of stores that a create names. An account that the row does not name is only
    checked, with an amount of 0: nothing will be released there.
    """
    for reservation in reserve:
        check_account(reservation.account)
        if reservation.amount < 0:
            raise ValueError("a reservation is not negative")
    if not reserve and not entry.budgets:
        return
    places = [(each.account, each.amount) for each in reserve if each.account.period == STORES]
    expected = [(account, 1) for account in accounts_of(entry) if account.period == STORES]
    if places != (expected if entry.operation == "vector_stores.create" and entry.state is State.STARTED else []):
        raise ValueError("a place for a store that the row does not name, or the other way round")
    reserve = [each for each in reserve if each.account.period != STORES]
    if not reserve and not entry.reserved:
        return
    _check_distinct([reservation.account for reservation in reserve])
    named = {account for account in accounts_of(entry) if account.period != STORES}
    reserve = [each for each in reserve if each.amount or each.account in named]
    accounts = [reservation.account for reservation in reserve]
    if not named.issuperset(accounts) or any(reservation.amount != (entry.reserved or 0) for reservation in reserve):
        raise ValueError("a reservation that the row does not name")
    if entry.reserved and named != set(accounts):
        raise ValueError("the row would release an amount that was not reserved")


def check_account(account: Account) -> None:
    """Parts of an account's key."""
    check_subject(account.subject)
    if account.period not in {LIFETIME, STORES} and re.fullmatch(_PERIOD, account.period, re.ASCII) is None:
        raise ValueError("not a period")


def check_subject(subject: Subject) -> None:
    """Parts of a limit's key; the scope is an enumeration."""
    label_part(subject.id)


def check_claims(claims: Claims) -> None:
    """Claims of rate limits: at least one, no two of one row."""
    for claim in claims.rates:
        check_rate_claim(claim)
    for lease in claims.leases:
        check_lease(lease)
    if not len(claims):
        raise ValueError("no claim")
    _check_distinct((claim.rate.subject, claim.rate.unit) for claim in claims.rates)
    _check_distinct(lease.parallel.subject for lease in claims.leases)


def check_rate_claim(claim: RateClaim) -> None:
    """Parts of a rate's key, and figures of which a TAT of 64 bits can be made."""
    check_subject(claim.rate.subject)
    if claim.rate.limit < 1 or claim.cost < 0 or not 0 <= claim.now_ns <= _MAX_UNIX_MS * 10**6:
        raise ValueError("not a claim")


def check_lease(lease: Lease) -> None:
    """Parts of a lease's key and name."""
    check_subject(lease.parallel.subject)
    object_part(lease.name)
    if lease.parallel.limit < 1 or not 0 <= lease.now_s <= lease.until_s <= _MAX_UNIX_S:
        raise ValueError("not a lease")


def check_advance(
    entry: LedgerEntry,
    since: State,
    owned: Sequence[Ownership],
    retired: Sequence[ObjectRef],
    idempotency: IdempotencyRecord | None = None,
) -> None:
    """A row that may replace one in the state `since`, with its ownership and idempotency record."""
    if entry.state not in SUCCESSORS[since] or entry.state is State.SETTLED:
        raise IllegalTransition(f"{since} -> {entry.state}")
    check_entry(entry)
    for row in owned:
        check_ownership(row)
    for ref in retired:
        check_ref(ref)
    if idempotency is not None:
        check_record(idempotency)
        if idempotency.operation_id != entry.id or idempotency.tenant != entry.tenant:
            raise ValueError("an idempotency record of another row")
    _check_actions(
        1
        + len(owned)
        + len(retired)
        + (idempotency is not None)
        + (len(balance_changes([entry])) if entry.budgets else 0)
    )
    _check_distinct([*(row.ref for row in owned), *retired])


def check_assignments(assignments: Sequence[Assignment], audit: Sequence[AuditRecord]) -> None:
    """Answered rows, with the ownership of each: two actions, and one for each of their shares and audit records."""
    from vectorgate.tenancy.sharing import shared_with  # noqa: PLC0415 - of administrators' writes alone

    for each in assignments:
        if each.entry.state is not State.ANSWERED:
            raise IllegalTransition(f"an assignment does not begin as {each.entry.state}")
        check_begin(each.entry)
        check_ownership(each.row)
    rows = [row for each in assignments for row in (each.before, each.row) if row is not None]
    listed = [tenant for row in rows for tenant in shared_with(row)]
    _check_actions(2 * len(assignments) + len(audit) + len(listed))
    _check_distinct(each.row.ref for each in assignments)
    _check_distinct(each.entry.id for each in assignments)


def check_settle(settled: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
    """Settled rows, and the rollups to add."""
    for entry in settled:
        if entry.state is not State.SETTLED:
            raise IllegalTransition(f"{entry.state} is not settled")
        if entry.spend is not None and entry.spend < 0 and entry.corrects is None:
            raise ValueError("a charge is not negative")
        check_entry(entry)
    for rollup in rollups:
        check_bucket(rollup.bucket)
    _check_actions(len(settled) + len(rollups) + len(balance_changes(settled)))
    _check_distinct(entry.id for entry in settled)
    _check_distinct(rollup.bucket for rollup in rollups)


def check_entry(entry: LedgerEntry) -> None:
    """All fields that are key parts, also of later rollups: after the call it would be too late to refuse them."""
    object_part(entry.id)
    label_part(entry.operation)
    if not 0 <= entry.started_ms <= _MAX_UNIX_MS:
        raise ValueError("not a time that sorts")
    for text in (entry.key_id, entry.provider, entry.vector_store_id):
        if text is not None:
            object_part(text)
    if entry.tenant is not None:
        tenant_part(entry.tenant)
    if entry.end_user is not None:
        label_part(entry.end_user)
    if entry.reserved is not None and entry.reserved < 0:
        raise ValueError("a reservation is not negative")
    for account in accounts_of(entry) if entry.budgets else ():
        check_account(account)


def check_query(query: RecordQuery) -> None:
    """A range of at most MAX_SEARCH_MS, which is read day by day."""
    _check_range(query.start_ms, query.end_ms, query.before)


def check_find(query: RecordQuery, only: RowFilter | None) -> None:
    """A range within one UTC day, and a filter that an index has."""
    check_query(query)
    if query.start_ms // DAY_MS != max(query.start_ms, query.end_ms - 1) // DAY_MS:
        raise ValueError("the range is not within a day")
    if only is not None and (only.column not in INDEXED or not 1 <= len(only.values) <= MAX_VALUES):
        raise ValueError("not a filter of an index")


def _check_range(start_ms: int, end_ms: int, before: Position | None) -> None:
    if not start_ms >= 0 or not end_ms <= _MAX_UNIX_MS:
        raise ValueError("not a time that sorts")
    if end_ms - start_ms > MAX_SEARCH_MS:
        raise ValueError("the range is too long")
    if before is not None:
        object_part(before[1])


def check_audit(record: AuditRecord) -> None:
    """The parts of a record's key."""
    object_part(record.id)
    if not 0 <= record.at_ms <= _MAX_UNIX_MS:
        raise ValueError("not a time that sorts")


def check_audit_query(query: AuditQuery) -> None:
    """A range of at most MAX_SEARCH_MS, which is read month by month."""
    _check_range(query.start_ms, query.end_ms, query.before)


def check_ownership(row: Ownership) -> None:
    """An ownership row: ref, tenant, and a time in range."""
    check_ref(row.ref)
    tenant_part(row.tenant)
    if not 0 <= row.created_at <= _MAX_UNIX_S:
        raise ValueError("not a time that sorts")


def check_ref(ref: ObjectRef) -> None:
    """Parts of an ownership row's key; the kind is an enumeration."""
    object_part(ref.provider)
    object_part(ref.id)


def check_bucket(bucket: Bucket) -> None:
    """Parts of a rollup's key."""
    scope_part(bucket.scope, bucket.scope_id)
    if re.fullmatch(_DAY, bucket.day, re.ASCII) is None:
        raise ValueError("not a day")
    object_part(bucket.provider)
    label_part(bucket.operation)


def scope_part(scope: Scope, scope_id: str) -> str:
    """`scope_id` as a key part. A tag, which may be any text, is hashed first."""
    if scope is Scope.TAG:
        return scope_id
    return tenant_part(scope_id) if scope is Scope.TENANT else label_part(scope_id)


def _check_actions(count: int) -> None:
    if count > MAX_ACTIONS:
        raise ValueError(f"{count} actions do not fit into a transaction of {MAX_ACTIONS}")


def _check_distinct(keys: Iterable[Hashable]) -> None:
    # DynamoDB refuses two actions on one item.
    listed: Collection[Hashable] = list(keys)
    if len(set(listed)) != len(listed):
        raise ValueError("one row twice in a transaction")
