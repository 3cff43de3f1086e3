"""A comparison as JSON. Amounts are dollars, with the exact nano-dollars beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.pricing.money import NANO_PER_USD
from vectorgate.provider_bill.model import COMPARED, MAX_MISSING, MILLION, Compared, Line, Status, StoreUse

if TYPE_CHECKING:
    from vectorgate.provider_bill.model import Comparison, Day

MAX_STORES = 1_000  # in one answer, those with the largest differences first


def described(comparison: Comparison) -> dict[str, object]:
    """The whole comparison: sums of the days that can be compared, the days, and the stores that differ."""
    days = [day for day in comparison.days if day.status is Status.COMPARED]
    spend = [day.spend(line) for day in days for line in COMPARED]
    stored = comparison.total([day.stored for day in days])
    return {
        "provider": "openai",
        "threshold": _share(MAX_MISSING),
        "captured_share": _share(comparison.missing),
        "is_captured": comparison.missing <= MAX_MISSING,
        "compared_days": len(days),
        "bytes": _figures(stored),
        "spend": _amounts(comparison.total(spend)),
        "days": [_day(day) for day in comparison.days],
        "vector_stores": _stores(comparison),
    }


def _day(day: Day) -> dict[str, object]:
    spend = Compared(
        sum(day.provider.amount(line) for line in COMPARED), sum(day.ours.amount(line) for line in COMPARED)
    )
    return {
        "date": day.day,
        "status": day.status,
        "captured_share": _share(day.missing),
        "bytes": _figures(day.stored),
        "file_search_calls": _figures(day.searches),
        "spend": _amounts(spend),
        "lines": {line: _amounts(day.spend(line)) for line in (*COMPARED, Line.TOKENS)},
        "line_items": [
            {
                "line_item": cost.item,
                "line": cost.line,
                "quantity_unit": cost.unit,
                "spend": _dollars(cost.amount),
                "spend_nano_usd": cost.amount,
            }
            for cost in day.provider.costs
        ],
    }


def _figures(compared: Compared) -> dict[str, object]:
    return {
        "provider": compared.provider,
        "ours": compared.ours,
        "difference": compared.difference,
        "captured_share": _share(compared.missing),
    }


def _amounts(compared: Compared) -> dict[str, object]:
    return {
        "provider": _dollars(compared.provider),
        "ours": _dollars(compared.ours),
        "difference": _dollars(compared.difference),
        "difference_nano_usd": compared.difference,
        "captured_share": _share(compared.missing),
    }


def _stores(comparison: Comparison) -> list[dict[str, object]]:
    """The stores that explain the differences: searched past the gateway, or without an owner here."""
    theirs: dict[str, int] = {}
    for day in comparison.days:
        for name, calls in day.provider.searches.items():
            theirs[name] = theirs.get(name, 0) + calls
    found = []
    for name in sorted({*theirs, *comparison.stores}):
        use, searches = comparison.stores.get(name, StoreUse()), theirs.get(name, 0)
        compared = Compared(searches, use.searches)
        if compared.difference or not use.owned:
            found.append((compared, name, use))
    found.sort(key=lambda each: (-abs(each[0].difference), -each[2].byte_seconds, each[1]))
    return [
        {
            "vector_store_id": name,
            "file_search_calls": _figures(compared),
            "byte_seconds": use.byte_seconds,
            "has_owner": use.owned,
        }
        for compared, name, use in found[:MAX_STORES]
    ]


def _share(missing: int) -> float:
    return (MILLION - missing) / MILLION


def _dollars(nano: int) -> float:
    return nano / NANO_PER_USD
