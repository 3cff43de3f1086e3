"""Give the provider's objects without an owner to a team, in chunks.

::

    page of the provider's list --> owned by none, selected, of no open operation
                                        |
                                    chunks of 25 --> one transaction each: ledger rows and ownership rows

A call that is killed leaves whole chunks behind, and the next call passes over them: an object that has a row is never
written again, whatever its owner.
"""

from __future__ import annotations

from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from vectorgate.admin.open_creates import OpenCreates, Origin
from vectorgate.budgets.store_rules import store_account
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId, ObjectKind, team_of, tenant_of_team
from vectorgate.ledger.assignments import Assignment
from vectorgate.ledger.entry import LedgerEntry, State, creation_time, new_operation_id
from vectorgate.pricing.book import NOT_EXECUTED
from vectorgate.pricing.money import ZERO
from vectorgate.providers.openai import snapshot_of
from vectorgate.store_errors import StateConflict
from vectorgate.tenancy.holders import Holder, given_to
from vectorgate.tenancy.ownership import OWNED_COLUMN, ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.provider_objects import Document, ProviderObjects
    from vectorgate.ids import KeyId

ADOPT: Final[Mapping[ObjectKind, str]] = {
    ObjectKind.VECTOR_STORE: "vector_stores.adopt",
    ObjectKind.FILE: "files.adopt",
}
CHUNK: Final = 25  # objects of one transaction: descriptions of 100 KB each, and DynamoDB takes 4 MB
ADOPTED, ADOPTABLE, ALREADY = "adopted", "adoptable", "already_owned"
FOREIGN, DELETED, ABSENT = "owned_by_another_team", "deleted", "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The new owner: a team, and within it a key and an end user if they are named."""

    team_id: str
    key_id: KeyId | None = None
    end_user: str | None = None

    def holder(self, since: int) -> Holder:
        """The owner from that Unix second on."""
        return Holder(since, tenant_of_team(self.team_id), self.key_id, self.end_user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selected objects; None selects all. `ids` name them one by one."""

    ids: Sequence[str] | None = None
    name_pattern: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def selects(self, document: Document) -> bool:
        """Whether the object's name (`*` and `?` as in shells) and its metadata match."""
        name, metadata = document.get("name", document.get("filename")), document.get("metadata")
        if self.name_pattern is not None and not fnmatchcase(str(name or ""), self.name_pattern):
            return False
        kept = metadata if isinstance(metadata, dict) else {}
        return all(kept.get(key) == value for key, value in self.metadata.items())


@dataclass(frozen=True, slots=True)
class Found:
    """An object, its actual or possible outcome, and its ownership row if it has one."""

    document: Document
    outcome: str
    row: Ownership | None = None


@dataclass(frozen=True, slots=True)
class Adopter:
    """Looks at objects of one kind at one provider, and adopts those that may be."""

    deps: AdminDeps
    objects: ProviderObjects
    selection: Selection
    owner: Owner | None = None

    def looked_at(self, documents: Sequence[Document]) -> list[Found]:
        """The possible outcome of each selected object. StoreError."""
        selected = [each for each in documents if self.selection.ids is not None or self.selection.selects(each)]
        rows = self.deps.stores.ownership.owners([self._ref(each) for each in selected]) if selected else {}
        found = [self._owned(each, rows.get(self._ref(each))) for each in selected]
        free = [each.document for each in found if each.outcome == ADOPTABLE]
        origins = OpenCreates.of(self.deps, self.objects.provider, self.objects.kind).origins(free) if free else []
        by_id = {str(document["id"]): origin for document, origin in zip(free, origins, strict=True)}
        return [self._judged(each, by_id.get(str(each.document["id"]), Origin.ELSEWHERE)) for each in found]

    def adopted(self, documents: Sequence[Document]) -> list[Found]:
        """Adopt those that may be adopted, and return each outcome. StoreError: whole chunks may be written."""
        found = self.looked_at(documents)
        written: dict[str, Found] = {}
        free = [each for each in found if each.outcome == ADOPTABLE]
        for first in range(0, len(free), CHUNK):
            written |= {str(each.document["id"]): each for each in self._write(free[first : first + CHUNK])}
        return [written.get(str(each.document["id"]), each) for each in found]

    def _write(self, chunk: Sequence[Found]) -> list[Found]:
        """Adopt a chunk in one transaction; one by one where an object got an owner meanwhile."""
        try:
            self.deps.stores.assignments.assign([self._assignment(each.document) for each in chunk])
        except StateConflict:
            if len(chunk) > 1:
                return [after for each in chunk for after in self._write([each])]
            (each,) = chunk
            rows = self.deps.stores.ownership.owners([self._ref(each.document)])
            return [self._owned(each.document, rows.get(self._ref(each.document)))]
        if self.owner is not None and self.objects.kind is ObjectKind.VECTOR_STORE:
            self.deps.stores.budgets.move_spent(store_account(self.owner.team_id), len(chunk))
        return [Found(each.document, ADOPTED) for each in chunk]

    def _owned(self, document: Document, row: Ownership | None) -> Found:
        if row is not None and row.retired_at is not None:
            return Found(document, DELETED, row)
        if row is not None:
            ours = self.owner is not None and row.tenant == tenant_of_team(self.owner.team_id)
            return Found(document, ALREADY if ours else FOREIGN, row)
        return Found(document, ADOPTABLE if "created_at" in document else ABSENT)

    def _judged(self, found: Found, origin: Origin) -> Found:
        """What another gateway has made is adopted only by its id: that gateway knows the owner."""
        if found.outcome != ADOPTABLE or origin is Origin.ELSEWHERE:
            return found
        if origin is Origin.OTHER_GATEWAY and self.selection.ids is not None:
            return found
        return Found(found.document, origin)

    def _assignment(self, document: Document) -> Assignment:
        if self.owner is None:
            raise ValueError("an adoption has an owner")
        holder = self.owner.holder(self.deps.clock.unix_s())
        entry = assignment_entry(self.deps, ADOPT[self.objects.kind], self._ref(document), holder)
        row = Ownership(
            ref=self._ref(document),
            tenant=holder.tenant,
            created_at=creation_time(document, holder.since),
            snapshot=snapshot_of(self.objects.kind, document),
        )
        return Assignment(entry, given_to(row, holder, is_new=True))

    def _ref(self, document: Document) -> ObjectRef:
        return ObjectRef(self.objects.provider, self.objects.kind, ObjectId(str(document["id"])))


def assignment_entry(deps: AdminDeps, operation: str, ref: ObjectRef, holder: Holder) -> LedgerEntry:
    """The ledger row that records who got an object: nothing is executed at the provider, and nothing charged."""
    now_ms = deps.clock.unix_ms()
    return LedgerEntry(
        id=new_operation_id(deps.clock, deps.randomness),
        operation=operation,
        state=State.ANSWERED,
        started_ms=now_ms,
        ended_ms=now_ms,
        key_id=holder.key_id,
        tenant=holder.tenant,
        team_id=team_of(holder.tenant),
        end_user=holder.end_user,
        provider=ref.provider,
        status_code=200,
        spend=ZERO,
        price_id=NOT_EXECUTED,
        **{OWNED_COLUMN[ref.kind]: ref.id},  # type: ignore[arg-type]
    )


def counted(found: Iterable[Found]) -> dict[str, int]:
    """The number of objects by outcome."""
    return counted_outcomes([each.outcome for each in found])


def counted_outcomes(outcomes: Sequence[str]) -> dict[str, int]:
    """The number of each outcome."""
    return {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
