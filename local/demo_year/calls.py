"""A day's calls: more by day than by night, on working days than at weekends, and each month than in the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectId
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_year.people import People
    from local.demo_year.storage import DemoStore
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.clock import Random
    from vectorgate.ids import ProviderName

T = TypeVar("T")

MODEL: Final = "gpt-5-mini-2025-08-07"
RESPONSE: Final = "responses.create"
# How often each is called, of 100, and the milliseconds that the provider takes.
OPERATIONS: Final = {
    "vector_stores.search": (58, 320),
    RESPONSE: (14, 2_400),
    "vector_stores.retrieve": (10, 90),
    "files.create": (6, 700),
    "vector_stores.files.create": (6, 260),
    "vector_stores.files.list": (6, 140),
}
# Of a thousand calls: status, and the code of the error.
FAILURES: Final = ((404, None, 12), (429, "insufficient_quota", 5), (429, "rate_limit_exceeded", 4), (502, None, 3))
_WEEKEND: Final = 0.35  # of a working day's calls
_THURSDAY: Final = 4  # 1970 began on one
_ID_BITS: Final = 74


def share_of(day: int, first: int, last: int) -> float:
    """How many of the year's calls a day has, against other days."""
    growth = 0.5 + (day - first) / max(1, last - first)
    return growth * (_WEEKEND if (day + _THURSDAY - 1) % 7 >= 5 else 1.0)  # noqa: PLR2004 - Saturday, from Monday on


def call(
    day: int, people: People, stores: Sequence[DemoStore], provider: ProviderName, randomness: Random
) -> LedgerEntry:
    """A call of some key on that day."""
    key = _chosen(people.keys, randomness)
    operation = _weighted([(name, weight) for name, (weight, _) in OPERATIONS.items()], randomness)
    noon = (randomness.fraction() + randomness.fraction() + randomness.fraction()) / 3
    started_ms = int((day + noon) * DAY_S * MILLISECONDS)
    upstream_us = int(OPERATIONS[operation][1] * 1_000 * (0.6 + randomness.fraction() ** 4 * 5))
    status, error = _outcome(randomness)
    own = [store for store in stores if store.team == key.team_id and store.size_on(day)]
    return LedgerEntry(
        id=uuid7(started_ms, randomness.bits(_ID_BITS)),
        operation=operation,
        state=State.ANSWERED,
        started_ms=started_ms,
        ended_ms=started_ms + upstream_us // 1_000 + 4,
        upstream_us=upstream_us,
        overhead_us=1_500 + int(randomness.fraction() ** 3 * 9_000),
        provider=provider,
        status_code=status,
        error_code=error,
        end_user=_chosen(people.end_users, randomness) if randomness.fraction() < 0.6 else None,  # noqa: PLR2004 - most
        **_of_key(key),
        **_of_operation(operation, _chosen(own, randomness).id if own else None, randomness, succeeded=error is None),
    )


def _of_key(key: VirtualKey) -> dict[str, Any]:
    names = {"key_alias": key.alias, "team_id": key.team_id, "user_id": key.user_id}
    return {"key_id": key.id, "tenant": key.tenant, "tags": key.tags, **names}


def _of_operation(operation: str, store: ObjectId | None, randomness: Random, *, succeeded: bool) -> dict[str, Any]:
    """What a call names, and a response used."""
    if operation != RESPONSE:
        return {} if operation == "files.create" else {"vector_store_id": store}
    if not succeeded:
        return {"model": MODEL}
    tokens = {"input_tokens": 400 + randomness.bits(12), "cached_tokens": 0, "output_tokens": 60 + randomness.bits(9)}
    searched = {"searched_stores": (store,), "tool_calls": ("file_search=1",)} if store is not None else {}
    return {"model": MODEL, "response_id": ObjectId(f"resp_{randomness.bits(128):032x}"), **tokens, **searched}


def _outcome(randomness: Random) -> tuple[int, str | None]:
    drawn = randomness.fraction() * 1_000
    for status, error, of_thousand in FAILURES:
        drawn -= of_thousand
        if drawn < 0:
            return status, error
    return 200, None


def _chosen(items: Sequence[T], randomness: Random) -> T:
    return items[int(randomness.fraction() * len(items))]


def _weighted(items: Sequence[tuple[str, int]], randomness: Random) -> str:
    drawn = randomness.fraction() * sum(weight for _, weight in items)
    for name, weight in items:
        drawn -= weight
        if drawn < 0:
            return name
    return items[-1][0]
