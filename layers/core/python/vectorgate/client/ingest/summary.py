"""What a run has done, as text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from vectorgate.client.destinations import OpenAI
from vectorgate.client.ingest.progress import sized
from vectorgate.pricing.book import GIB, STORAGE, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD, format_usd, parse_usd, rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.client.destinations import Destination
    from vectorgate.client.ingest.plan import Plan
    from vectorgate.client.ingest.scan import Scan
    from vectorgate.client.ingest.session import Summary
    from vectorgate.client.resources import VectorStore

PRICE_HEADER: Final = "x-vectorgate-storage-usd-per-gib-day"


@dataclass(frozen=True, slots=True)
class Price:
    """What storage costs. `of`: whose price it is."""

    per_gib_day: NanoUSD
    of: str


def price_at(destination: Destination, headers: Mapping[str, str], now_ms: int) -> Price | None:
    """The price that the gateway names, or the provider's list price where it is called directly; None if unknown."""
    if isinstance(destination, OpenAI):
        listed = PriceBook(shipped_prices()).price("openai", STORAGE, now_ms).per_gib_day
        return Price(NanoUSD(listed or 0), "OpenAI's list price, after the account's first free GiB")
    try:
        Decimal(headers[PRICE_HEADER])
        return Price(parse_usd(headers[PRICE_HEADER]), "the gateway's price")
    except (KeyError, InvalidOperation, ValueError):
        return None


def storage(store: VectorStore, price: Price | None) -> str:
    """A store's size, and its cost per day."""
    size = int(store.usage_bytes or 0)
    if price is None:
        return f"{sized(size)} (the gateway names no price)"
    cost = format_usd(NanoUSD(rounded_ratio(size * price.per_gib_day, GIB)))
    return f"{sized(size)}: ${cost} a day at {price.of} of ${format_usd(price.per_gib_day)} a GiB-day"


def counts(summary: Summary, found: Scan, steps: Plan) -> Iterator[str]:
    """The counts, a line each."""
    yield f"uploaded   {summary.uploaded} files, {sized(summary.uploaded_bytes)}"
    yield f"attached   {summary.attached} files, {summary.replaced} of them in place of an older version"
    if steps.describe:
        yield f"described  {summary.described} files: their attributes were replaced"
    if steps.delete:
        yield f"deleted    {summary.deleted} files, which are no longer in the folder"
    yield f"unchanged  {summary.unchanged} files"
    yield from _left_out(found)
    yield f"failed     {len(summary.failed)} files"
    yield from (f"  {path}: {reason}" for path, reason in summary.failed)
    left = len(steps.upload) - summary.attached - sum(file.path in dict(summary.failed) for file in steps.upload)
    if left:
        yield f"to do      {left} files"


def planned(found: Scan, steps: Plan, known: Mapping[str, object]) -> Iterator[str]:
    """What a run would do, a line for each file."""
    for file in steps.upload:
        yield f"{'replace' if file.path in known else 'upload '}  {file.path} ({sized(file.size)})"
    yield from (f"describe {record.path}" for record in steps.describe)
    yield from (f"delete   {record.path}" for record in steps.delete)
    yield f"upload     {len(steps.upload)} files, {sized(steps.size)}"
    yield f"delete     {len(steps.delete)} files"
    yield f"unchanged  {len(steps.unchanged)} files"
    yield from _left_out(found)
    refused = [*((file.path, file.reason) for file in found.skipped), *steps.refused]
    yield f"failed     {len(refused)} files"
    yield from (f"  {path}: {reason}" for path, reason in refused)


def _left_out(found: Scan) -> Iterator[str]:
    parts = [
        (found.links, "link" if found.links == 1 else "links"),
        (found.hidden, "hidden"),
        (found.excluded, "excluded"),
    ]
    if any(count for count, _ in parts):
        yield "left out   " + ", ".join(f"{count} {name}" for count, name in parts if count)
