"""The adapters of all store ports, and what else an application is given, as the composition root passes them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.audit.ports import AuditLog
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.azure_search.ports import IndexStore
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.clock import Clock, Random
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.ledger.assignments import AssignmentStore
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.ledger.report_ports import ReportStore
    from vectorgate.metering.ports import MeterStore
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.rate_limits.ports import RateStore
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ports import OwnershipStore


def _no_close() -> None:
    """Do nothing: connections to DynamoDB end with the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """One engine's adapters of all ports. `close` releases its resources; no adapter is usable afterwards."""

    ledger: LedgerStore
    ownership: OwnershipStore
    assignments: AssignmentStore
    keys: KeyStore
    reports: ReportStore
    indexes: IndexStore
    budgets: BudgetStore
    meters: MeterStore
    ingest: IngestStore
    audit: AuditLog
    rates: RateStore
    close: Callable[[], None] = _no_close


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """The external dependencies of an application, including time and randomness."""

    stores: Stores
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    clock: Clock
    randomness: Random
