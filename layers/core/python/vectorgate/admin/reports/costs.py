"""`GET /v1/organization/costs`: OpenAI's report of costs, which a month's bill is reproduced from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars
from vectorgate.admin.reports.lines import charged, line_items, quantity_of
from vectorgate.admin.reports.pages import COSTS, bucket_query, group_fields, page_of
from vectorgate.ledger.sums import Dimension
from vectorgate.pricing.money import NanoUSD, format_usd

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.reports.lines import LineItem
    from vectorgate.admin.reports.pages import BucketQuery
    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Rollup

GROUPS: Final = ("project_id", "user_id", "line_item", "api_key_id", "api_source")
_IDS: Final = ("project_id", "user_id", "api_key_id", "api_source")


def costs(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Costs by UTC day, of settled records. InvalidRequest."""
    filters = ("project_ids", "user_ids", "api_key_ids", "line_items")
    query = bucket_query(request, deps, groups=GROUPS, filters=filters, widths=COSTS)
    by_line = "line_item" in query.groups or "line_items" in query.filters
    lines = (Dimension.OPERATION, Dimension.MODEL) if by_line else (Dimension.OPERATION,)
    sums = deps.stores.reports.sums(replace(query.sums(*lines), kinds=not by_line))
    amounts: dict[str, dict[tuple[object, ...], list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for rollup in sums:
        for item in charged(line_items(rollup)):
            if item.name in query.filters.get("line_items", {item.name}):
                total = amounts[rollup.bucket.day][_group(query, rollup, item)]
                total[0] += item.amount
                total[1] += item.quantity
    results = {
        day: [_result(query, group, amount, quantity) for group, (amount, quantity) in groups.items()]
        for day, groups in amounts.items()
    }
    return page_of(query, results)


def _group(query: BucketQuery, rollup: Rollup, item: LineItem) -> tuple[object, ...]:
    by_line = "line_item" in query.groups
    ids = group_fields(query, rollup, _IDS).values()
    return (*ids, item.name if by_line else None, item.unit if by_line else None)


def _result(query: BucketQuery, group: tuple[object, ...], amount: int, quantity: int) -> dict[str, object]:
    *ids, line_item, unit = group
    by_line = "line_item" in query.groups
    return {
        "object": "organization.costs.result",
        "amount": {"value": dollars(amount), "currency": "usd", "value_exact": format_usd(NanoUSD(amount))},
        "line_item": line_item,
        **dict(zip(_IDS, ids, strict=True)),
        "quantity": quantity_of(str(unit), quantity) if by_line else None,
        "quantity_unit": unit,
    }
