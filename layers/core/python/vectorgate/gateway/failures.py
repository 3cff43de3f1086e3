"""The rows of calls that fail or repeat another, and the errors of calls that cannot be recorded or checked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import OutcomeUnknown, Unavailable, UpstreamFailed
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.pricing.book import NOT_EXECUTED, REPLAYED
from vectorgate.pricing.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.errors import ApiError
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.pricing.book import PriceBook

# Errors of the provider's own, for which it charges no tokens. Others (502, 504) may come from between it and us.
NOT_CHARGED: Final = frozenset({408, 409, 500, 503})


def replayed_entry(
    entry: LedgerEntry, replay: IdempotencyRecord, ended: Mapping[str, object], book: PriceBook
) -> LedgerEntry:
    """The row of a repetition, for which nothing was executed and nothing is charged. `ended`: its time columns."""
    facts = {**ended, "status_code": replay.status, "price_id": book.by_id(REPLAYED).id}
    return entry.transition(State.VOIDED, spend=ZERO, **facts)


def failed_entry(
    entry: LedgerEntry, error: ApiError, ended: Mapping[str, object], book: PriceBook, *, recorded: bool
) -> LedgerEntry:
    """The row of a failed call: `uncertain` if it may have been executed, else `voided` and free of charge.

    `ended`: its time columns; `recorded`: whether its row was written before it was sent.
    """
    facts = {**ended, "status_code": error.status, "error_code": error.code or error.type}
    if entry.until_ms is not None:
        facts["until_ms"] = ended["ended_ms"]
    if isinstance(error, OutcomeUnknown) and error.upstream_status in NOT_CHARGED:
        facts["ceiling"] = ()
    if recorded and isinstance(error, OutcomeUnknown | UpstreamFailed):
        return entry.transition(State.UNCERTAIN, **facts)
    return entry.transition(State.VOIDED, spend=ZERO, price_id=book.by_id(NOT_EXECUTED).id, **facts)


def ledger_unavailable() -> Unavailable:
    """The row of a call cannot be written (503)."""
    return Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable")


def budgets_unavailable() -> Unavailable:
    """Limits or balances cannot be read (503)."""
    return Unavailable("The gateway cannot check budgets at this moment.", code="budgets_unavailable")


def id_not_new() -> OutcomeUnknown:
    """The provider answered a create with an object that has an owner already: no other caller may see it."""
    return OutcomeUnknown(
        "The provider answered with an object that exists already.", status=502, type="server_error", code="id_not_new"
    )


def answer_not_recorded() -> OutcomeUnknown:
    """The ledger does not say which of a create's attempts counts: its object may be the one that is removed."""
    return OutcomeUnknown(
        "The provider's answer cannot be recorded.", status=502, type="server_error", code="answer_not_recorded"
    )
