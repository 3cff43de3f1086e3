"""Responses in the ledger compared with what the provider counted: tokens, tool calls, owners and amounts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.prices import usage_charge
from tests.simulation.response_clients import TEAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.response_clients import LogicalResponse
    from tests.simulation.responses import Run
    from tests.simulation.simulation import Simulation

Row = dict[str, Any]
RESPONSE: Final = "responses.create"
FIGURES: Final = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
GUESSED: Final = frozenset({"ceiling", "estimate"})  # how rows were found whose usage is not the provider's


def response_differences(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Yield every disagreement about responses."""
    creates = [row for row in rows if row["operation"] == RESPONSE]
    yield from _named(simulation)
    yield from _counted(simulation, creates)
    yield from _lost(simulation, creates)
    yield from _admitted(creates)
    yield from _ownership(simulation, rows)


def _named(simulation: Simulation) -> Iterator[str]:
    """Check that no create named an object of another tenant, or one that the gateway did not make."""
    makers = {made.name: made.secret for made in simulation.clients.responses.made}
    stores = {made.name: made.secret for made in simulation.creates}
    provider = simulation.provider
    for name, object_id in provider.responses.reached:
        run, store = provider.responses.runs.get(object_id), provider.stores.get(object_id)
        maker = makers.get(str(run.name)) if run is not None else None
        if store is not None and not store.foreign:
            maker = stores[store.name]
        if maker is None or TEAMS[maker] != TEAMS[makers[name]]:
            yield f"{name} of {makers[name]} reached {object_id} of {maker}"


def _counted(simulation: Simulation, creates: list[Row]) -> Iterator[str]:
    """Check that each settled row has what the provider counted, or is marked, and is charged for what it has."""
    runs, seen = simulation.provider.responses.runs, Counter(row.get("response_id") for row in creates)
    fingerprints = {made.name: _fingerprint(made) for made in simulation.clients.responses.made}
    for row in creates:
        run = runs.get(row.get("response_id", ""))
        if row["state"] == "settled" and (row["spend"], row["price_id"]) != usage_charge(row):
            yield f"wrong charge: {row}"
        if "response_id" in row and (run is None or run.name is None or row["state"] != "settled"):
            yield f"a row of a response that it did not make: {row}"
        elif run is not None and (seen[run.id] > 1 or fingerprints[str(run.name)] != row["fingerprint"]):
            yield f"{run} has other rows than its own: {row}"
        elif run is not None and row.get("found_by") in GUESSED:
            yield from _guessed(run, row)
        elif run is not None and _recorded(row) != _figures(run):
            yield f"{row} is not what was counted: {run}"


def _guessed(run: Run, row: Row) -> Iterator[str]:
    """Check that only what cannot be asked for is guessed, that it is marked, and that a ceiling is one."""
    if (run.stored and not run.deleted) or "usage" not in row.get("quarantined", ()):
        yield f"{row} is guessed, and could have been asked for: {run}"
    if row["found_by"] == "ceiling":
        yield from _above(run, row)


def _above(run: Run, row: Row) -> Iterator[str]:
    recorded, counted = _recorded(row), _figures(run)
    if row["spend"] < usage_charge(counted)[0] or any(
        recorded[name] < counted[name] for name in ("input_tokens", "output_tokens")
    ):
        yield f"{row} is below what was counted: {run}"


def _lost(simulation: Simulation, creates: list[Row]) -> Iterator[str]:
    """Check that each run without a row has the row of a lost answer, and that no response ran too often."""
    by_fingerprint: dict[str, list[Row]] = defaultdict(list)
    for row in creates:
        by_fingerprint[row.get("fingerprint", "")].append(row)
    ran: dict[str, list[Run]] = defaultdict(list)
    for run in simulation.provider.responses.runs.values():
        ran[str(run.name)].append(run)
    for made in simulation.clients.responses.made:
        rows, runs = by_fingerprint[_fingerprint(made)], ran[made.name]
        known = {row.get("response_id") for row in rows}
        lost = [run for run in runs if run.id not in known]
        ceilings = [row for row in rows if row.get("found_by") == "ceiling" and "response_id" not in row]
        if len(lost) > len(ceilings):
            yield f"{lost} were never charged: {rows}"
        for run, row in zip(lost, ceilings, strict=False):
            yield from _above(run, row)
        if len(runs) > 1 + (0 if made.keyed else made.statuses.count(0)) or (made.foreign and runs):
            yield f"{made} ran {len(runs)} times: {rows}"


def _admitted(creates: list[Row]) -> Iterator[str]:
    """Check that no response costs more than it reserved."""
    for row in creates:
        if row["state"] == "settled" and row["spend"] > row.get("reserved", row["spend"]):
            yield f"costs more than it reserved: {row}"


def _ownership(simulation: Simulation, rows: list[Row]) -> Iterator[str]:
    """Check that each response has its creator's tenant as its owner, until its deletion."""
    statement = "SELECT id, tenant, key_id, end_user, retired_at FROM ownership WHERE kind = 'response'"
    owned = {row[0]: row[1:] for row in simulation.database.rows(statement, ())}
    made = {row["response_id"]: row for row in rows if row["operation"] == RESPONSE and "response_id" in row}
    deleted = {
        row["response_id"] for row in rows if row["operation"] == "responses.delete" and row["state"] == "settled"
    }
    if set(owned) != set(made):
        yield f"owned responses are not those that were made: {sorted(set(owned) ^ set(made))}"
    for response_id, (tenant, key_id, end_user, retired_at) in owned.items():
        row = made.get(response_id, {})
        if (row.get("tenant"), row.get("key_id"), row.get("end_user")) != (tenant, key_id, end_user):
            yield f"{response_id} is owned by another than its row says: {row}"
        if (retired_at is not None) != (response_id in deleted):
            yield f"{response_id} retired at {retired_at}"
    for each in simulation.clients.responses.made:
        run = simulation.provider.responses.runs.get(str(each.response_id))
        if each.deleted and (run is None or (run.stored and not run.deleted)):
            yield f"{each} was told that its response is deleted"


def _recorded(row: Row) -> Row:
    calls = dict(each.split("=") for each in row.get("tool_calls", ()))
    return {**{name: row.get(name, 0) for name in FIGURES}, "searches": int(calls.get("file_search", 0))}


def _figures(run: Run) -> Row:
    if run.status == "failed":
        return dict.fromkeys((*FIGURES, "searches"), 0)
    return {name: getattr(run, name) for name in (*FIGURES, "searches")}


def _fingerprint(made: LogicalResponse) -> str:
    return hashlib.sha256(made.body).hexdigest()
