"""The admin app over real stores, whose days are charged and settled as the meter and the usage logger do."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.factories.ledger import operation_id
from tests.factories.secrets import MASTER_KEY
from tests.fakes.clock import FakeClock
from tests.fakes.provider_documents import FakeDocuments
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.admin.app import AdminApp
from vectorgate.admin.deps import AdminDeps
from vectorgate.api.http import Body, Request
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import Account, Balance, BudgetScope, Subject, accounts_of
from vectorgate.clock import Random
from vectorgate.ids import ObjectId, ProviderName, TenantId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.rollups import Scope, buckets_of
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.bill import storage_records
from vectorgate.metering.model import DAY_S, Meter
from vectorgate.pricing.book import GIB, STORAGE, Price, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.api.http import Response
    from vectorgate.persistence.stores import Stores

DAY: Final = 20_516  # 2026-03-04
OPENAI: Final = ProviderName("openai")
KEY: Final = key_id_of("sk-of-red")
USD: Final = 1_000_000_000


def storage(name: str, per_gib_day: int, free_gib: int = 1) -> Price:
    """A price of storage, from the first day on."""
    return Price(
        id=name,
        provider=OPENAI,
        operations=(STORAGE,),
        from_ms=0,
        per_gib_day=NanoUSD(per_gib_day),
        free_bytes=free_gib * GIB,
        source="a test",
    )


def calls(name: str, nano: int, operation: str = "vector_stores.create") -> Price:
    """A price of calls, from the first day on."""
    return Price(id=name, provider=OPENAI, operations=(operation,), from_ms=0, per_call=NanoUSD(nano), source="a test")


def book_of(*own: Price) -> PriceBook:
    """The shipped prices below those."""
    return PriceBook(shipped_prices(), own)


def meter(name: str, byte_seconds: int, *, day: int = DAY, **owned_by: Any) -> Meter:
    """A store's day, owned by red's key unless said otherwise."""
    owner: dict[str, Any] = {"tenant": TenantId("team:red"), "key_id": KEY, "end_user": "ann"}
    return Meter(provider=OPENAI, id=ObjectId(name), at=(day + 1) * DAY_S, days={day: byte_seconds}, **owner | owned_by)


@dataclass
class AdminHarness:
    """The stores and the current prices, with the admin app on top of them."""

    stores: Stores
    book: PriceBook = field(default_factory=book_of)
    time: FakeClock = field(default_factory=FakeClock)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    record_days: int = 0

    def ask(
        self, method: str, path: str, body: object = None, *, by: str = MASTER_KEY, **query: str
    ) -> tuple[int, Any]:
        """The status and document of the app's answer. `by`: the key that is presented."""
        response = self.response(method, path, body, by=by, **query)
        return response.status, json.loads(response.read_body())

    def response(self, method: str, path: str, body: object = None, *, by: str = MASTER_KEY, **query: str) -> Response:
        """The app's answer."""
        app = AdminApp(master_key=Secret(MASTER_KEY), deps=self.deps(), telemetry=RecordingTelemetry())
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {by}", "content-type": "application/json"}
        return app.handle(Request(method=method, path=path, headers=headers, query=query, body=Body.of(content)))

    def deps(self) -> AdminDeps:
        """What the app's routes are given."""
        clock, randomness = self.time.clock(), Random(random.getrandbits)
        return AdminDeps(
            stores=self.stores,
            clock=clock,
            randomness=randomness,
            book=self.book,
            provider=self.documents,
            default_provider=OPENAI,
            record_days=self.record_days,
        )

    def key(self, **terms: Any) -> None:
        """Add red's key, with a budget."""
        created = DAY * DAY_S
        self.stores.keys.add_key(VirtualKey(id=KEY, created_at=created, team_id="red", **terms))

    def charge(self, meters: Sequence[Meter], day: int = DAY) -> None:
        """Post the records of a day, and settle them."""
        for record in Accounts(self.stores.keys, self.stores.budgets).assign(storage_records(meters, day, self.book)):
            self.stores.ledger.begin(record)
        self.settle()

    def call(self, number: int, **fields: Any) -> LedgerEntry:
        """A call that was answered, and is settled: a create of a store, unless the fields say otherwise."""
        values: dict[str, Any] = {"key_id": KEY, "tenant": TenantId("team:red"), "team_id": "red", "provider": OPENAI}
        values |= {"operation": "vector_stores.create", "vector_store_id": ObjectId(f"vs_{number}")}
        entry = LedgerEntry(
            id=operation_id(number, DAY * DAY_S * 1_000 + number),
            state=State.ANSWERED,
            started_ms=DAY * DAY_S * 1_000 + number,
            status_code=200,
            **values | fields,
        )
        self.stores.ledger.begin(entry)
        self.settle()
        return entry

    def settle(self) -> None:
        """Settle everything that waits, by the current prices."""
        while SettlementService(self.stores.ledger, self.book, RecordingTelemetry()).settle_waiting(1_000):
            pass

    def reprice(self, **fields: Any) -> Any:
        """One call; what it posted is settled."""
        window = {"start_date": "2026-03-03", "end_date": "2026-03-05"}
        status, document = self.ask("POST", "/spend/reprice", window | fields)
        assert status == 200, document
        self.settle()
        return document

    def reprice_all(self, **fields: Any) -> int:
        """Page by page; how many corrections were posted."""
        page = self.reprice(dry_run=False, **fields)
        posted = int(page["posted"])
        while page["next_cursor"] is not None:
            page = self.reprice(dry_run=False, cursor=page["next_cursor"], **fields)
            posted += page["posted"]
        return posted

    def rows(self) -> list[LedgerEntry]:
        """The ledger of these days."""
        query = RecordQuery(start_ms=(DAY - 1) * DAY_S * 1_000, end_ms=(DAY + 2) * DAY_S * 1_000, limit=10_000)
        return list(self.stores.ledger.search(query))

    def net(self) -> Counter[str]:
        """What each store comes to, corrections included."""
        sums: Counter[str] = Counter()
        for row in self.rows():
            sums[str(row.vector_store_id)] += row.spend or 0
        return sums

    def balance(self, scope: BudgetScope, name: str, period: str) -> Balance:
        """What an account holds."""
        account = Account(Subject(scope, name), period)
        return self.stores.budgets.balances([account]).get(account, Balance())

    def disagreements(self) -> list[str]:
        """Where a rollup or an account is not the sum of the rows."""
        rows = [row for row in self.rows() if row.state is State.SETTLED]
        sums: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
        spent: Counter[Account] = Counter()
        for row in rows:
            for bucket in buckets_of(row):
                sums[bucket][0] += 1
                sums[bucket][1] += row.spend or 0
            for account in accounts_of(row):
                spent[account] += row.spend or 0
        places = {(bucket.scope, bucket.scope_id) for bucket in sums} | {(Scope.PROVIDER, OPENAI)}
        rolled = {
            rollup.bucket: [rollup.calls, rollup.spend]
            for scope, name in places
            for rollup in self.stores.reports.rollups(scope, name, "2026-03")
        }
        found = [
            f"{bucket}: {rolled.get(bucket)} of {sums.get(bucket)}"
            for bucket in {*sums, *rolled}
            if rolled.get(bucket) != sums.get(bucket)
        ]
        held = self.stores.budgets.balances(list(spent))
        return found + [
            f"{account}: {held.get(account)} of {total}"
            for account, total in spent.items()
            if held.get(account, Balance()) != Balance(0, total)
        ]
