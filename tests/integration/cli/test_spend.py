"""What was spent and used, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from vectorgate.client.admin.resources import DayBucket
from vectorgate.client.cli.moments import whole_days
from vectorgate.client.cli.report_sums import Sums

MODEL = "gpt-5-mini"
ANSWERED_BY = f"{MODEL}-2025-08-07"

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness
    from tests.integration.cli.conftest import Run


def test_spend_and_usage_add_up_to_the_records(vectorgate: Run, harness: GatewayHarness, connect: Connect) -> None:
    red, blue = (
        connect(harness.key(f"sk-{team}", team=team, alias=f"of {team}", models=("*",))) for team in ("red", "blue")
    )
    store = red.vector_stores.create(name="s")
    for _ in range(3):
        red.vector_stores.search(store.id, query="q")
    red.responses.create(model=MODEL, input="?", tools=[{"type": "file_search", "vector_store_ids": [store.id]}])
    blue.responses.create(model=MODEL, input="?")
    harness.settle()
    records = vectorgate("logs --limit 1000 --json").json

    ran = vectorgate("spend --by team --by key --daily --json")
    spent = {(each["day"], each["team"], each["key"]): each["spend_nano_usd"] for each in ran.json}
    assert spent == {
        ("2026-03-04", team, f"of {team}"): sum(each["spend_nano_usd"] for each in records if each["team_id"] == team)
        for team in ("red", "blue")
    }
    assert min(spent.values()) > 0
    assert ran.err.endswith("from 2026-02-02 to 2026-03-04 (UTC)\n")
    lines = {each["line"]: each["spend_nano_usd"] for each in vectorgate("spend --team red --json").json}
    assert (set(lines), lines["responses.tools"]) == ({f"{ANSWERED_BY} tokens", "responses.tools"}, 2_500_000)

    assert [(each["key"], each["num_requests"]) for each in vectorgate("usage searches --by key --json").json] == [
        ("of red", 4)
    ]
    assert vectorgate(f"usage searches --store {store.id} --by store --csv").out == f"store,searches\n{store.id},4\n"
    assert vectorgate("usage searches --key-of 'of blue' --json").json == []
    assert vectorgate("usage searches --team blue --json").json == []
    assert vectorgate("usage storage --by team --daily").code == 0
    (tokens,) = vectorgate("usage tokens --by model --json").json
    assert (tokens["model"], tokens["num_model_requests"]) == (ANSWERED_BY, 2)
    assert tokens["input_tokens"] == sum(each["input_tokens"] or 0 for each in records)
    assert vectorgate("spend --since 2026-03-05 --until 2026-03-01").code == 2


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.integers(0, 10**15))))
def test_sums_are_exact_by_day_and_group(results: list[tuple[int, str, int]]) -> None:
    buckets = [
        DayBucket(
            {
                "start_time": day * 86_400,
                "results": [
                    {"project_id": team, "amount": {"value": nano / 1e9, "value_exact": f"{nano}e-9"}}
                    for at, team, nano in results
                    if at == day
                ],
            }
        )
        for day in range(4)
    ]
    whole = sum(nano for _, _, nano in results)
    for daily in (False, True):
        rows = Sums(("team",), daily, ("spend_nano_usd",)).rows(buckets)
        assert sum(row["spend_nano_usd"] for row in rows) == whole
        assert len(rows) == len({(day if daily else 0, team) for day, team, _ in results})


def test_a_period_is_of_whole_utc_days() -> None:
    now = 1_772_600_767.0  # 2026-03-04 05:06:07 UTC
    today = 1_772_582_400
    assert whole_days("0001-01-01", None, now)[1] == today + 86_400
    assert whole_days("12h", None, now) == (today - 86_400, today + 86_400)
    assert whole_days("2026-03-04", "2026-03-04", now) == (today, today + 86_400)
