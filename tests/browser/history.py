"""A year of a gateway, in the data folder of local mode: teams, keys, stores that are kept, calls and storage."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.factories.ledger import operation_id
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId, tenant_of_team
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.bill import storage_records
from vectorgate.metering.model import DAY_S, Meter
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.book import GIB, PriceBook, shipped_prices
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD
from vectorgate.providers.openai import snapshot_of
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from vectorgate.persistence.stores import Stores

DAYS: Final = 365
OPENAI: Final = ProviderName("openai")
MODEL: Final = "gpt-5"
# Of each team: its budget in dollars, and how many calls its key makes a day.
TEAMS: Final[Mapping[str, tuple[int, int]]] = {"search": (900, 12), "support": (150, 7), "growth": (60, 4)}
# Of each store: its team, the GiB that it reaches within the year, and the days since its last use.
STORES: Final[Mapping[str, tuple[str, int, int]]] = {
    "Product handbook": ("search", 32, 0),
    "Contracts": ("search", 21, 2),
    "Support answers": ("support", 14, 0),
    "Campaigns 2024": ("growth", 9, 143),
    "Old price lists": ("support", 5, 61),
    "Drafts": ("growth", 3, 9),
    "Release notes": ("search", 1, 1),
}


class Owner(NamedTuple):
    """Whose calls and stores they are."""

    team: str
    key: KeyId
    stores: tuple[ObjectId, ...]

    @property
    def tenant(self) -> TenantId:
        """Its tenant."""
        return tenant_of_team(self.team)


def write_history(home: Path, ids: Mapping[str, str]) -> None:
    """Fill a home. `ids`: of the stores at the upstream, by name."""
    stores = open_stores(str(home / "ledger.db"))
    owners = {team: _owner(stores, team, ids) for team in TEAMS}
    for name, (team, _, idle) in STORES.items():
        _own(stores, owners[team], ObjectId(ids[name]), name, idle)
    today = int(time.time()) // DAY_S
    book, chance = PriceBook(shipped_prices()), random.Random(15)  # noqa: S311 - a history, not a secret
    accounts = Accounts(stores.keys, stores.budgets)
    for day in range(today - DAYS + 1, today + 1):
        grown = (day - today + DAYS) / DAYS
        entries = [each for owner in owners.values() for each in _calls(owner, day, grown, chance)]
        meters = [_meter(owners[team], ids[name], day, grown * gib) for name, (team, gib, _) in STORES.items()]
        if day < today:
            entries += storage_records(meters, day, book)
        for entry in accounts.assign(entries):
            stores.ledger.begin(entry)
    settlement = SettlementService(stores.ledger, book, RecordingTelemetry())
    while settlement.settle_waiting(1_000):
        pass
    stores.close()


def _owner(stores: Stores, team: str, ids: Mapping[str, str]) -> Owner:
    """A team and its key, with a budget a month."""
    made = int(time.time()) - DAYS * DAY_S
    key = key_id_of(f"sk-history-of-{team}")
    limit = Limit(since=made, max_budget=NanoUSD(TEAMS[team][0] * NANO_PER_USD), duration="30d")
    stores.budgets.add_limit(Subject(BudgetScope.TEAM, team), limit)
    stores.keys.add_key(VirtualKey(id=key, created_at=made, alias=f"{team}-production", team_id=team))
    return Owner(team, key, tuple(ObjectId(ids[name]) for name, (owner, _, _) in STORES.items() if owner == team))


def _own(stores: Stores, owner: Owner, store: ObjectId, name: str, idle: int) -> None:
    """Write the ownership of a store as the operation that made it did."""
    made = int(time.time()) - DAYS * DAY_S
    document = {"name": name, "status": "completed", "last_active_at": int(time.time()) - idle * DAY_S}
    ref = ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, store)
    snapshot = snapshot_of(ObjectKind.VECTOR_STORE, document)
    entry = _entry(owner, made * 1_000, int(store[3:15], 16), operation="vector_stores.create", state=State.STARTED)
    row = Ownership(ref=ref, tenant=owner.tenant, key_id=owner.key, created_at=made, snapshot=snapshot)
    stores.ledger.begin(entry)
    answered = entry.transition(State.ANSWERED, status_code=200, vector_store_id=store)
    stores.ledger.advance(answered, since=State.STARTED, owned=[row])


def _meter(owner: Owner, store: str, day: int, gib: float) -> Meter:
    held = Meter(provider=OPENAI, id=ObjectId(store), at=(day + 1) * DAY_S, days={day: int(gib * GIB) * DAY_S})
    return replace(held, tenant=owner.tenant, key_id=owner.key)


def _calls(owner: Owner, day: int, grown: float, chance: random.Random) -> Iterator[LedgerEntry]:
    """The calls of a day: fewer at weekends, more towards the end of the year."""
    often = TEAMS[owner.team][1] * (0.3 + 0.7 * grown) * (0.35 if day % 7 in {2, 3} else 1)
    for _ in range(chance.randrange(int(often * 0.7), int(often * 1.3) + 2)):
        began = (day * DAY_S + chance.randrange(DAY_S)) * 1_000 + chance.randrange(1_000)
        yield _call(owner, min(began, int(time.time()) * 1_000 - 60_000), chance)


def _call(owner: Owner, began: int, chance: random.Random) -> LedgerEntry:
    took, own = int(chance.lognormvariate(12.6, 0.6)), int(chance.lognormvariate(7.6, 0.5))
    times = {"upstream_us": took, "overhead_us": own, "ended_ms": began + took // 1_000}
    kind, number = chance.random(), chance.getrandbits(60)
    search = {"operation": "vector_stores.search", "vector_store_id": chance.choice(owner.stores)}
    if kind < 0.03:
        refused = {"status_code": 429, "error_code": "insufficient_quota", "overhead_us": own}
        return _entry(owner, began, number, **search, **refused)
    if kind < 0.05:
        return _entry(owner, began, number, **search, status_code=502, **times)
    if kind < 0.4:
        tokens = {"model": MODEL, "input_tokens": chance.randrange(80_000, 250_000), "output_tokens": 9_000}
        return _entry(owner, began, number, operation="responses.create", status_code=200, **tokens, **times)
    return _entry(owner, began, number, **search, status_code=200, **times)


def _entry(owner: Owner, began: int, number: int, **fields: object) -> LedgerEntry:
    values = {"state": State.ANSWERED, "key_alias": f"{owner.team}-production", **fields}
    return LedgerEntry(
        id=operation_id(number, began),
        started_ms=began,
        key_id=owner.key,
        tenant=owner.tenant,
        team_id=owner.team,
        provider=OPENAI,
        **values,  # type: ignore[arg-type]
    )
