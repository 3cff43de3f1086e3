"""The ledger compared with the provider. None of the checks asks the code under test what is right."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.prices import CREATE, FREE_BYTES, PER_GIB_DAY, STORAGE, charge
from tests.simulation.response_checks import RESPONSE, response_differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.clients import LogicalCreate
    from tests.simulation.provider import Store
    from tests.simulation.simulation import Simulation

Row = dict[str, Any]
Account = tuple[str, str, str]  # scope, id, period
Request = tuple[str, str | None, str | None]  # name of the store, key id, end user
# What a void row costs: nothing was executed, or another row's answer was replayed.
FREE: Final = {(0, "vectorgate.not-executed"), (0, "vectorgate.replayed")}
# A scope of the rollups, and the field of a row that it sums by.
SCOPES: Final = {
    "key": "key_id",
    "tenant": "tenant",
    "end_user": "end_user",
    "store": "vector_store_id",
}
# A scope of the accounts, and the field of a row that names the account's owner.
HOLDERS: Final = {"key": "key_id", "team": "team_id", "end_user": "end_user"}
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"


def differences(simulation: Simulation) -> list[str]:
    """Return every disagreement of the ledger with the provider."""
    rows = _rows(simulation)
    return [
        *_defects(simulation),
        *_open(rows),
        *_creates(simulation, rows),
        *_twins(simulation, rows),
        *_answers(simulation),
        *_charges(rows),
        *response_differences(simulation, rows),
        *_rollups(simulation, rows),
        *_ownership(simulation, rows),
        *_storage(simulation, rows),
        *_accounts(simulation, rows),
        *simulation.deployment.held(),
    ]


def digest(simulation: Simulation) -> str:
    """Return one hash of every row of every table, the provider's stores and the random state."""
    total = hashlib.sha256()
    for (table,) in simulation.database.rows(_TABLES, ()):
        # The names are the schema's own.
        rows = simulation.database.rows(f"SELECT * FROM {table}", ())  # noqa: S608
        total.update(repr((table, sorted(rows, key=repr))).encode())
    total.update(repr(list(simulation.provider.stores.values())).encode())
    total.update(repr(simulation.environment.rng.getstate()).encode())
    return total.hexdigest()


def _rows(simulation: Simulation) -> list[Row]:
    statement = "SELECT id, state, started_ms, key_id, end_user, record FROM operations ORDER BY id"
    rows = []
    for id_, state, started_ms, key_id, end_user, text in simulation.database.rows(statement, ()):
        row = json.loads(text)
        columns = {"id": id_, "state": state, "started_ms": started_ms, "key_id": key_id, "end_user": end_user}
        if any(row.get(name) != value for name, value in columns.items()):
            raise AssertionError(f"the columns of {id_} are not its record's")
        rows.append(row)
    return rows


def _defects(simulation: Simulation) -> Iterator[str]:
    for error in simulation.deployment.telemetry.crashes:
        yield f"a defect: {error!r}"


def _open(rows: list[Row]) -> Iterator[str]:
    """Check that no row is open, and that no void row made a store."""
    for row in rows:
        if row["state"] not in {"settled", "voided"}:
            yield f"a row is still open: {row}"
        if row["operation"] == CREATE and row["state"] == "voided" and "vector_store_id" in row:
            yield f"a void row names a store: {row}"


