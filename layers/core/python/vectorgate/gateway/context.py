"""One request on its way through the gateway: what is known of it so far, and the ledger row that grows with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from vectorgate.api.errors import OutcomeUnknown, UpstreamFailed
from vectorgate.api.http import FileUpload, encode_json
from vectorgate.budgets.model import account_ref
from vectorgate.budgets.service import invalid_figures
from vectorgate.clock import MICROSECONDS, MILLISECONDS
from vectorgate.idempotency.record import record_of
from vectorgate.ids import ObjectId, ObjectKind, ProviderName
from vectorgate.ledger.correlation import fuzzy_fingerprint_of_command
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.pricing.book import MOCK, NOT_EXECUTED, REPLAYED, PriceBook
from vectorgate.pricing.money import ZERO
from vectorgate.tenancy.ownership import MAX_CREATED_AT, ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import Principal
    from vectorgate.budgets.service import ApplicableBudget
    from vectorgate.clock import Clock
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.providers.base import Answer

COLUMN = {
    ObjectKind.VECTOR_STORE: "vector_store_id",
    ObjectKind.FILE: "file_id",
    ObjectKind.BATCH: "batch_id",
    ObjectKind.UPLOAD: "upload_id",
    ObjectKind.PART: "part_id",
}
PARENT = {ObjectKind.BATCH: "vector_store_id", ObjectKind.PART: "upload_id"}  # the path's parameter
DESCRIBED = frozenset({ObjectKind.FILE, ObjectKind.UPLOAD})  # whose ownership row keeps the provider's description
UNROUTED = "unknown"  # the operation of a request that no row of the table matches


@dataclass(slots=True)
class RequestContext:
    """`row` is what the facts that were not yet asked for are added to; `begun` says whether it is in the ledger.

    `idempotency` is what the row holds against repetitions, `budgets` are the budgets that it counts against.
    """

    request: Request
    clock: Clock
    row: LedgerEntry
    began: float
    begun: bool = False
    upstream_s: float = 0.0
    idempotency: IdempotencyRecord | None = None
    budgets: tuple[ApplicableBudget, ...] = ()
    upload: FileUpload | None = None
    _facts: dict[str, object] = field(default_factory=dict)

    @property
    def entry(self) -> LedgerEntry:
        """The row as it was last written, or would be written now."""
        if self._facts:
            self.row = self.row.changed(**self._facts)
            self._facts.clear()
        return self.row

    @entry.setter
    def entry(self, row: LedgerEntry) -> None:
        self._facts.clear()
        self.row = row

    def leave(self) -> None:
        """Let go of what was spooled for the way."""
        if self.upload is not None:
            self.upload.content.close()

    def knows(self, **facts: object) -> None:
        """Note facts for the row."""
        self._facts.update(facts)

    def identified(self, principal: Principal) -> None:
        """The caller is somebody."""
        key = principal.key
        self.knows(key_id=key.id, tenant=key.tenant, key_alias=key.alias, team_id=key.team_id, user_id=key.user_id)

    def admitted(self, command: Command) -> None:
        """The request is a valid order."""
        self.upload = command.content if isinstance(command.content, FileUpload) else None
        self.knows(
            end_user=command.end_user,
            tags=command.tags,
            fingerprint=command.fingerprint,
            vector_store_id=command.ids.get("vector_store_id", command.ids.get("index")),
            file_id=command.ids.get("file_id", command.attached()),
            batch_id=command.ids.get("batch_id"),
            upload_id=command.ids.get("upload_id"),
            fuzzy_fingerprint=fuzzy_fingerprint_of_command(command, self.entry.id),
        )

    def funded(self, budgets: tuple[ApplicableBudget, ...]) -> None:
        """Whose budgets the call counts against."""
        self.budgets = budgets
        self.knows(budgets=tuple(account_ref(budget.account) for budget in budgets))

    def idempotency_records(self, command: Command) -> None:
        """What the row will hold against repetitions, if anything."""
        self.idempotency = record_of(command, self.entry)
        if self.idempotency is not None and self.idempotency.explicit:
            self.knows(idempotency_name=self.idempotency.name)

    def claim_with(self, answer: Answer) -> IdempotencyRecord | None:
        """The claim, and what is to be answered to repetitions from now on."""
        if self.idempotency is None or answer.document is None:
            return None
        return self.idempotency.with_answer(answer.status, encode_json(answer.document))

    def answered(self, answer: Answer, command: Command) -> None:
        """The provider did it: the row names what came into being."""
        kind, made = command.operation.creates, command.operation.made(answer.document or {})
        if kind is not None and made is not None and command.mock_response is None:
            self.knows(**{COLUMN[kind]: ObjectId(str(made["id"]))})
        figures = invalid_figures(answer.document) if command.mock_response is None else ()
        if figures:
            self.knows(quarantined=tuple(dict.fromkeys([*self.entry.quarantined, *figures])))
        price_id = MOCK if command.mock_response is not None else None
        self.knows(upstream_request_id=answer.request_id, status_code=answer.status, price_id=price_id, **self._times())
        self._move(State.ANSWERED)

    def replayed(self, idempotency: IdempotencyRecord, book: PriceBook) -> None:
        """The client gets the answer that another operation had: nothing was executed for it, and it costs nothing."""
        self.knows(status_code=idempotency.status, spend=ZERO, price_id=book.named(REPLAYED).id, **self._times())
        self._move(State.VOIDED)

    def failed(self, error: ApiError, book: PriceBook) -> None:
        """The client gets an error. What may have been executed stays open; the rest is void, and costs nothing."""
        self.knows(status_code=error.status, error_code=error.code or error.type, **self._times())
        open_still = self.begun and isinstance(error, OutcomeUnknown | UpstreamFailed)
        if open_still:
            self._move(State.UNCERTAIN)
        else:
            self.knows(spend=ZERO, price_id=book.named(NOT_EXECUTED).id)
            self._move(State.VOIDED)

    def elapsed_us(self) -> int:
        """Microseconds since the request arrived."""
        return round((self.clock.monotonic() - self.began) * MICROSECONDS)

    def _times(self) -> dict[str, object]:
        upstream_us = round(self.upstream_s * MICROSECONDS)
        return {
            "ended_ms": self.clock.unix_ms(),
            "upstream_us": upstream_us,
            "overhead_us": max(0, self.elapsed_us() - upstream_us),
        }

    def _move(self, state: State) -> None:
        facts, self._facts = self._facts, {}
        self.row = self.row.transition(state, **facts)


def owned_by_visit(command: Command, answer: Answer, entry: LedgerEntry) -> list[Ownership]:
    """The ownership of what the answer says came into being."""
    made, kind = command.operation.made(answer.document or {}), command.operation.creates
    if kind is None or made is None or command.mock_response is not None:
        return []
    return [ownership_of(entry, kind, made, parent=command.ids.get(PARENT.get(kind, "")))]


def ownership_of(
    entry: LedgerEntry, kind: ObjectKind, document: Mapping[str, object], *, parent: ObjectId | None = None
) -> Ownership:
    """The row of what an operation made, as the provider describes it."""
    if entry.tenant is None or entry.key_id is None:
        raise ValueError("nothing comes into being for a stranger")
    return Ownership(
        ref=ObjectRef(ProviderName(str(entry.provider)), kind, ObjectId(str(document["id"]))),
        tenant=entry.tenant,
        key_id=entry.key_id,
        created_at=_created_at(document, entry),
        end_user=entry.end_user,
        parent=parent,
        snapshot=encode_json(document).decode("ascii") if kind in DESCRIBED else None,
    )


def _created_at(document: Mapping[str, object], entry: LedgerEntry) -> int:
    """The object's own moment, by which lists are ordered; ours when the provider names none that makes sense."""
    moment = document.get("created_at")
    sensible = isinstance(moment, int) and not isinstance(moment, bool) and 0 <= moment <= MAX_CREATED_AT
    return cast("int", moment) if sensible else entry.started_ms // MILLISECONDS


def retired_by(command: Command, provider: ProviderName, answer: Answer) -> list[ObjectRef]:
    """What the operation ended. A provider that says `deleted: false` has kept it, and so does its owner."""
    kind, named = command.operation.deleted_kind, command.operation.deletes
    if kind is None or named is None or command.mock_response is not None:
        return []
    if answer.document is None or answer.document.get("deleted") is not True:
        return []
    return [ObjectRef(provider, kind, command.ids[named])]
