"""What is known of one call, as plain data, and the ledger row that follows from it at each step. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import OutcomeUnknown, UpstreamFailed
from vectorgate.api.http import encode_json
from vectorgate.budgets.model import account_ref
from vectorgate.clock import MICROSECONDS
from vectorgate.idempotency.record import ONLY
from vectorgate.idempotency.service import with_answer
from vectorgate.ids import ObjectId
from vectorgate.ledger.correlation import fuzzy_fingerprint_of_command
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.metering.model import MAX_SIZE
from vectorgate.pricing.book import MOCK, NOT_EXECUTED, REPLAYED
from vectorgate.pricing.money import ZERO
from vectorgate.tenancy.ownership import OWNED_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.auth.principal import Principal
    from vectorgate.budgets.service import ApplicableBudget, ReservationPlan
    from vectorgate.gateway.surfaces import ApiSurface
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Answer

UNROUTED: Final = "unknown"  # the operation of a request that no row of the table matches
FIGURES: Final = ("bytes", "usage_bytes")  # of a provider's answer; one that cannot be right is named in the row


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one call may be carried out.

    `deadline_seconds`: within which the provider answers; None for the gateway's own deadline. `attempts`: how often
    the provider is asked at most; None for as often as is safe. `send_before`: a monotonic second after which nothing
    is sent. `idempotency_key`: the caller's; `retry_count`: how often the caller says it tried before, None where
    repetitions are not recognised by their body.
    """

    deadline_seconds: float | None = None
    attempts: int | None = None
    send_before: float | None = None
    idempotency_key: str | None = None
    retry_count: int | None = 0


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One call, filled in step by step; a field is None, or empty, until its step has found it.

    `began` and `upstream_seconds` are monotonic seconds, `started_ms` and `until_ms` Unix milliseconds: the call may be
    under way until then, where that is longer than usual. `entry` is the ledger row as it was last written, or would be
    written now; `recorded` says whether it is in the ledger, and `idempotency` is what recognises a repetition of the
    call. A call ends with an `answer`, a `replay` or an `error`.
    """

    id: OperationId
    surface: ApiSurface
    started_ms: int
    began: float
    until_ms: int | None = None
    principal: Principal | None = None
    operation: str = UNROUTED
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    command: Command | None = None
    provider: ProviderName | None = None
    budgets: tuple[ApplicableBudget, ...] = ()
    upstream_seconds: float = 0.0
    entry: LedgerEntry | None = None
    idempotency: IdempotencyRecord | None = None
    recorded: bool = False
    answer: Answer | None = None
    replay: IdempotencyRecord | None = None
    error: ApiError | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """When a call ended: Unix milliseconds, and the monotonic second."""

    ended_ms: int
    ended: float


def started_entry(context: RequestContext) -> LedgerEntry:
    """The row of a call as it begins, with all that is known of it by then."""
    facts = _principal_facts(context.principal) | _command_facts(context.command, context.id)
    return LedgerEntry(
        id=context.id,
        operation=context.operation,
        state=State.STARTED,
        started_ms=context.started_ms,
        until_ms=context.until_ms,
        end_user=context.end_user,
        tags=context.tags,
        provider=context.provider,
        budgets=tuple([account_ref(budget.account) for budget in context.budgets]),
        **facts,  # type: ignore[arg-type]
    )


def begun_entry(entry: LedgerEntry, record: IdempotencyRecord | None, plan: ReservationPlan) -> LedgerEntry:
    """The row with what it reserves, and the name of the client's idempotency key."""
    facts: dict[str, object] = {}
    if plan.amount or plan.quarantined:
        facts |= {"reserved": plan.amount or None, "quarantined": plan.quarantined}
    if record is not None and record.slot == ONLY:
        facts["idempotency_name"] = record.name
    return entry.changed(**facts) if facts else entry


def record_with(record: IdempotencyRecord | None, answer: Answer) -> IdempotencyRecord | None:
    """The record with what is to be answered to repetitions from now on."""
    if record is None or answer.document is None:
        return None
    return with_answer(record, answer.status, encode_json(answer.document))


