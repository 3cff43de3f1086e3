"""Settled rows reach a webhook: signed, at least once, in order by store, whatever is killed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.exports import Exports
from local.mistakes import CannotStart
from tests.fakes.receiver import Delivery, Receiver
from tests.harnesses.exports import SIGNING_KEY, assert_in_order, settling, verified

if TYPE_CHECKING:
    from pathlib import Path


def environment(receiver: Receiver) -> dict[str, str]:
    """A webhook at this server."""
    return {"VECTORGATE_EXPORT_WEBHOOK": f"{receiver.url}/usage", "VECTORGATE_EXPORT_WEBHOOK_KEY": SIGNING_KEY}


def test_a_settled_row_arrives_signed_as_one_document() -> None:
    with Receiver() as receiver, settling(environment(receiver)) as rows:
        (settled,) = rows.settle(1)
        rows.tick()
    (got,) = receiver.got
    record = verified(got)
    assert got.path == "/usage"
    assert record == {
        "version": 1,
        "id": settled,
        "operation": "vector_stores.create",
        "outcome": "success",
        "started_at": "2026-03-04T05:06:07.000Z",
        "ended_at": "2026-03-04T05:06:07.005Z",
        "spend_nano_usd": 0,
        "spend_usd": "0",
        "key_id": "a" * 64,
        "team_id": "red",
        "end_user": "émile 東京",
        "provider": "openai",
        "vector_store_id": "vs_0",
        "price_id": record["price_id"],
        "status_code": 200,
        "tags": ["b", "a"],
    }


def test_every_row_arrives_in_order_although_the_receiver_and_the_gateway_are_killed(tmp_path: Path) -> None:
    lost = iter(range(1, 1_000))

    def loses_answers(_: Delivery) -> int:
        return 0 if next(lost) % 30 == 0 else 200

    with Receiver(status=loses_answers) as receiver, settling(environment(receiver), tmp_path) as rows:
        settled = rows.settle(60)
        rows.tick(times=5)
        receiver.kill()
        settled += rows.settle(70)
        rows.tick(times=2)
        receiver.start()
        rows.restart()
        settled += rows.settle(70)
        rows.tick(times=12)
        records = [verified(got) for got in receiver.got]
        left = rows.database.rows("SELECT count(*) FROM export_log", ())
    assert len(records) > len(settled) == 200
    assert_in_order(records, settled)
    assert left == [(0,)]


def test_what_the_receiver_refuses_is_a_dead_letter_and_delays_no_other() -> None:
    def refuses_third(got: Delivery) -> int:
        return 422 if verified(got)["id"] == settled[2] else 200

    with Receiver() as receiver, settling(environment(receiver)) as rows:
        settled = rows.settle(5)
        receiver.status = refuses_third
        rows.tick()
        assert rows.dead_letters() == [("webhook", settled[2], "status 422")]
    assert [verified(got)["id"] for got in receiver.got] == settled


def test_the_pauses_grow_while_the_receiver_is_away_and_after_two_weeks_a_row_is_given_up() -> None:
    with Receiver(status=lambda _: 503) as receiver, settling(environment(receiver)) as rows:
        settled = rows.settle(2)
        for _ in range(12):
            rows.exporters.start(lambda _name, _seconds, tick: tick())
            rows.clock.skip(1.01)
        assert len(receiver.got) < 6
        rows.clock.skip(15 * 86_400)
        rows.tick(times=2)
        assert [row for _, row, _ in rows.dead_letters()] == settled
        assert rows.telemetry.counts["ExportDeadLetters"] == 2


def test_a_destination_that_is_chosen_later_gets_what_is_settled_from_then_on(tmp_path: Path) -> None:
    with Receiver() as receiver:
        with settling({}, tmp_path) as rows:
            rows.settle(3)
        with settling(environment(receiver), tmp_path) as rows:
            rows.tick()
            assert receiver.got == []
            rows.begun = 3
            (settled,) = rows.settle(1)
            rows.tick()
    assert [verified(got)["id"] for got in receiver.got] == [settled]


def test_settings_that_cannot_be_used_end_the_start() -> None:
    for name, value in (
        ("VECTORGATE_EXPORT_WEBHOOK", "ftp://example.com"),
        ("VECTORGATE_EXPORT_WEBHOOK", "https://user@example.com"),
        ("VECTORGATE_EXPORT_WEBHOOK_KEY", "whsec_short"),
        ("VECTORGATE_EXPORT_WEBHOOK_KEY", ""),
        ("VECTORGATE_EXPORT_OTLP", "collector:4318"),
        ("VECTORGATE_EXPORT_OTLP_HEADERS", "no value"),
        ("VECTORGATE_EXPORT_SLACK", "hooks.slack.com"),
    ):
        url = "https://example.com"
        good = {
            "VECTORGATE_EXPORT_WEBHOOK": url,
            "VECTORGATE_EXPORT_WEBHOOK_KEY": SIGNING_KEY,
            "VECTORGATE_EXPORT_OTLP": url,
        }
        with pytest.raises(CannotStart, match=name):
            Exports.read(good | {name: value})
