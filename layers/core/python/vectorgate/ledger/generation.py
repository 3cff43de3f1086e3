"""The columns of a model run's row (usage, model, searched stores) and what it created, read from its answer. Pure.

A response may run on after the answer (`background`), or its stream may break: its row is `uncertain` until its usage
is known, from the stream's last event or from `GET /responses/{id}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from vectorgate.api.references import stays
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import OBJECT_ID, ObjectId, ObjectKind, OperationId, ProviderName, is_model_name
from vectorgate.ledger.entry import Resolution, State
from vectorgate.pricing.usage import count_tool_calls, output_items, read_usage, tool_calls_of, tool_calls_text
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vectorgate.api.command import Command
    from vectorgate.ledger.entry import LedgerEntry

_RUNNING: Final = frozenset({"queued", "in_progress"})
FAILED: Final = "failed"  # the status of a response for which nothing is charged
_OPERATION: Final = "operation"
_MADE_BY: Final = "made_by"
# With the row, an idempotency record and the accounts, a commit has at most 100 actions (`ledger.ports`).
MAX_PRODUCED: Final = 80
_MAX_TIER: Final = 32
_MAX_NAME: Final = 64  # of a tool
MAX_TOOLS: Final = 64  # types of tools that a row names; OpenAI has half as many
_FILE_SEARCH: Final = "file_search"


def is_running(document: Mapping[str, object]) -> bool:
    """Whether the response of an answer is not finished yet."""
    return document.get("status") in _RUNNING


def named_facts(command: Command) -> dict[str, object]:
    """The model and service tier of a response, and the stores and tools that it names, as known before it is sent.

    A budget reserves by the tier that is asked for: one without a price would cost nothing otherwise.
    """
    stores = [reference for reference in command.references if reference.kind is ObjectKind.VECTOR_STORE]
    tools = [feature.name for feature in command.features if stays(feature.param) and len(feature.name) <= _MAX_NAME]
    return {
        "model": command.model,
        "service_tier": _tier(command.body),
        "searched_stores": _distinct(reference.id for reference in stores),
        "kept_stores": _distinct(reference.id for reference in stores if stays(reference.param)),
        "kept_tools": _distinct(tools)[:MAX_TOOLS],
    }


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def response_facts(entry: LedgerEntry, document: Mapping[str, object]) -> dict[str, object]:
    """The row's columns that follow from a finished response. An implausible usage is quarantined, not used."""
    calls = count_tool_calls(document)
    model, asked = _text(document.get("model")) or entry.model, entry.asked_model or entry.model
    facts: dict[str, object] = {
        "model": model,
        "asked_model": asked if asked != model else None,
        "service_tier": _tier(document) or entry.service_tier,
        "tool_calls": tool_calls_text(calls),
        "searched_stores": entry.searched_stores if calls.get(_FILE_SEARCH) else (),
    }
    try:
        usage = read_usage(document)
    except ValueError:
        return facts | {"quarantined": tuple(dict.fromkeys([*entry.quarantined, "usage"]))}
    if usage is None:
        return facts
    return facts | {
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens or None,
        "cache_write_tokens": usage.cache_write_tokens or None,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens or None,
    }


def ended_response(entry: LedgerEntry, document: Mapping[str, object], ended_ms: int) -> LedgerEntry:
    """The answered row of a response that ran on, or whose stream broke, and that has ended now."""
    facts = {**response_facts(entry, document), "found_by": Resolution.OBJECT, "ended_ms": ended_ms}
    if entry.input_tokens is not None and "input_tokens" not in facts:
        facts |= _without_usage(entry, document)
    return entry.transition(State.ANSWERED, **facts)


def _without_usage(entry: LedgerEntry, document: Mapping[str, object]) -> dict[str, object]:
    """What is charged for a broken stream without usage: nothing if the response failed, else the estimate."""
    if document.get("status") == FAILED:
        return {"input_tokens": None, "output_tokens": None}
    return {"quarantined": (*entry.quarantined, "usage")}


def response_note(entry: LedgerEntry) -> str:
    """The snapshot of a response: its row, by which others continue it, and which is concluded once its end is seen."""
    return json.dumps({_MADE_BY if entry.state is State.ANSWERED else _OPERATION: entry.id})


def origin_of(row: Ownership) -> OperationId | None:
    """The row of the response that an ownership row is of; None for a response of an early release."""
    noted = json.loads(row.snapshot or "{}")
    name = noted.get(_MADE_BY, noted.get(_OPERATION))
    return OperationId(name) if isinstance(name, str) else None


def noted_operation(row: Ownership) -> OperationId | None:
    """The row that the ownership of a response names; None for a response that had ended with its answer."""
    name = json.loads(row.snapshot or "{}").get(_OPERATION)
    return OperationId(name) if isinstance(name, str) else None


def ceiling_facts(entry: LedgerEntry) -> dict[str, object]:
    """The columns of a response that may have been executed, and whose usage nothing can tell: its ceiling, marked."""
    most = tool_calls_of(entry.ceiling)
    return {
        "input_tokens": most.pop("input_tokens"),
        "output_tokens": most.pop("output_tokens"),
        "tool_calls": tool_calls_text({name: count for name, count in most.items() if count}),
        "quarantined": tuple(dict.fromkeys([*entry.quarantined, "usage"])),
        "found_by": Resolution.CEILING,
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and is_model_name(value) else None


def _tier(document: Mapping[str, object]) -> str | None:
    tier = document.get("service_tier")
    return tier[:_MAX_TIER] if isinstance(tier, str) else None


def produced(entry: LedgerEntry, document: Mapping[str, object]) -> list[Ownership]:
    """The ownership of what a response made besides itself: the items of its output, and their containers.

    The first MAX_PRODUCED of them: a caller may name them in later responses. ValueError for an entry without a tenant.
    """
    if entry.tenant is None or entry.key_id is None:
        raise ValueError("an object needs a tenant to own it")
    refs = dict.fromkeys(_refs(ProviderName(str(entry.provider)), document))
    return [
        Ownership(
            ref=ref,
            tenant=entry.tenant,
            key_id=entry.key_id,
            created_at=entry.started_ms // MILLISECONDS,
            end_user=entry.end_user,
            parent=entry.response_id,
        )
        for ref in list(refs)[:MAX_PRODUCED]
    ]


def _refs(provider: ProviderName, document: Mapping[str, object]) -> Iterator[ObjectRef]:
    names = (("id", ObjectKind.ITEM), ("container_id", ObjectKind.CONTAINER))
    for item in output_items(document):
        for name, kind in names:
            value = item.get(name)
            if isinstance(value, str) and OBJECT_ID.fullmatch(value):
                yield ObjectRef(provider, kind, ObjectId(value))