def answered_entry(entry: LedgerEntry, context: RequestContext, answer: Answer, times: Times) -> LedgerEntry:
    """The row once the provider did it: it names what was created, and the figures that cannot be right."""
    facts = _durations(context, times)
    command = context.command
    if command is not None and command.mock_response is not None:
        facts["price_id"] = MOCK
    elif command is not None:
        if command.operation.creates is not None and answer.created is not None:
            facts[OWNED_COLUMN[command.operation.creates]] = ObjectId(str(answer.created["id"]))
        facts |= _quarantined(entry, answer.document or {})
    return entry.transition(State.ANSWERED, upstream_request_id=answer.request_id, status_code=answer.status, **facts)


def replayed_entry(
    entry: LedgerEntry, context: RequestContext, replay: IdempotencyRecord, times: Times, book: PriceBook
) -> LedgerEntry:
    """The row of a repetition: nothing was executed for it, and it costs nothing."""
    price_id = book.named(REPLAYED).id
    facts = _durations(context, times)
    return entry.transition(State.VOIDED, status_code=replay.status, spend=ZERO, price_id=price_id, **facts)


def failed_entry(
    entry: LedgerEntry, context: RequestContext, error: ApiError, times: Times, book: PriceBook
) -> LedgerEntry:
    """The row of a call that ends in an error: `uncertain` if it may have been executed, else void and without cost."""
    facts = _durations(context, times) | {"status_code": error.status, "error_code": error.code or error.type}
    if context.recorded and isinstance(error, OutcomeUnknown | UpstreamFailed):
        return entry.transition(State.UNCERTAIN, **facts)
    return entry.transition(State.VOIDED, spend=ZERO, price_id=book.named(NOT_EXECUTED).id, **facts)


def _principal_facts(principal: Principal | None) -> dict[str, object]:
    if principal is None:
        return {}
    key = principal.key
    return {
        "key_id": key.id,
        "tenant": principal.tenant,
        "key_alias": key.alias,
        "team_id": key.team_id,
        "user_id": key.user_id,
    }


def _command_facts(command: Command | None, operation_id: OperationId) -> dict[str, object]:
    if command is None:
        return {}
    ids = command.ids
    return {
        "fingerprint": command.fingerprint,
        "vector_store_id": ids.get("vector_store_id", ids.get("index")),
        "file_id": ids.get("file_id", _attached_file(command)),
        "batch_id": ids.get("batch_id"),
        "upload_id": ids.get("upload_id"),
        "fuzzy_fingerprint": fuzzy_fingerprint_of_command(command, operation_id),
    }


def _attached_file(command: Command) -> ObjectId | None:
    """The one file that the body names, for an operation that attaches one."""
    return command.body_ids[0] if command.operation.body_ids == ("file_id",) else None


def _quarantined(entry: LedgerEntry, document: Mapping[str, object]) -> dict[str, object]:
    """Figures that cannot be right are named in the row, and never computed with."""
    invalid = invalid_figures(document)
    return {"quarantined": tuple(dict.fromkeys([*entry.quarantined, *invalid]))} if invalid else {}


def invalid_figures(document: Mapping[str, object]) -> tuple[str, ...]:
    """The figures of an answer that cannot be right: negative, fractional or absurd."""
    return tuple([name for name in FIGURES if name in document and not _is_size(document[name])])


def _is_size(figure: object) -> bool:
    return isinstance(figure, int) and not isinstance(figure, bool) and 0 <= figure <= MAX_SIZE


def _durations(context: RequestContext, times: Times) -> dict[str, object]:
    """The overhead is what the call took less the time that the provider had it."""
    upstream_us = round(context.upstream_seconds * MICROSECONDS)
    elapsed_us = round((times.ended - context.began) * MICROSECONDS)
    return {"ended_ms": times.ended_ms, "upstream_us": upstream_us, "overhead_us": max(0, elapsed_us - upstream_us)}
