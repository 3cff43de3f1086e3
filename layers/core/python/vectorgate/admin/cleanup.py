"""`POST /vector_stores/cleanup`: delete stores that cost and have not been used for some days, as a dry run first.

Each store is read from the provider before it is deleted: what was used meanwhile stays. A deletion is a call of the
team that owns the store, and so leaves a record in the ledger; a call that is killed may be repeated from any cursor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StrictBool, StringConstraints

from vectorgate.admin.adoption import counted_outcomes
from vectorgate.admin.fields import dollars, optional_label, read_body
from vectorgate.admin.store_list import Metered, metered_stores, provider_named
from vectorgate.admin.trail import DELETED
from vectorgate.api import schemas
from vectorgate.api.errors import ApiError
from vectorgate.api.schemas.fields import WireModel
from vectorgate.classes import dataclass
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

SECONDS: Final = 5.0  # after which no further store is begun: the function has 30 s, a read and a deletion 12 each
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
IDLE, DONE, USED, GONE, FAILED = "deletable", "deleted", "used_meanwhile", "not_found", "failed"
ALIAS: Final = "cleanup"  # of its calls in the ledger
_NOT_FOUND: Final = 404

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Cleanup(WireModel):
    """`POST /vector_stores/cleanup`: which stores are deleted. Nothing is in a dry run."""

    idle_days: Annotated[int, Field(ge=1, le=36_500)]
    team_id: Text | None = None
    min_bytes: Annotated[int, Field(ge=0)] = 0
    provider: Text | None = None
    dry_run: StrictBool = True
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, StringConstraints(max_length=128)] = ""


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """A store, and what became or would become of it. `why`: the error of a deletion that failed."""

    store: Metered
    outcome: str
    why: str | None = None


def cleanup(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Delete a page of idle stores, by id, or say which ones would be. InvalidRequest."""
    body = schemas.validate(Cleanup, read_body(request))
    team, provider = optional_label("team_id", body.team_id), provider_named(body.provider, deps)
    stores = metered_stores(deps, provider, after=body.cursor)
    idle = [each for each in stores if each.matches(team, body.idle_days, body.min_bytes)]
    page = idle[: body.limit]
    if body.dry_run:
        return _answer(body, [CleanupResult(each, IDLE) for each in page], idle)
    results, ends_at = [], deps.clock.monotonic() + SECONDS
    for each in page:
        results.append(_deleted(each, body.idle_days, deps))
        if deps.clock.monotonic() >= ends_at:
            break
    return _answer(body, results, idle)


def _deleted(store: Metered, idle_days: int, deps: AdminDeps) -> CleanupResult:
    """Delete a store unless it was used since it was sampled. A failure is an outcome: the next stores are tried."""
    row = store.row
    try:
        document = deps.provider.get(row.ref.provider, "vector_stores.retrieve", ids={"vector_store_id": row.ref.id})
        active = document.get("last_active_at")
        if isinstance(active, int) and deps.clock.unix_s() - active < idle_days * DAY_S:
            return CleanupResult(store, USED)
        deps.announce(row.ref.kind, row.ref.id, DELETED, {"team_id": store.team_id, "idle_days": store.idle_days})
        deps.provider.delete_store(row.ref.provider, row.ref.id, row.tenant, ALIAS)
    except ApiError as error:
        return CleanupResult(store, GONE if error.status == _NOT_FOUND else FAILED, error.message)
    return CleanupResult(store, DONE)


def _answer(body: Cleanup, results: Sequence[CleanupResult], idle: Sequence[Metered]) -> dict[str, object]:
    """What became of each, what those deleted or deletable cost a day, and where the next call goes on."""
    counted = [each.store.cost_per_day or 0 for each in results if each.outcome in (IDLE, DONE)]
    more = len(results) < len(idle)
    return {
        "dry_run": body.dry_run,
        "outcomes": counted_outcomes([each.outcome for each in results]),
        "cost_per_day": dollars(sum(counted)),
        "cost_per_day_nano_usd": sum(counted),
        "data": [each.store.described() | {"outcome": each.outcome, "error": each.why} for each in results],
        "next_cursor": results[-1].store.row.ref.id if more and results else None,
    }
