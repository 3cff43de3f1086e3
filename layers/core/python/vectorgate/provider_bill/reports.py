"""OpenAI's reports of an organization: bytes stored, file-search calls and costs by UTC day, read with an admin key.

The secret of the admin key is one of its own: `{"base_url", "api_key", "project_ids"}`. `project_ids`, joined by
commas, limits the reports to the projects whose keys the gateway has; without it they are the whole organization's.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from vectorgate.api.errors import BadGateway
from vectorgate.api.operations import Operation
from vectorgate.api.safety import Safety
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.rollups import day_of
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD
from vectorgate.provider_bill.model import Cost, ProviderDay
from vectorgate.providers.base import Call
from vectorgate.providers.client import ProviderClient
from vectorgate.providers.openai import OpenAI
from vectorgate.settings import OPENAI_ADMIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.clock import Clock, Random
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport

REPORT_SECONDS: Final = 20.0  # for all reports together, retries included: the meter's tick has a minute
MAX_PAGES: Final = 100  # a guard against a report without an end
MAX_ITEM: Final = 200  # characters of a line item's name
_MAX_BYTES: Final = 1 << 60
_MAX_UNIX_S: Final = 9_999_999_999  # in the year 2286


def _report(name: str) -> Operation:
    return Operation(
        name=f"organization.{name}", method="GET", path=f"/organization/{name.replace('.', '/')}", safety=Safety.READ
    )


STORED: Final = _report("usage.vector_stores")
SEARCHES: Final = _report("usage.file_search_calls")
COSTS: Final = _report("costs")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationReports:
    """Reads the reports."""

    credentials: Credentials
    transport: Transport
    clock: Clock
    randomness: Random

    def days(self, first: int, count: int) -> dict[str, ProviderDay]:
        """The provider's figures of `count` days from `first` (days since 1970) on, by day. Days without are missing.

        The ApiErrors of `ProviderClient.send`, and BadGateway for a report that cannot be read.
        """
        client = self._client()
        stored = self._sums(client, STORED, first, count)
        searches = self._sums(client, SEARCHES, first, count, group_by="vector_store_id")
        costs = self._sums(client, COSTS, first, count, group_by="line_item")
        return {
            day: ProviderDay(
                stored=sum(_count(each, "usage_bytes") for each in stored[day]) if day in stored else None,
                searches=_searches(searches.get(day, [])),
                costs=tuple(map(_cost, costs.get(day, []))),
            )
            for day in sorted({*stored, *searches, *costs})
        }

    def _client(self) -> ProviderClient:
        return ProviderClient(
            provider=OpenAI(OPENAI_ADMIN),
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            randomness=self.randomness,
            deadline=self.clock.monotonic() + REPORT_SECONDS,
        )

    def _sums(
        self, client: ProviderClient, report: Operation, first: int, count: int, *, group_by: str | None = None
    ) -> dict[str, list[Mapping[str, Any]]]:
        """The results of a report by day; a day without results is missing."""
        query = {"start_time": str(first * DAY_S), "end_time": str((first + count) * DAY_S)}
        query |= {"bucket_width": "1d", "limit": str(count)}
        projects = self.credentials.current(OPENAI_ADMIN).options.get("project_ids")
        query |= {"project_ids[]": projects} if projects else {}
        query |= {"group_by[]": group_by} if group_by is not None else {}
        found: dict[str, list[Mapping[str, Any]]] = {}
        for bucket in self._buckets(client, report, query):
            day = day_of(_count(bucket, "start_time", _MAX_UNIX_S) * MILLISECONDS)
            results = _objects(bucket, "results")
            if results:
                found.setdefault(day, []).extend(results)
        return found

    def _buckets(
        self, client: ProviderClient, report: Operation, query: Mapping[str, str]
    ) -> Iterator[Mapping[str, Any]]:
        page = query
        for _ in range(MAX_PAGES):
            document = client.send(Call(operation=report, query=page)).document or {}
            yield from _objects(document, "data")
            following = document.get("next_page")
            if not document.get("has_more"):
                return
            if not isinstance(following, str) or following == page.get("page"):
                break
            page = {**query, "page": following}
        raise _unreadable()


def _objects(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = holder.get(name)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise _unreadable()
    return values


def _count(holder: Mapping[str, Any], name: str, most: int = _MAX_BYTES) -> int:
    figure = holder.get(name)
    if not isinstance(figure, int) or isinstance(figure, bool) or not 0 <= figure <= most:
        raise _unreadable()
    return figure


def _searches(results: list[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in results:
        store = str(each.get("vector_store_id") or "-")[:MAX_ITEM]
        found[store] = found.get(store, 0) + _count(each, "num_requests")
    return found


def _cost(result: Mapping[str, Any]) -> Cost:
    """One line item. Its amount is a JSON number: the shortest decimal of that is taken, to the nano-dollar."""
    amount = result.get("amount")
    value = amount.get("value") if isinstance(amount, dict) else None
    is_usd = isinstance(amount, dict) and str(amount.get("currency") or "usd").lower() == "usd"
    if not is_usd or not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _MAX_BYTES:
        raise _unreadable()
    unit = result.get("quantity_unit")
    nano = int((Decimal(repr(value)) * NANO_PER_USD).to_integral_value())
    return Cost(str(result.get("line_item") or "-")[:MAX_ITEM], unit if isinstance(unit, str) else None, NanoUSD(nano))


def _unreadable() -> BadGateway:
    return BadGateway("The provider's report cannot be read.", code="report_unreadable")
