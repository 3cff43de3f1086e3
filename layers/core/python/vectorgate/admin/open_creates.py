"""Whether an object at the provider may be that of an operation whose outcome is open: reconciliation decides those."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.ids import OperationId, is_object_id
from vectorgate.ledger.entry import State
from vectorgate.providers.openai import tag_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.provider_objects import Document
    from vectorgate.ids import ObjectKind, ProviderName
    from vectorgate.ledger.entry import LedgerEntry

MAX_OPEN: Final = 1_000  # open rows that are looked through
AHEAD_MS: Final = 3_600_000  # a row may be dated by a clock that is ahead of this one


class Origin(StrEnum):
    """Where an object comes from, as far as that is known."""

    ELSEWHERE = "elsewhere"  # not from this gateway, or from an operation of it that has ended
    OPEN = "open_operation"  # possibly from an operation of this gateway whose outcome is not known yet
    OTHER_GATEWAY = "another_gateway"  # its tag names an operation that this gateway's ledger does not have


@dataclass(frozen=True, slots=True)
class OpenCreates:
    """The open creates of objects of one kind at one provider."""

    deps: AdminDeps
    rows: Sequence[LedgerEntry]

    @classmethod
    def of(cls, deps: AdminDeps, provider: ProviderName, kind: ObjectKind) -> OpenCreates:
        """Read them."""
        found = deps.stores.ledger.open_rows(deps.clock.unix_ms() + AHEAD_MS, MAX_OPEN)
        return cls(deps, [row for row in found if row.provider == provider and _creates(row) is kind])

    def origins(self, documents: Sequence[Document]) -> list[Origin]:
        """Where each object comes from: by its tag, or without one by the moment at which it was made."""
        tags = [tag_of(document) for document in documents]
        named = [OperationId(tag) for tag in dict.fromkeys(tags) if tag is not None and is_object_id(tag)]
        entries = self.deps.stores.ledger.entries(named) if named else {}
        return [
            self._by_tag(tag, entries) if tag is not None else self._by_moment(document)
            for tag, document in zip(tags, documents, strict=True)
        ]

    @staticmethod
    def _by_tag(tag: str, entries: Mapping[OperationId, LedgerEntry]) -> Origin:
        entry = entries.get(OperationId(tag))
        if entry is None:
            return Origin.OTHER_GATEWAY
        return Origin.OPEN if entry.state in {State.STARTED, State.UNCERTAIN} else Origin.ELSEWHERE

    def _by_moment(self, document: Document) -> Origin:
        """Open if an operation whose objects have no tag may have made it, whatever the provider's clock says."""
        from vectorgate.ledger.reconciliation.matching import (  # noqa: PLC0415 - most calls need no reconciliation
            MAX_SKEW_S,
            created_s,
            window_of,
        )

        made = created_s(document)
        untagged = (window_of(row) for row in self.rows if row.fuzzy_fingerprint is not None)
        near = any(first - MAX_SKEW_S <= made <= last + MAX_SKEW_S for first, last in untagged)
        return Origin.OPEN if near else Origin.ELSEWHERE


def _creates(row: LedgerEntry) -> ObjectKind | None:
    operation = BY_NAME.get(row.operation)
    return operation.creates if operation is not None else None
