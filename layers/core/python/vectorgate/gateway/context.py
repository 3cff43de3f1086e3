"""The state of one call on its way through the pipeline. Plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import ByteStream
    from vectorgate.auth.principal import Principal
    from vectorgate.budgets.model import Account, Reservation
    from vectorgate.budgets.service import ApplicableBudget, OwnersBudget
    from vectorgate.gateway.surfaces import ApiSurface
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.providers.base import Answer
    from vectorgate.rate_limits.model import Lease
    from vectorgate.rate_limits.plan import RatePlan

UNROUTED: Final = "unknown"  # the operation of a request that matches no row of the operation table


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One call, filled in step by step: a field is None, or empty, until its step has run.

    `began` and `upstream_seconds` are monotonic seconds, `started_ms` and `until_ms` Unix milliseconds. `until_ms` is
    the latest moment at which the call may still be in progress, set when that is later than the usual lease allows.
    `waited` are the seconds from its arrival at API Gateway to its beginning, `left` those that Lambda then left.
    `client_seconds` is how long the client waits, if it says so.
    `entry` is the ledger row as last written, or as it would be written now; `recorded` is True once it is in the
    ledger. `repeated`: the call was sent to the provider more than once, and each may be executed. `idempotency` is the
    record that detects a repetition of this call.
    `lenders`: of a call that stores something in a store of another tenant, that tenant's budgets.
    `rates`: the rate limits that apply, None without any. `counted`: it counts against them already. `leases`: its
    places among the requests at a time.
    A call ends with one of `answer`, `replay` and `error`. `stream`: what the client reads as the answer arrives; the
    call ends with it.
    """

    id: OperationId
    surface: ApiSurface
    started_ms: int
    began: float
    until_ms: int | None = None
    waited: float = 0.0
    left: float = math.inf
    client_seconds: float | None = None
    principal: Principal | None = None
    operation: str = UNROUTED
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    command: Command | None = None
    provider: ProviderName | None = None
    budgets: tuple[ApplicableBudget, ...] = ()
    lenders: tuple[OwnersBudget, ...] | None = None
    store_account: Account | None = None
    places: tuple[Reservation, ...] = ()
    rates: RatePlan | None = None
    counted: bool = False
    leases: tuple[Lease, ...] = ()
    upstream_seconds: float = 0.0
    entry: LedgerEntry | None = None
    idempotency: IdempotencyRecord | None = None
    recorded: bool = False
    repeated: bool = False
    answer: Answer | None = None
    replay: IdempotencyRecord | None = None
    error: ApiError | None = None
    stream: ByteStream | None = None
