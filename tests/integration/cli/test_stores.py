"""Vector stores of all teams from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.openai import store_document
from vectorgate.ids import ObjectId, ProviderName
from vectorgate.metering.model import DAY_S, first_sample
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness
    from tests.integration.cli.conftest import Run

IDLE_DAYS = {"vs_a": 50, "vs_b": 0, "vs_c": 90}


@pytest.fixture(autouse=True)
def stores(harness: GatewayHarness, vectorgate: Run) -> None:
    """Three stores at the provider, of a GiB each, and two teams."""
    now = int(harness.time.wall())
    for name, idle in IDLE_DAYS.items():
        document = store_document(name, name=f"docs-{name}", usage_bytes=GIB, last_active_at=now - idle * DAY_S)
        harness.openai.stores[name] = document
        harness.stores.meters.keep(first_sample(ProviderName("openai"), ObjectId(name), GIB, now))
    for team in ("red", "blue"):
        assert vectorgate(f"teams create {team}").code == 0


def test_unowned_stores_are_shown_and_adopted_after_a_yes(vectorgate: Run) -> None:
    assert [each["id"] for each in vectorgate("stores unowned --name '*_a' --json").json] == ["vs_a"]
    rehearsed = vectorgate("stores adopt --team red --all --dry-run --json").json
    assert {each["outcome"] for each in rehearsed} == {"adoptable"}
    assert vectorgate("stores adopt --team red --name 'docs-*'").code == 2
    assert vectorgate("stores adopt --team red --name 'docs-*'", given="\n", terminal=True).code == 1
    assert len(vectorgate("stores unowned --json").json) == 3

    done = vectorgate("stores adopt --team red --id vs_a --id vs_b --yes --csv")
    assert ([line.split(",")[-1] for line in done.out.splitlines()], "2 adopted" in done.err) == (
        ["outcome", "adopted", "adopted"],
        True,
    )
    assert [each["id"] for each in vectorgate("stores unowned --json").json] == ["vs_c"]
    assert vectorgate("stores adopt --team red").code == 2
    assert vectorgate("stores adopt --team red --all --id vs_c").code == 2


def test_a_store_is_shown_shared_transferred_and_deleted(vectorgate: Run, harness: GatewayHarness) -> None:
    vectorgate("stores adopt --team red --all --yes")
    assert vectorgate("stores share vs_a --team blue --permission write --json").json["permission"] == "write"
    assert [each["team_id"] for each in vectorgate("stores shares vs_a --json").json] == ["blue"]
    assert vectorgate("stores info vs_a --json").json["team_id"] == "red"
    assert "docs-vs_a" in vectorgate("stores info vs_a").out
    assert vectorgate("stores transfer vs_a --team blue --yes").code == 0
    assert [each["id"] for each in vectorgate("stores list --team blue --json").json] == ["vs_a"]
    assert vectorgate("stores delete vs_a vs_none --yes --json").code == 5
    assert "vs_a" not in harness.openai.stores
    assert vectorgate("stores info vs_a").code == 5


def test_idle_stores_are_shown_with_their_cost_and_deleted_after_a_yes(
    vectorgate: Run, harness: GatewayHarness
) -> None:
    vectorgate("stores adopt --team red --all --yes")
    shown = vectorgate("stores idle --days 30")
    assert [line.split()[0] for line in shown.out.splitlines()[1:]] == ["vs_a", "vs_c"]
    assert "$0.10" in shown.out
    assert vectorgate("stores idle --days 30 --delete").code == 2
    deleted = vectorgate("stores idle --days 60 --delete", given="yes\n", terminal=True)
    assert (deleted.code, "Delete these 1 stores" in deleted.err) == (0, True)
    assert sorted(harness.openai.stores) == ["vs_a", "vs_b"]
    assert [each["outcome"] for each in vectorgate("stores idle --delete --yes --json").json] == ["deleted"]
    assert vectorgate("stores idle --delete --json").json == []
