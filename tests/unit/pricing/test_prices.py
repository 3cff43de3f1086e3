"""The shipped prices: sourced, dated, and never edited; and those of a deployment."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from vectorgate.bootstrap import price_book
from vectorgate.ids import OperationId
from vectorgate.ledger.corrections import correction, cost_of
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.pricing.book import GIB, Charge, MissingPrice, Price, PriceBook, read_prices, shipped_prices
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.tokens import TokenPrice
from vectorgate.settings import read

if TYPE_CHECKING:
    from pathlib import Path

MARCH = 1_772_600_767_000
OWN: dict[str, Any] = {
    "id": "ours.storage.2026",
    "provider": "openai",
    "operations": ["storage"],
    "from": "2026-01-01",
    "usd_per_gib_day": "0.08",
    "free_gib": "0",
    "source": "our agreement of 2025",
}
RESPONSES = (
    "responses.create responses.retrieve responses.delete responses.cancel responses.compact responses.input_items.* "
    "responses.input_tokens.* models.*"
)
# All prices ever shipped: id, provider, operations, from, nano-dollars (a call; of storage a GiB-day), free GiB.
SHIPPED = [
    ("openai.calls.2025-03-11", "openai", "vector_stores.* files.*", "2025-03-11", 0, 0),
    ("azure.calls.2025-03-11", "azure", "vector_stores.* files.*", "2025-03-11", 0, 0),
    ("openai.uploads.2025-03-11", "openai", "uploads.*", "2025-03-11", 0, 0),
    ("azure.uploads.2025-03-11", "azure", "uploads.*", "2025-03-11", 0, 0),
    ("openai.responses.2025-03-11", "openai", RESPONSES, "2025-03-11", 0, 0),
    ("azure.responses.2025-03-11", "azure", RESPONSES, "2025-03-11", 0, 0),
    ("openai.storage.2025-03-11", "openai", "storage", "2025-03-11", 100_000_000, 1),
    ("openai.file-search-call.2025-03-11", "openai", "responses.file_search", "2025-03-11", 2_500_000, 0),
    ("openai.web-search-call.2025-03-11", "openai", "responses.web_search", "2025-03-11", 10_000_000, 0),
    ("azure.storage.2025-03-11", "azure", "storage", "2025-03-11", 110_000_000, 1),
    ("azure.storage.2025-03-11.sourced", "azure", "storage", "2025-03-11", 100_000_000, 1),
    ("azure.file-search-call.2025-03-11", "azure", "responses.file_search", "2025-03-11", 2_500_000, 0),
    ("azure_ai.calls.2025-03-11", "azure_ai", "indexes.*", "2025-03-11", 0, 0),
    ("vectorgate.not-executed", "*", "*", "1970-01-01", 0, 0),
    ("vectorgate.replayed", "*", "*", "1970-01-01", 0, 0),
    ("vectorgate.mock", "*", "*", "1970-01-01", 0, 0),
    ("vectorgate.unpriced", "*", "*", "1970-01-01", 0, 0),
    ("vectorgate.pending", "*", "*", "1970-01-01", 0, 0),
    ("vectorgate.reserved", "*", "*", "1970-01-01", 0, 0),
]


# All prices of models ever shipped: id, from, dollars for a million tokens (input, cached, written to the cache,
# output), and for inputs of how many tokens.
SHIPPED_MODELS = """
openai.gpt-6-astra.2026-09-03 2026-09-03 10 1 12.5 50 -1 272000
openai.gpt-6.1-sol.2026-09-29 2026-09-29 2 0.1 2.5 10 -1 272000
openai.gpt-6-sol.2026-09-22 2026-09-22 2 0.2 2.5 10 -1 272000
openai.gpt-6-luna.2026-09-22 2026-09-22 0.1 0.01 0.125 0.5 -1 272000
openai.gpt-5.6-sol.2026-08-21 2026-08-21 4 0.4 5 20 -1 None
openai.gpt-5.6-sol.2026-08-21.long 2026-08-21 8 0.8 10 30 272000 None
openai.gpt-5.6-terra.2026-08-21 2026-08-21 2 0.2 2.5 12 -1 None
openai.gpt-5.6-terra.2026-08-21.long 2026-08-21 4 0.4 5 18 272000 None
openai.gpt-5.6-luna.2026-08-21 2026-08-21 0.2 0.02 0.25 1.2 -1 272000
openai.gpt-5.5.2026-04-23 2026-04-23 5 0.5 5 30 -1 272000
openai.gpt-5.4.2026-03-05 2026-03-05 2.5 0.25 2.5 15 -1 272000
openai.gpt-5.4-mini.2026-03-17 2026-03-17 0.75 0.075 0.75 4.5 -1 None
openai.gpt-5.4-nano.2026-03-17 2026-03-17 0.2 0.02 0.2 1.25 -1 None
openai.gpt-5.5-pro.2026-04-23 2026-04-23 30 30 30 180 -1 272000
openai.gpt-5.2025-08-07 2025-08-07 1.25 0.125 1.25 10 -1 None
openai.gpt-5-mini.2025-08-07 2025-08-07 0.25 0.025 0.25 2 -1 None
openai.gpt-5-nano.2025-08-07 2025-08-07 0.05 0.005 0.05 0.4 -1 None
openai.gpt-4.1.2025-04-14 2025-04-14 2 0.5 2 8 -1 None
openai.gpt-4.1-mini.2025-04-14 2025-04-14 0.4 0.1 0.4 1.6 -1 None
openai.gpt-4.1-nano.2025-04-14 2025-04-14 0.1 0.025 0.1 0.4 -1 None
openai.gpt-4o.2025-03-11 2025-03-11 2.5 1.25 2.5 10 -1 None
openai.gpt-4o-2024-05-13.2025-03-11 2025-03-11 5 5 5 15 -1 None
openai.gpt-4o-mini.2025-03-11 2025-03-11 0.15 0.075 0.15 0.6 -1 None
azure.gpt-5.2025-08-07 2025-08-07 1.25 0.125 1.25 10 -1 None
azure.gpt-5-mini.2025-08-07 2025-08-07 0.25 0.025 0.25 2 -1 None
azure.gpt-5-nano.2025-08-07 2025-08-07 0.05 0.005 0.05 0.4 -1 None
azure.gpt-4.1.2025-04-14 2025-04-14 2 0.5 2 8 -1 None
azure.gpt-4.1-mini.2025-04-14 2025-04-14 0.4 0.1 0.4 1.6 -1 None
openai.embedded-extractive.2025-03-11 2025-03-11 0 0 0 0 -1 None
openai.gpt-6-astra.2026-09-03.long 2026-09-03 20 2 25 75 272000 None
openai.gpt-6.1-sol.2026-09-29.long 2026-09-29 4 0.2 5 15 272000 None
openai.gpt-6-sol.2026-09-22.long 2026-09-22 4 0.4 5 15 272000 None
openai.gpt-6-luna.2026-09-22.long 2026-09-22 0.2 0.02 0.25 0.75 272000 None
openai.gpt-5.6-luna.2026-08-21.long 2026-08-21 0.4 0.04 0.5 1.8 272000 None
openai.gpt-5.5.2026-04-23.long 2026-04-23 10 1 10 45 272000 None
openai.gpt-5.4.2026-03-05.long 2026-03-05 5 0.5 5 22.5 272000 None
openai.gpt-5.5-pro.2026-04-23.long 2026-04-23 60 60 60 270 272000 None
openai.gpt-5.6.2026-08-21 2026-08-21 4 0.4 5 20 -1 None
openai.gpt-5.6.2026-08-21.long 2026-08-21 8 0.8 10 30 272000 None
openai.gpt-5.4-pro.2026-03-05 2026-03-05 30 30 30 180 -1 None
openai.gpt-5.4-pro.2026-03-05.long 2026-03-05 60 60 60 270 272000 None
openai.gpt-5.3-codex.2026-02-24 2026-02-24 1.75 0.175 1.75 14 -1 None
openai.gpt-5.2.2025-12-11 2025-12-11 1.75 0.175 1.75 14 -1 None
openai.gpt-5.2-pro.2025-12-11 2025-12-11 21 21 21 168 -1 None
openai.gpt-5.1.2025-11-13 2025-11-13 1.25 0.125 1.25 10 -1 None
openai.gpt-5-pro.2025-10-06 2025-10-06 15 15 15 120 -1 None
openai.o3.2025-04-16 2025-04-16 2 0.5 2 8 -1 None
openai.o3-pro.2025-06-10 2025-06-10 20 20 20 80 -1 None
openai.chat-latest.2026-04-23 2026-04-23 5 0.5 5 30 -1 None
azure.gpt-6.1-sol.2026-09-29 2026-09-29 2 0.1 2.5 10 -1 None
azure.gpt-6.1-sol.2026-09-29.long 2026-09-29 4 0.2 5 15 272000 None
azure.gpt-6-astra.2026-09-03 2026-09-03 10 1 12.5 50 -1 None
azure.gpt-6-astra.2026-09-03.long 2026-09-03 20 2 25 75 272000 None
azure.gpt-6-sol.2026-09-22 2026-09-22 2 0.2 2.5 10 -1 None
azure.gpt-6-sol.2026-09-22.long 2026-09-22 4 0.4 5 15 272000 None
azure.gpt-6-luna.2026-09-22 2026-09-22 0.1 0.01 0.125 0.5 -1 None
azure.gpt-6-luna.2026-09-22.long 2026-09-22 0.2 0.02 0.25 0.75 272000 None
azure.gpt-5.6.2026-08-21 2026-08-21 4 0.4 5 20 -1 None
azure.gpt-5.6.2026-08-21.long 2026-08-21 8 0.8 10 30 272000 None
azure.gpt-5.6-sol.2026-08-21 2026-08-21 4 0.4 5 20 -1 None
azure.gpt-5.6-sol.2026-08-21.long 2026-08-21 8 0.8 10 30 272000 None
azure.gpt-5.6-terra.2026-08-21 2026-08-21 2 0.2 2.5 12 -1 None
azure.gpt-5.6-terra.2026-08-21.long 2026-08-21 4 0.4 5 18 272000 None
azure.gpt-5.6-luna.2026-08-21 2026-08-21 0.2 0.02 0.25 1.2 -1 None
azure.gpt-5.6-luna.2026-08-21.long 2026-08-21 0.4 0.04 0.5 1.8 272000 None
azure.gpt-5.5.2026-04-23 2026-04-23 5 0.5 5 30 -1 None
azure.gpt-5.5.2026-04-23.long 2026-04-23 10 1 10 45 272000 None
azure.gpt-5.5-pro.2026-04-23 2026-04-23 30 3 30 180 -1 None
azure.gpt-5.5-pro.2026-04-23.long 2026-04-23 60 6 60 270 272000 None
azure.gpt-5.4.2026-03-05 2026-03-05 2.5 0.25 2.5 15 -1 None
azure.gpt-5.4.2026-03-05.long 2026-03-05 5 0.5 5 22.5 272000 None
azure.gpt-5.4-pro.2026-03-05 2026-03-05 30 3 30 180 -1 None
azure.gpt-5.4-pro.2026-03-05.long 2026-03-05 60 6 60 270 272000 None
azure.gpt-5.4-mini.2026-03-17 2026-03-17 0.75 0.075 0.75 4.5 -1 None
azure.gpt-5.4-nano.2026-03-17 2026-03-17 0.2 0.02 0.2 1.25 -1 None
azure.gpt-5.3-codex.2026-02-24 2026-02-24 1.75 0.175 1.75 14 -1 None
azure.gpt-5.2.2025-12-11 2025-12-11 1.75 0.175 1.75 14 -1 None
azure.gpt-5.2-pro.2025-12-11 2025-12-11 21 21 21 168 -1 None
azure.gpt-5.2-codex.2026-01-13 2026-01-13 1.75 0.175 1.75 14 -1 None
azure.gpt-5.1.2025-11-13 2025-11-13 1.25 0.125 1.25 10 -1 None
azure.gpt-5.1-codex.2025-11-13 2025-11-13 1.25 0.125 1.25 10 -1 None
azure.gpt-5.1-codex-max.2025-11-18 2025-11-18 1.25 0.125 1.25 10 -1 None
azure.gpt-5.1-codex-mini.2025-11-13 2025-11-13 0.25 0.025 0.25 2 -1 None
azure.gpt-5-pro.2025-10-07 2025-10-07 15 15 15 120 -1 None
azure.gpt-5-codex.2025-09-17 2025-09-17 1.25 0.125 1.25 10 -1 None
azure.gpt-4.1-nano.2025-04-14 2025-04-14 0.1 0.025 0.1 0.4 -1 None
azure.gpt-4o.2025-03-11 2025-03-11 2.5 1.25 2.5 10 -1 None
azure.gpt-4o-2024-05-13.2025-03-11 2025-03-11 5 5 5 15 -1 None
azure.gpt-4o-mini.2025-03-11 2025-03-11 0.15 0.075 0.15 0.6 -1 None
azure.gpt-chat-latest.2026-05-18 2026-05-18 5 0.5 5 30 -1 None
azure.o3-pro.2025-06-10 2025-06-10 20 20 20 80 -1 None
"""


def as_shipped(price: Price) -> tuple[str, str, str, str, int, int]:
    """Return a line of SHIPPED, without the source, which may be corrected."""
    since = datetime.fromtimestamp(price.from_ms / 1_000, UTC).date().isoformat()
    amount = price.per_call if price.per_gib_day is None else price.per_gib_day
    return price.id, price.provider, " ".join(price.operations), since, amount, price.free_bytes // GIB


def as_shipped_model(price: TokenPrice) -> str:
    """Return a line of SHIPPED_MODELS, whose id begins with the provider and a model."""
    since = datetime.fromtimestamp(price.from_ms / 1_000, UTC).date()
    rates = [Decimal(rate) / 10**9 for rate in (price.input, price.cached_input, price.cache_write, price.output)]
    assert [price.id.startswith(f"{price.provider}.{model}.") for model in price.models] == [True]
    in_dollars = " ".join(f"{rate.normalize():f}" for rate in rates)
    return f"{price.id} {since} {in_dollars} {price.above_input_tokens} {price.up_to_input_tokens}"


def test_what_ships_is_sourced_and_dated() -> None:
    book = PriceBook(shipped_prices())
    for price in shipped_prices():
        assert price.source
    openai, azure = (book.price(provider, "storage", MARCH) for provider in ("openai", "azure"))
    assert (openai.per_gib_day, openai.free_bytes) == (100_000_000, 1 << 30)
    assert (azure.per_gib_day, azure.free_bytes) == (100_000_000, 1 << 30)
    assert book.price("openai", "responses.file_search", MARCH).per_call == 2_500_000
    assert book.price("openai", "vector_stores.search", MARCH).per_call == 0
    with pytest.raises(MissingPrice):
        book.price("openai", "storage", 0)
    with pytest.raises(MissingPrice):
        book.price("azure_ai", "storage", MARCH)


def test_no_amount_that_was_ever_shipped_is_edited() -> None:
    """A new price is a new entry and a new last line of SHIPPED: no line of it is ever changed or removed."""
    assert [as_shipped(price) for price in shipped_prices() if isinstance(price, Price)] == SHIPPED


def test_no_price_of_a_model_that_was_ever_shipped_is_edited() -> None:
    """As for SHIPPED: a new price is a new entry, and a new line."""
    assert [as_shipped_model(each) for each in shipped_prices() if isinstance(each, TokenPrice)] == (
        SHIPPED_MODELS.strip().splitlines()
    )


# Provider, model, tokens (input, of which cached, of which written to the cache; output), nano-dollars by the source.
SUMS = [
    ("openai", "gpt-5.5", (272_000, 0, 0, 1_000), 272_000 * 5_000 + 1_000 * 30_000),
    ("openai", "gpt-5.5", (272_001, 1, 0, 1_000), 272_000 * 10_000 + 1_000 + 1_000 * 45_000),
    (
        "openai",
        "gpt-6.1-sol-2026-09-29",
        (300_000, 100_000, 50_000, 10),
        150_000 * 4_000 + 20_000_000 + 250_000_000 + 150_000,
    ),
    ("azure", "gpt-5.5-pro", (300_000, 100_000, 0, 7), 200_000 * 60_000 + 100_000 * 6_000 + 7 * 270_000),
    ("azure", "gpt-6-luna", (300_001, 1, 0, 1), 300_000 * 200 + 20 + 750),
    ("azure", "gpt-5.4-nano", (1_000, 0, 0, 1), 1_000 * 200 + 1_250),
    ("azure", "gpt-5.6-sol-2026-07-09", (10, 0, 10, 0), 10 * 5_000),
    ("azure", "gpt-4o-2024-05-13", (3, 0, 0, 1), 3 * 5_000 + 15_000),
]
AUTUMN = 1_795_916_580_000  # November 2026


def test_tokens_cost_what_the_source_says_to_the_nano_dollar() -> None:
    book = PriceBook(shipped_prices())
    for provider, model, (given, cached, cache_written, output), cost in SUMS:
        call = row(
            provider=provider,
            model=model,
            started_ms=AUTUMN,
            spend=None,
            price_id=None,
            input_tokens=given,
            cached_tokens=cached,
            cache_write_tokens=cache_written,
            output_tokens=output,
        )
        assert book.charge_for(call).spend == cost, model


def test_every_shipped_model_has_a_price_for_each_input_that_it_reads() -> None:
    book = PriceBook(shipped_prices())
    for price in shipped_prices():
        if isinstance(price, TokenPrice):
            call = row(provider=price.provider, model=price.models[0], started_ms=AUTUMN, price_id=None)
            assert book.token_price_of(call, price.context_tokens or 1).provider == price.provider


def test_an_entry_is_in_force_from_its_day_until_the_next_one() -> None:
    later = {**OWN, "id": "ours.storage.2027", "from": "2027-1-1", "usd_per_gib_day": "0.07"}
    book = PriceBook(shipped_prices(), own=read_prices(json.dumps([OWN, later])))
    days = {"2025-12-31": 1_767_139_200_000, "2026-01-01": 1_767_225_600_000, "2027-01-01": 1_798_761_600_000}
    assert [book.price("openai", "storage", at).id for at in days.values()] == [
        "openai.storage.2025-03-11",
        "ours.storage.2026",
        "ours.storage.2027",
    ]
    assert book.price("openai", "storage", days["2027-01-01"] - 1).per_gib_day == 80_000_000


def test_of_two_entries_for_one_day_the_later_sets_the_other_right() -> None:
    better = {**OWN, "id": "ours.storage.2026.better", "usd_per_gib_day": "0.07"}
    book = PriceBook(shipped_prices(), own=read_prices(json.dumps([OWN, better])))
    assert book.price("openai", "storage", MARCH).id == "ours.storage.2026.better"
    assert book.by_id("ours.storage.2026").per_gib_day == 80_000_000  # for the rows that were settled by it


def test_a_deployments_own_entry_is_never_a_shipped_one_edited() -> None:
    with pytest.raises(ValueError, match="share an id"):
        price_book(json.dumps([{**OWN, "id": "openai.storage.2025-03-11"}]))


def test_the_setting_is_json_or_the_name_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps([OWN]), "utf-8")
    for setting in (json.dumps([OWN]), str(path)):
        given = read({"VECTORGATE_TABLE": "t", "VECTORGATE_PRICES": setting}).prices
        assert price_book(given).price("openai", "storage", MARCH).id == "ours.storage.2026"
    assert price_book().price("openai", "storage", MARCH).id == "openai.storage.2025-03-11"
    with pytest.raises(OSError, match="nowhere"):
        price_book(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"usd_per_gib_day": "-0.1"},
        {"usd_per_gib_day": 0.1},
        {"usd_per_gib_day": "0.0000000001"},
        {"usd_per_gib_day": "ten"},
        {"free_gib": "1.5"},
        {"free_gib": 1},
        {"from": "2026-13-01"},
        {"from": None},
        {"source": " "},
        {"operations": []},
        {"operations": ["storage", "vector_stores.*"]},
        {"operations": ["vector_stores.create"]},
        {"id": "a#b"},
        {"more": 1},
        {"usd_per_call": "1"},
    ],
)
def test_a_wrong_entry_stops_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="entry 1 of the price book"):
        read_prices(json.dumps([OWN, {**OWN, **wrong}]))


@pytest.mark.parametrize("text", ["{}", "null", "[", "[7]", '[{"id": "a"}]'])
def test_what_is_no_list_of_entries_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own, or ours
        read_prices(text)


def row(**fields: Any) -> LedgerEntry:
    values: dict[str, Any] = {
        "id": OperationId("0" * 8 + "-0000-7000-8000-" + "0" * 12),
        "operation": "vector_stores.create",
        "state": State.SETTLED,
        "started_ms": MARCH,
        "provider": "openai",
        "spend": NanoUSD(7),
        "price_id": "x",
    }
    return LedgerEntry(**(values | fields))


def test_a_row_that_brings_its_amount_keeps_it() -> None:
    book = PriceBook(shipped_prices())
    stored = row(state=State.ANSWERED, operation="storage", price_id="openai.storage.2025-03-11", spend=NanoUSD(5))
    assert book.charge_for(stored) == Charge(NanoUSD(5), "openai.storage.2025-03-11")
    assert book.charge_for(row(spend=None, price_id="vectorgate.mock")) == Charge(NanoUSD(0), "vectorgate.mock")
    with pytest.raises(MissingPrice):
        book.charge_for(row(price_id="nobody's"))


def test_repricing_is_a_new_row_that_names_the_old_one() -> None:
    old = row()
    new = correction(old, Charge(NanoUSD(4), "ours"))
    assert new is not None
    assert (new.operation, new.corrects, new.spend, new.price_id) == ("correction", old.id, -3, "ours")
    assert (new.state, new.started_ms) == (State.ANSWERED, old.started_ms)
    assert new == correction(old, Charge(NanoUSD(4), "ours"))
    second = correction(old, Charge(NanoUSD(9), "theirs"), [new])
    assert second is not None
    assert (second.spend, cost_of(old, [new, second])) == (5, 9)
    assert len({old.id, new.id, second.id}) == 3
    assert correction(old, Charge(NanoUSD(4), "anybody's"), [new]) is None
    assert correction(old, Charge(NanoUSD(7), "ours")) is None
    for wrong in (row(state=State.ANSWERED), row(corrects=old.id)):
        with pytest.raises(ValueError, match="only a settled row"):
            correction(wrong, Charge(NanoUSD(4), "ours"))
