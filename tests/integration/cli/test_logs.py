"""The records from the command line, once and as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vectorgate.client.admin.resources import Record
from vectorgate.client.cli.following import OPEN_S, Follower

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness
    from tests.integration.cli.conftest import Run


def test_records_are_filtered_and_limited(vectorgate: Run, harness: GatewayHarness, connect: Connect) -> None:
    key = connect(harness.key("sk-red", team="red", alias="ci"))
    store = key.vector_stores.create(name="s")
    key.vector_stores.search(store.id, query="q")
    harness.settle()
    (search,) = vectorgate("logs --team red --call vector_stores.search --key-of ci --json").json
    assert (search["vector_store_id"], search["call_type"], search["key_alias"]) == (
        store.id,
        "vector_stores.search",
        "ci",
    )
    assert len(vectorgate("logs --limit 1 --json").json) == 1
    assert len(vectorgate(f"logs --store {store.id} --since 1h").out.splitlines()) == 3
    assert vectorgate(f"logs --request {search['request_id']} --json").json == [search]
    assert vectorgate("logs --until 2020-01-02 --since 2020-01-01 --json").json == []
    assert vectorgate("logs --since yesterday").code == 2
    assert vectorgate("logs --follow --until 2020-01-02").code == 2


@pytest.mark.parametrize(("form", "lines"), [("", 4), ("--csv", 4), ("--json", 3)])
def test_following_shows_each_record_once_as_it_comes_until_it_is_interrupted(
    vectorgate: Run, harness: GatewayHarness, connect: Connect, form: str, lines: int
) -> None:
    key, looks = connect(harness.key("sk-red", team="red")), 0

    def later(seconds: float) -> None:
        nonlocal looks
        looks += 1
        harness.time.skip(seconds)
        if looks == 4:
            raise KeyboardInterrupt
        key.vector_stores.create(name=f"s{looks}")
        harness.settle()

    ran = vectorgate(f"logs --follow --interval 5 {form}", sleep=later)
    assert (ran.code, len(ran.out.splitlines()), ran.out.count("vector_stores.create")) == (130, lines, 3)


def test_a_record_that_ends_late_is_given_when_it_ends_and_one_that_never_does_after_a_while() -> None:
    rows: list[dict[str, Any]] = []
    now = 1_000_000.0

    class Records:
        def spend(self, **query: Any) -> list[Record]:
            return [Record(row) for row in rows if row["startTime"] >= query["start_date"]]

    follower = Follower(Records(), {}, None, lambda: now)  # type: ignore[arg-type]
    rows.append({"request_id": "slow", "status": "pending", "startTime": "1970-01-12T13:46:41.000+00:00"})
    rows.append({"request_id": "quick", "status": "success", "startTime": "1970-01-12T13:46:42.000+00:00"})
    rows.append({"request_id": "stuck", "status": "pending", "startTime": "1970-01-12T13:46:43.000+00:00"})
    now += 5
    assert [each.request_id for each in follower.new()] == ["quick"]
    now += 300
    assert follower.new() == []
    rows[0]["status"] = "success"
    assert [each.request_id for each in follower.new()] == ["slow"]
    now += OPEN_S
    assert [each.request_id for each in follower.new()] == ["stuck"]
    now += OPEN_S
    assert (follower.new(), follower.shown) == ([], {})
