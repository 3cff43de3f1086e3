"""One request on its way through the gateway: what is known of it so far, and the ledger row that grows with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from vectorgate.budgets.model import noted
from vectorgate.budgets.service import unsound
from vectorgate.clock import MICROSECONDS, MILLISECONDS
from vectorgate.api.errors import OutcomeUnknown, UpstreamFailed
from vectorgate.idempotency.record import claim_of
from vectorgate.ids import ObjectId, ProviderName
from vectorgate.ledger.entry import Entry, State
from vectorgate.ledger.correlation import likeness_of_order
from vectorgate.api.http import encode_json
from vectorgate.pricing.money import ZERO
from vectorgate.pricing.book import MOCK, NOT_EXECUTED, REPLAYED, PriceBook
from vectorgate.providers.base import Upload
from vectorgate.tenancy.ownership import MAX_CREATED_AT, Kind, Ownership, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.gateway.parser import Order
    from vectorgate.budgets.service import Share
    from vectorgate.clock import Clock
    from vectorgate.api.errors import ApiError
    from vectorgate.idempotency.record import Claim
    from vectorgate.auth.keys.model import Principal
    from vectorgate.api.http import Request
    from vectorgate.providers.base import Answer

COLUMN = {
    Kind.VECTOR_STORE: "vector_store_id",
    Kind.FILE: "file_id",
    Kind.BATCH: "batch_id",
    Kind.UPLOAD: "upload_id",
    Kind.PART: "part_id",
}
PARENT = {Kind.BATCH: "vector_store_id", Kind.PART: "upload_id"}  # the path's parameter
DESCRIBED = frozenset({Kind.FILE, Kind.UPLOAD})  # whose ownership row keeps the provider's description
UNROUTED = "unknown"  # the operation of a request that no row of the table matches


@dataclass(slots=True)
class Visit:
    """`row` is what the facts that were not yet asked for are added to; `begun` says whether it is in the ledger.

    `claim` is what the row holds against repetitions, `shares` are the budgets that it counts against.
    """

    request: Request
    clock: Clock
    row: Entry
    began: float
    begun: bool = False
    upstream_s: float = 0.0
    claim: Claim | None = None
    shares: tuple[Share, ...] = ()
    upload: Upload | None = None
    _facts: dict[str, object] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        """The row as it was last written, or would be written now."""
        if self._facts:
            self.row = self.row.changed(**self._facts)
            self._facts.clear()
        return self.row

    @entry.setter
    def entry(self, row: Entry) -> None:
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

    def admitted(self, order: Order) -> None:
        """The request is a valid order."""
        self.upload = order.content if isinstance(order.content, Upload) else None
        self.knows(
            end_user=order.end_user,
            tags=order.tags,
            fingerprint=order.fingerprint,
            vector_store_id=order.ids.get("vector_store_id", order.ids.get("index")),
            file_id=order.ids.get("file_id", order.attached()),
            batch_id=order.ids.get("batch_id"),
            upload_id=order.ids.get("upload_id"),
            likeness=likeness_of_order(order, self.entry.id),
        )

    def funded(self, shares: tuple[Share, ...]) -> None:
        """Whose budgets the call counts against."""
        self.shares = shares
        self.knows(budgets=tuple(noted(share.account) for share in shares))

    def claims(self, order: Order) -> None:
        """What the row will hold against repetitions, if anything."""
        self.claim = claim_of(order, self.entry)
        if self.claim is not None and self.claim.explicit:
            self.knows(claim=self.claim.name)

    def claim_with(self, answer: Answer) -> Claim | None:
        """The claim, and what is to be answered to repetitions from now on."""
        if self.claim is None or answer.document is None:
            return None
        return self.claim.with_answer(answer.status, encode_json(answer.document))

    def answered(self, answer: Answer, order: Order) -> None:
        """The provider did it: the row names what came into being."""
        kind, made = order.operation.creates, order.operation.made(answer.document or {})
        if kind is not None and made is not None and order.mock_response is None:
            self.knows(**{COLUMN[kind]: ObjectId(str(made["id"]))})
        figures = unsound(answer.document) if order.mock_response is None else ()
        if figures:
            self.knows(quarantined=tuple(dict.fromkeys([*self.entry.quarantined, *figures])))
        price_id = MOCK if order.mock_response is not None else None
        self.knows(upstream_request_id=answer.request_id, status_code=answer.status, price_id=price_id, **self._times())
        self._move(State.ANSWERED)

    def replayed(self, claim: Claim, book: PriceBook) -> None:
        """The client gets the answer that another operation had: nothing was executed for it, and it costs nothing."""
        self.knows(status_code=claim.status, spend=ZERO, price_id=book.named(REPLAYED).id, **self._times())
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
        self.row = self.row.moved_to(state, **facts)


def owned_by_visit(order: Order, answer: Answer, entry: Entry) -> list[Ownership]:
    """The ownership of what the answer says came into being."""
    made, kind = order.operation.made(answer.document or {}), order.operation.creates
    if kind is None or made is None or order.mock_response is not None:
        return []
    return [ownership_of(entry, kind, made, parent=order.ids.get(PARENT.get(kind, "")))]


def ownership_of(
    entry: Entry, kind: Kind, document: Mapping[str, object], *, parent: ObjectId | None = None
) -> Ownership:
    """The row of what an operation made, as the provider describes it."""
    if entry.tenant is None or entry.key_id is None:
        raise ValueError("nothing comes into being for a stranger")
    return Ownership(
        ref=Ref(ProviderName(str(entry.provider)), kind, ObjectId(str(document["id"]))),
        tenant=entry.tenant,
        key_id=entry.key_id,
        created_at=_created_at(document, entry),
        end_user=entry.end_user,
        parent=parent,
        snapshot=encode_json(document).decode("ascii") if kind in DESCRIBED else None,
    )


def _created_at(document: Mapping[str, object], entry: Entry) -> int:
    """The object's own moment, by which lists are ordered; ours when the provider names none that makes sense."""
    moment = document.get("created_at")
    sensible = isinstance(moment, int) and not isinstance(moment, bool) and 0 <= moment <= MAX_CREATED_AT
    return cast("int", moment) if sensible else entry.started_ms // MILLISECONDS


def retired_by(order: Order, provider: ProviderName, answer: Answer) -> list[Ref]:
    """What the operation ended. A provider that says `deleted: false` has kept it, and so does its owner."""
    kind, named = order.operation.deleted_kind, order.operation.deletes
    if kind is None or named is None or order.mock_response is not None:
        return []
    if answer.document is None or answer.document.get("deleted") is not True:
        return []
    return [Ref(provider, kind, order.ids[named])]
