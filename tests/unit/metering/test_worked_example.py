"""The worked example of docs/billing.md, recomputed from its sizes and hours alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tests.harnesses.admin import AdminHarness, storage
from vectorgate.budgets.model import BudgetScope
from vectorgate.ids import ObjectId, ProviderName, TenantId
from vectorgate.metering.bill import storage_records
from vectorgate.metering.model import DAY_S, Meter, first_sample
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.book import PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD, format_usd, parse_usd

TEXT = (Path(__file__).parents[3] / "docs" / "billing.md").read_text("utf-8")
FLAT = " ".join(TEXT.split())  # a sentence may go on in the next line
DAY = 20_516  # 2026-03-04
BOOK = PriceBook(shipped_prices())


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    store: str
    owner: str
    size: int
    start: int
    end: int
    byte_seconds: int
    amount: int


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _second(text: str) -> int:
    hours, minutes = text.split(":")
    return DAY * DAY_S + int(hours) * 3_600 + int(minutes) * 60


def _cells(row: str) -> list[str]:
    return [cell.strip().strip("`") for cell in row.strip("|").split("|")]


def lines() -> list[Line]:
    rows = [_cells(row) for row in re.findall(r"^\| `vs_.*\|$", TEXT, re.MULTILINE)]
    return [
        Line(store, owner, _number(size), _second(start), _second(end), _number(total), parse_usd(amount.strip("$")))
        for store, owner, size, hours, total, amount, _, _ in rows
        for start, _, end in [hours.partition("-")]
    ]


def metered(line: Line) -> Meter:
    """Looked at every hour, as the meter would."""
    meter = first_sample(ProviderName("openai"), ObjectId(line.store), line.size, line.start)
    for at in range(line.start, line.end, 3_600):
        meter = meter.sampled(line.size, at)
    meter = meter.stopped(line.end)
    return Meter(**{**meter.to_record(), "days": dict(meter.days), "tenant": TenantId(line.owner)})


def test_each_line_of_the_example_is_what_the_meter_makes_of_it() -> None:
    stated = {line.store: line for line in lines()}
    assert len(stated) == 3
    records = storage_records([metered(line) for line in stated.values()], DAY, BOOK)
    assert {record.vector_store_id: (record.byte_seconds, record.spend) for record in records} == {
        line.store: (line.byte_seconds, line.amount) for line in stated.values()
    }


def test_the_example_adds_up() -> None:
    (whole,) = [_cells(row) for row in re.findall(r"^\| whole account.*\|$", TEXT, re.MULTILINE)]
    assert _number(whole[4]) == sum(line.byte_seconds for line in lines())
    assert parse_usd(whole[5].strip("$")) == sum(line.amount for line in lines())
    of_red = sum(line.amount for line in lines() if line.owner == "team red")
    of_blue = sum(line.amount for line in lines() if line.owner == "team blue")
    assert f"red's sum of the day is ${format_usd(parse_usd(_usd(of_red)))}" in FLAT
    assert f"team blue's is ${_usd(of_blue)}" in FLAT


def _usd(nano: int) -> str:
    return f"{nano / 10**9:.9f}".rstrip("0")


def test_the_prices_and_their_names_are_those_of_the_price_book() -> None:
    for name, provider, operation, stated in re.findall(r"(?:`((openai|azure)\.(storage|calls)\.[0-9-]+)`)(.*)", TEXT):
        del stated
        assert BOOK.by_id(name).covers(provider, "storage" if operation == "storage" else "vector_stores.create")
    storing = re.findall(r"storing, with (\w+): \$([0-9.]+) for each GiB", TEXT)
    for provider, stated in storing:
        price = BOOK.price(provider.lower(), "storage", DAY * DAY_S * 1000)
        assert price.per_gib_day == parse_usd(stated)
        assert price.id in TEXT
    assert len(re.findall(r"storing, with", TEXT)) == len(storing) == 2
    assert "a GiB-hour, $0.0042" in FLAT
    assert round(BOOK.by_id("openai.storage.2025-03-11").per_gib_day / 24 / 10**9, 4) == 0.0042  # type: ignore[operator]


def test_the_example_of_a_budget_and_of_a_wrong_price_is_what_the_admin_app_computes() -> None:
    admin = AdminHarness(open_stores(), BOOK)
    monthly = {"max_budget": 0.25, "budget_duration": "1mo"}
    assert admin.ask("POST", "/team/new", {"team_id": "red", **monthly})[0] == 200
    owners = {line.store: TenantId(line.owner.replace("team ", "team:")) for line in lines()}
    admin.charge([replace(metered(line), tenant=owners[line.store]) for line in lines()])
    settled = admin.net()
    spent = admin.balance(BudgetScope.TEAM, "red", "2026-03-01").spent
    assert spent > 250_000_000
    assert f"has spent ${format_usd(NanoUSD(spent))}" in FLAT

    admin.book = PriceBook(shipped_prices(), [storage("ours", 80_000_000)])
    answer = admin.reprice(dry_run=False)
    stated = [_cells(row) for row in re.findall(r"^\| `vs_.*\|$", TEXT, re.MULTILINE)]
    assert {row["vector_store_id"]: row["spend_nano_usd"] for row in answer["data"]} == {
        cells[0]: _dollars(cells[7]) for cells in stated
    }
    for store, *_, before, after, _ in stated:
        assert (_dollars(before), _dollars(after)) == (settled[store], admin.net()[store])
    (whole,) = [_cells(row) for row in re.findall(r"^\| whole account.*\|$", TEXT, re.MULTILINE)]
    sums = (sum(settled.values()), sum(admin.net().values()), answer["spend_nano_usd"])
    assert tuple(map(_dollars, whole[5:])) == sums
    left = admin.balance(BudgetScope.TEAM, "red", "2026-03-01").spent
    assert left < 250_000_000
    assert f"has now spent ${format_usd(NanoUSD(left))}" in FLAT
    assert admin.disagreements() == []
    admin.stores.close()


def _dollars(cell: str) -> int:
    return parse_usd(cell.strip("$"))
