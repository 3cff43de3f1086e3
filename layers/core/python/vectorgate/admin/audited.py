"""Stores that write, with each change of an administrator's, its record in the same transaction.

What shows a row is imported with its first change, as the routes that make one are (`routes`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.admin.fields import dollars, iso_time
from vectorgate.admin.trail import BLOCKED, CREATED, DELETED, ROTATED, SHARED, TRANSFERRED, UNBLOCKED, UPDATED
from vectorgate.auth.keys.forwarding import ForwardingKeys
from vectorgate.budgets.forwarding import ForwardingBudgets
from vectorgate.budgets.model import BudgetScope, Limit
from vectorgate.ids import team_of
from vectorgate.store_errors import StateConflict
from vectorgate.tenancy.sharing import shared_with

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.admin.trail import Trail
    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.azure_search.model import VirtualIndex
    from vectorgate.azure_search.ports import IndexStore
    from vectorgate.budgets.model import Subject
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ids import KeyId
    from vectorgate.ledger.assignments import Assignment, AssignmentStore
    from vectorgate.persistence.stores import Stores
    from vectorgate.tenancy.ownership import Ownership


def audited(stores: Stores, trail: Trail) -> Stores:
    """The same stores, whose changes leave their records."""
    return replace(
        stores,
        keys=AuditedKeys(stores.keys, trail),
        budgets=AuditedBudgets(stores.budgets, trail),
        indexes=AuditedIndexes(stores.indexes, trail),
        assignments=AuditedAssignments(stores.assignments, trail),
    )


class AuditedKeys(ForwardingKeys):
    """KeyStore. `add_reference` leaves no record: the key has another secret until it is replaced."""

    def __init__(self, keys: KeyStore, trail: Trail) -> None:
        super().__init__(keys)
        self._trail = trail

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says, with a record of the whole row."""
        record = self._trail.record("key", key.id, CREATED, None, shown_key(key))
        self._keys.add_key(key, audit=audit or record, claims=claims)

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says, with a record of what differs. One read more."""
        before = self._keys.key(key.id)
        if before is None or before.version != key.version - 1:
            raise StateConflict("key")
        action = _action(blocked=(before.blocked, key.blocked), rotated=before.secret != key.secret)
        record = self._trail.record("key", key.id, action, shown_key(before), shown_key(key))
        self._keys.replace_key(key, audit=audit or record, claims=claims)

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """As the port says, with a record of the row that was there. One read more."""
        before = self._keys.key(key_id)
        if before is None:
            return False
        record = self._trail.record("key", key_id, DELETED, shown_key(before), None)
        return self._keys.delete_key(key_id, audit=audit or record)


class AuditedBudgets(ForwardingBudgets):
    """BudgetStore."""

    def __init__(self, budgets: BudgetStore, trail: Trail) -> None:
        super().__init__(budgets)
        self._trail = trail

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """As the port says, with a record of the whole row."""
        record = self._trail.record(_KINDS[subject.scope], subject.id, CREATED, None, shown_limit(subject, limit))
        self._budgets.add_limit(subject, limit, audit=audit or record)

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """As the port says, with a record of what differs. One read more."""
        before = self._budgets.limits([subject]).get(subject)
        if before is None or before.version != limit.version - 1:
            raise StateConflict("limit")
        action = _action(blocked=(before.blocked, limit.blocked))
        action = DELETED if limit.deleted_at is not None else CREATED if before.deleted_at is not None else action
        shown = shown_limit(subject, before), shown_limit(subject, limit)
        record = self._trail.record(_KINDS[subject.scope], subject.id, action, *shown)
        self._budgets.replace_limit(subject, limit, audit=audit or record)


class AuditedIndexes:
    """IndexStore."""

    def __init__(self, indexes: IndexStore, trail: Trail) -> None:
        self._indexes = indexes
        self._trail = trail

    def indexes(self, names: Collection[str]) -> Mapping[str, VirtualIndex]:
        """As the port says."""
        return self._indexes.indexes(names)

    def all_indexes(self) -> Sequence[VirtualIndex]:
        """As the port says."""
        return self._indexes.all_indexes()

    def add_index(self, index: VirtualIndex, *, audit: AuditRecord | None = None) -> None:
        """As the port says, with a record of the whole row."""
        record = self._trail.record("index", index.name, CREATED, None, shown_index(index))
        self._indexes.add_index(index, audit=audit or record)

    def delete_index(self, name: str, *, audit: AuditRecord | None = None) -> bool:
        """As the port says, with a record of the row that was there. One read more."""
        before = self._indexes.indexes([name]).get(name)
        if before is None:
            return False
        record = self._trail.record("index", name, DELETED, shown_index(before), None)
        return self._indexes.delete_index(name, audit=audit or record)


class AuditedAssignments:
    """AssignmentStore."""

    def __init__(self, assignments: AssignmentStore, trail: Trail) -> None:
        self._assignments = assignments
        self._trail = trail

    def assign(self, assignments: Sequence[Assignment], *, audit: Sequence[AuditRecord] = ()) -> None:
        """As the port says, with a record for each object."""
        self._assignments.assign(assignments, audit=audit or [self._record(each) for each in assignments])

    def _record(self, assignment: Assignment) -> AuditRecord:
        ref, before = assignment.row.ref, assignment.before
        shown = _owner(before) if before is not None else None
        action = SHARED if before is not None and before.tenant == assignment.row.tenant else TRANSFERRED
        return self._trail.record(ref.kind, ref.id, action, shown, _owner(assignment.row))


_KINDS = {BudgetScope.KEY: "key", BudgetScope.TEAM: "team", BudgetScope.END_USER: "customer", BudgetScope.USER: "user"}


def shown_key(row: VirtualKey) -> dict[str, object]:
    """A key's row under LiteLLM's names, with its limits. Its hash opens nothing: the key has 256 random bits."""
    from vectorgate.admin.keys import key_fields  # noqa: PLC0415 - see above

    return key_fields(row) | {
        "max_budget": dollars(row.max_budget),
        "soft_budget": dollars(row.soft_budget),
        "budget_duration": row.budget_duration,
        "former_key_until": iso_time(row.former_until),
    }


def shown_limit(subject: Subject, limit: Limit) -> dict[str, object]:
    """A team's, an end user's or a user's row under LiteLLM's names."""
    from vectorgate.admin.budgets import customer_fields, team_fields  # noqa: PLC0415 - see above

    named = {BudgetScope.USER: _user_fields, BudgetScope.END_USER: customer_fields}.get(subject.scope, team_fields)
    return named(subject, limit) | {
        "max_budget": dollars(limit.max_budget),
        "soft_budget": dollars(limit.soft_budget),
        "budget_duration": limit.duration,
        "deleted_at": iso_time(limit.deleted_at),
    }


def _user_fields(subject: Subject, limit: Limit) -> dict[str, object]:
    from vectorgate.admin.users import user_fields  # noqa: PLC0415 - see above

    return user_fields(subject.id, limit)


def shown_index(row: VirtualIndex) -> dict[str, object]:
    """An index's row under LiteLLM's names."""
    from vectorgate.admin.indexes import described  # noqa: PLC0415 - see above

    return described(row)


def _owner(row: Ownership) -> dict[str, object]:
    owner = {"team_id": team_of(row.tenant), "key": row.key_id, "end_user": row.end_user}
    shares = {str(team_of(tenant)): share.permission for tenant, share in shared_with(row).items()}
    return {**owner, "provider": row.ref.provider, **({"shares": shares} if shares else {})}


def _action(*, blocked: tuple[bool, bool], rotated: bool = False) -> str:
    if rotated:
        return ROTATED
    return {(False, True): BLOCKED, (True, False): UNBLOCKED}.get(blocked, UPDATED)