def _creates(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that the settled creates are those which the provider executed for the gateway, but for removed seconds."""
    ours = {store.id: store for store in simulation.provider.stores.values() if not store.foreign}
    settled = Counter(row.get("vector_store_id") for row in rows if row["operation"] == CREATE and _is_settled(row))
    for store_id, count in settled.items():
        if count > 1 or store_id not in ours:
            yield f"{count} settled creates of {store_id}"
    given = {made.store_id for made in simulation.creates}
    for store_id in sorted(ours.keys() - settled.keys()):
        if store_id in given or not _was_removed(ours[store_id], rows):
            yield f"{ours[store_id]} has no settled create"


def _was_removed(store: Store, rows: list[Row]) -> bool:
    """Whether a store was removed as the second one of a create that was sent again."""
    tag = store.metadata.get("vectorgate_operation")
    return store.deleted_at is not None and any(row.get("attempt_of") == tag for row in rows)


def _twins(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that each logical create made one store at most.

    One more is allowed for each process that crashed between its commit and its answer, if there was no idempotency
    key: no gateway can know that the answer was lost, and the retry does what it would do at the provider.
    """
    made: dict[Request, list[Row]] = defaultdict(list)
    for row in rows:
        if row["operation"] == CREATE and "vector_store_id" in row:
            name = simulation.provider.stores[row["vector_store_id"]].name
            made[name, row.get("key_id"), row.get("end_user")].append(row)
    made_by: dict[Request, list[LogicalCreate]] = defaultdict(list)
    for create in simulation.creates:
        made_by[_request(simulation, create)].append(create)
    for request, answered in made.items():
        creates = made_by[request]
        given = {create.store_id for create in creates}
        lost = [row for row in answered if row.get("status_code") == 200 and row["vector_store_id"] not in given]
        allowed = min(len(lost), sum(create.broken for create in creates if not create.keyed))
        if len(answered) > len(creates) + allowed:
            yield f"{creates} made {len(answered)} stores: {answered}"


def _request(simulation: Simulation, made: LogicalCreate) -> Request:
    """Identify a create by its store's name, its key's id and its end user."""
    return made.name, simulation.key_ids[made.secret], made.end_user


def _is_settled(row: Row) -> bool:
    return bool(row["state"] == "settled")


def _answers(simulation: Simulation) -> Iterator[str]:
    """Check that clients received only ids of stores that exist, and that what was reported as deleted is deleted.

    No answer is given to two creates. `_ownership` checks that none is given to another caller than the store's.
    """
    given = Counter(made.store_id for made in simulation.creates if made.store_id is not None)
    for store_id, times in given.items():
        if times > 1:
            yield f"{store_id} was given to {[made for made in simulation.creates if made.store_id == store_id]}"
    for made in simulation.creates:
        if made.store_id is not None and made.store_id not in simulation.provider.stores:
            yield f"{made} received the id of a store that never existed"
        if made.store_id is not None and made.deleted:
            store = simulation.provider.stores[made.store_id]
            if store.deleted_at is None:
                yield f"{made} was told that its store is deleted"


def _charges(rows: list[Row]) -> Iterator[str]:
    """Check that a settled row costs what the price in force says, and a void one nothing."""
    for row in rows:
        actual = (row.get("spend"), row.get("price_id"))
        known = row["operation"] not in {STORAGE, RESPONSE}
        if row["state"] == "settled" and known and actual != charge(row["operation"], row["started_ms"]):
            yield f"wrong charge: {row}"
        if row["state"] == "voided" and actual not in FREE:
            yield f"a void row costs: {row}"


def _rollups(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that every rollup is the sum of the settled rows of its bucket, and that each has such rows."""
    expected: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        if row["state"] != "settled":
            continue
        for bucket, added in _parts(row):
            expected[bucket] = [before + more for before, more in zip(expected[bucket], added, strict=True)]
    statement = (
        "SELECT scope, scope_id, day, provider, operation, sum(calls), sum(failures), sum(spend), sum(tools_spend) "
        "FROM rollups WHERE scope IN ('key', 'tenant', 'end_user', 'store', 'tag') "
        "GROUP BY scope, scope_id, day, provider, operation"
    )
    actual = {tuple(row[:5]): list(row[5:]) for row in simulation.database.rows(statement, ())}
    for bucket in sorted(set(expected) | set(actual)):
        if actual.get(bucket) != expected.get(bucket):
            yield f"rollup {bucket} is {actual.get(bucket)}, its rows add up to {expected.get(bucket)}"


def _day(row: Row) -> str:
    return datetime.fromtimestamp(row["started_ms"] / 1000, UTC).strftime("%Y-%m-%d")


def _parts(row: Row) -> Iterator[tuple[tuple[str, ...], tuple[int, int, int, int]]]:
    """Yield the buckets of a row, with what it adds to each: calls, failures, spend, and the part of it for tools."""
    day, spend, tools = _day(row), row["spend"], row.get("tools_spend", 0)
    failed = int(row.get("status_code", 500) >= 400)
    place = (day, row.get("provider", "-"), row["operation"])
    for scope, name in SCOPES.items():
        value = row.get(name, "-" if scope == "key" else None)
        if value is not None and not (scope == "store" and row["operation"] == CREATE and not spend):
            yield (scope, value, *place), (1, failed, spend, tools)
    for tag in set(row.get("tags", ())):
        yield ("tag", tag, *place), (1, failed, spend, tools)
    stores = row.get("searched_stores", ())
    for number, store in enumerate(stores):
        shares = [amount // len(stores) + (number < amount % len(stores)) for amount in (spend, tools)]
        yield ("store", store, *place), (1, failed, shares[0], shares[1])
    file_searches = [each for each in row.get("tool_calls", ()) if each.startswith("file_search=")]
    if file_searches and not stores and row.get("vector_store_id") is None:
        yield ("store", "-", *place), (1, 0, 0, 0)


def _ownership(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that ownership is of what exists, is its creator's, and starts and ends with settled rows."""
    statement = "SELECT id, tenant, key_id, end_user, retired_at FROM ownership WHERE kind = 'vector_store'"
    owned = {row[0]: row[1:] for row in simulation.database.rows(statement, ())}
    creates = {row["vector_store_id"]: row for row in rows if row["operation"] == CREATE and "vector_store_id" in row}
    deletes = {
        row["vector_store_id"]
        for row in rows
        if row["operation"] == "vector_stores.delete" and row["state"] == "settled"
    }
    makers = {_request(simulation, made): made for made in simulation.creates}
    for store_id in sorted(set(owned) ^ set(creates)):
        yield f"{store_id}: a create without ownership, or ownership without a create"
    for store_id, (tenant, key_id, end_user, retired_at) in owned.items():
        store, row = simulation.provider.stores.get(store_id), creates.get(store_id, {})
        if store is None or store.foreign:
            yield f"{store_id} is owned and not ours"
            continue
        maker = makers.get((store.name, key_id, end_user))
        if maker is None or tenant != simulation.tenants[maker.secret]:
            yield f"{store_id} of {store.name} belongs to {tenant} for {end_user}"
        elif maker.store_id is not None and maker.store_id not in owned:
            yield f"{maker} was given a store without an owner"
        if (row.get("tenant"), row.get("key_id"), row.get("end_user")) != (tenant, key_id, end_user):
            yield f"{store_id} is owned by another than its row says: {row}"
        if (retired_at is not None) != (store_id in deletes) or (retired_at is not None and store.deleted_at is None):
            yield f"{store_id} retired at {retired_at}, deleted at {store.deleted_at}"
    for made in simulation.creates:
        row = creates.get(made.store_id or "", {})
        if row and (row.get("key_id"), row.get("end_user")) != _request(simulation, made)[1:]:
            yield f"{made} was given the store of another caller: {row}"


def _storage(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that each store that was sampled has one record of the day, and that these add up to the account's bill.

    A metered seed ends just past midnight.
    """
    records = [row for row in rows if row["operation"] == STORAGE]
    if not simulation.metered:
        if records:
            yield "storage without a meter"
        return
    day = simulation.midnight // 86_400 - 1
    if simulation.database.rows("SELECT id FROM meters WHERE record LIKE ?", (f'%"{day}":%',)):
        yield "a day that is over is still in the meters"
    counts = Counter(row["vector_store_id"] for row in records)
    for store in simulation.provider.stores.values():
        count = counts.pop(store.id, 0)
        if count > 1 or (count == 0 and store.deleted_at is None):
            yield f"{count} storage records of {store}"
    if counts:
        yield f"storage records of stores that never existed: {counts}"
    whole = sum(row["byte_seconds"] for row in records)
    exact = Fraction(max(0, whole - FREE_BYTES * 86_400) * PER_GIB_DAY, 86_400 << 30)
    if sum(row["spend"] for row in records) != round(exact):
        yield f"the parts are not the whole: {sum(row['spend'] for row in records)} of {round(exact)}"
    yield from _attribution(simulation, records)


def _attribution(simulation: Simulation, records: list[Row]) -> Iterator[str]:
    statement = "SELECT id, tenant, key_id, end_user FROM ownership WHERE kind = 'vector_store'"
    owners = {row[0]: row[1:] for row in simulation.database.rows(statement, ())}
    for row in records:
        store = simulation.provider.stores[row["vector_store_id"]]
        owner = owners.get(store.id, (None, None, None))
        if (row.get("tenant"), row.get("key_id"), row.get("end_user")) != owner:
            yield f"storage of {store} is not its maker's: {row}"
        off = abs(row["byte_seconds"] - store.byte_seconds(simulation.midnight))
        if off > simulation.longest_pause * store.variation():
            yield f"storage of {store} is off by {off} byte-seconds: {row}"


def _bounding(simulation: Simulation, row: Row) -> list[Account]:
    """Return the accounts that a row counts against: those of its key, team and end user that have a limit."""
    periods = {"key": _day(row), "team": _day(row)[: len("2026-03")] + "-01", "end_user": "ever"}
    bounded = [(scope, str(row.get(name))) for scope, name in HOLDERS.items()]
    return [(scope, holder, periods[scope]) for scope, holder in bounded if (scope, holder) in simulation.limits]


def _accounts(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that nothing is reserved, and that an account has spent what its settled rows cost, within its limit."""
    spent: Counter[Account] = Counter()
    admitted: Counter[Account] = Counter()  # reads and deletes are admitted at any balance, and count
    for row in rows:
        accounts = _bounding(simulation, row)
        named = [f"{scope}/{period}" for scope, _, period in accounts]
        if row["state"] == "settled" and row.get("budgets", []) != named:
            yield f"counts against other budgets than {accounts}: {row}"
        for account in accounts:
            spent[account] += row["spend"]
            admitted[account] += row["spend"] if row.get("reserved") else 0
    # The others hold bytes, which the meter found and no row spends.
    money = "SELECT * FROM accounts WHERE period NOT LIKE 'stored-%'"
    for scope, holder, period, reserved, actual in simulation.database.rows(money, ()):
        account = (scope, holder, period)
        expected = spent.pop(account, 0)
        if reserved != 0 or actual != expected or admitted[account] > simulation.limits.get((scope, holder), 0):
            yield f"account {account}: {reserved} reserved, {actual} spent of {expected}"
    for account, amount in spent.items():
        if amount:
            yield f"account {account} has not spent {amount}"
