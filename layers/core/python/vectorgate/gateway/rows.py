"""The row of a call as it follows from each step, and what a commit writes beside it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import OutcomeUnknown, UpstreamFailed
from vectorgate.api.http import encode_json
from vectorgate.budgets.model import account_ref
from vectorgate.clock import MICROSECONDS
from vectorgate.idempotency.service import with_answer
from vectorgate.ids import PATH_KINDS, ObjectId, ObjectKind
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.fuzzy_fingerprint import fuzzy_fingerprint_of_command
from vectorgate.ledger.generation import is_running, produced, response_facts
from vectorgate.metering.model import MAX_SIZE
from vectorgate.pricing.book import MOCK, NOT_EXECUTED, REPLAYED
from vectorgate.pricing.money import ZERO
from vectorgate.providers.openai import tagged
from vectorgate.tenancy.ownership import OWNED_COLUMN, PARENT_PARAMETER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.auth.principal import Principal
    from vectorgate.budgets.service import ReservationPlan
    from vectorgate.gateway.context import RequestContext
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Answer
    from vectorgate.tenancy.ownership import Ownership

SIZE_FIELDS: Final = ("bytes", "usage_bytes")  # byte counts in a provider's answer


@dataclass(frozen=True, slots=True)
class Times:
    """The end of a call: Unix milliseconds, and the monotonic second."""

    ended_ms: int
    ended: float


def started_entry(context: RequestContext) -> LedgerEntry:
    """The row of a call as it begins, with everything that is known of it by then."""
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


def begun_entry(entry: LedgerEntry, plan: ReservationPlan) -> LedgerEntry:
    """The row with its reservation."""
    if not plan.amount and not plan.quarantined:
        return entry
    return entry.changed(reserved=plan.amount or None, quarantined=plan.quarantined)


def answered_entry(entry: LedgerEntry, context: RequestContext, answer: Answer, times: Times) -> LedgerEntry:
    """The row of an executed call: the id of what was created, and the names of invalid figures."""
    facts, state = durations(context, times), State.ANSWERED
    if context.client_seconds is not None and times.ended - context.began >= context.client_seconds:
        facts["undelivered"] = 1
    command = context.command
    if command is not None and command.mock_response is not None:
        facts["price_id"] = MOCK
    elif command is not None:
        if command.operation.creates is not None and answer.created is not None:
            facts[OWNED_COLUMN[command.operation.creates]] = ObjectId(str(answer.created["id"]))
        facts |= _quarantined(entry, answer.document or {})
        if command.operation.generates:
            document = answer.document or {}
            state = State.UNCERTAIN if is_running(document) else State.ANSWERED
            facts |= response_facts(entry, document)
    return entry.transition(state, upstream_request_id=answer.request_id, status_code=answer.status, **facts)


def replayed_entry(
    entry: LedgerEntry, context: RequestContext, replay: IdempotencyRecord, times: Times, book: PriceBook
) -> LedgerEntry:
    """The row of a repetition, for which nothing was executed and nothing is charged."""
    facts = durations(context, times) | {"status_code": replay.status, "price_id": book.by_id(REPLAYED).id}
    return entry.transition(State.VOIDED, spend=ZERO, **facts)


def failed_entry(
    entry: LedgerEntry, context: RequestContext, error: ApiError, times: Times, book: PriceBook
) -> LedgerEntry:
    """The row of a failed call: `uncertain` if it may have been executed, else `voided` and free of charge."""
    facts = durations(context, times) | {"status_code": error.status, "error_code": error.code or error.type}
    if entry.until_ms is not None:
        facts["until_ms"] = times.ended_ms
    if context.recorded and isinstance(error, OutcomeUnknown | UpstreamFailed):
        return entry.transition(State.UNCERTAIN, **facts)
    return entry.transition(State.VOIDED, spend=ZERO, price_id=book.by_id(NOT_EXECUTED).id, **facts)


def invalid_figures(document: Mapping[str, object]) -> tuple[str, ...]:
    """The names of an answer's byte counts that cannot be right: negative, fractional or beyond MAX_SIZE."""
    return tuple([name for name in SIZE_FIELDS if name in document and not _is_size(document[name])])


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
        "response_id": ids.get("response_id"),
        "model": command.model if command.operation.generates else None,
        "searched_stores": _named_stores(command) if command.operation.generates else (),
        "fuzzy_fingerprint": _fuzzy_fingerprint(command, operation_id),
    }


def _named_stores(command: Command) -> tuple[str, ...]:
    """The stores that the tools of a response name."""
    stores = [reference.id for reference in command.references if reference.kind is ObjectKind.VECTOR_STORE]
    return tuple(dict.fromkeys(stores))


def _fuzzy_fingerprint(command: Command, operation_id: OperationId) -> str | None:
    """What finds the created object again; None when the correlation tag does, or when nothing is created."""
    if command.operation.creates is None or tagged(command, operation_id) is not None:
        return None
    return fuzzy_fingerprint_of_command(command)


def _attached_file(command: Command) -> ObjectId | None:
    """The file that the body names, for an operation that attaches exactly one."""
    return command.body_ids[0] if command.operation.body_ids == ("file_id",) else None


def _quarantined(entry: LedgerEntry, document: Mapping[str, object]) -> dict[str, object]:
    """Invalid figures are named in the row, and never computed with."""
    invalid = invalid_figures(document)
    return {"quarantined": tuple(dict.fromkeys([*entry.quarantined, *invalid]))} if invalid else {}


def _is_size(figure: object) -> bool:
    return isinstance(figure, int) and not isinstance(figure, bool) and 0 <= figure <= MAX_SIZE


def durations(context: RequestContext, times: Times) -> dict[str, object]:
    """When a call ended, and its durations: the overhead is the elapsed time without the time at the provider."""
    upstream_us = round(context.upstream_seconds * MICROSECONDS)
    elapsed_us = round((times.ended - context.began) * MICROSECONDS)
    return {"ended_ms": times.ended_ms, "upstream_us": upstream_us, "overhead_us": max(0, elapsed_us - upstream_us)}


# ------------------------------------------------------------------------------------ what a commit writes beside it


def owned_by_commit(command: Command, answer: Answer, entry: LedgerEntry) -> list[Ownership]:
    """The ownership of the object that the answer describes as created."""
    kind = command.operation.creates
    made = produced(entry, answer.document or {}) if command.operation.generates and not command.mock_response else []
    if kind is None or answer.created is None:
        return made
    return [*made, entry.ownership_of(kind, answer.created, parent=command.ids.get(PARENT_PARAMETER.get(kind, "")))]


def retired_by_commit(command: Command, answer: Answer, entry: LedgerEntry) -> list[ObjectRef]:
    """The object that was deleted. An answer with `deleted: false` changes no ownership."""
    parameter = command.operation.deletes
    if parameter is None or command.mock_response is not None or entry.provider is None:
        return []
    if answer.document is None or answer.document.get("deleted") is not True:
        return []
    return [ObjectRef(entry.provider, PATH_KINDS[parameter], command.ids[parameter])]


def record_with_answer(record: IdempotencyRecord | None, answer: Answer) -> IdempotencyRecord | None:
    """The record with the answer that repetitions will get; None when there is nothing to replay."""
    if record is None or answer.document is None:
        return None
    return with_answer(record, answer.status, encode_json(answer.document))
