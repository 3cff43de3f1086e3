"""`GET /admin/searches`: the keys that search most, by day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import operation_id
from tests.harnesses.admin import DAY, KEY, OPENAI, book_of, calls
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ids import KeyId, TenantId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness

BLUE = key_id_of("sk-of-blue")
SEARCH = "vector_stores.search"


@pytest.fixture(autouse=True)
def keys(admin: AdminHarness) -> None:
    """Red's key and blue's."""
    admin.book = book_of(calls("ours", 7, SEARCH))
    admin.key(alias="red's")
    admin.stores.keys.add_key(VirtualKey(id=BLUE, created_at=DAY * DAY_S, team_id="blue"))


def searched(admin: AdminHarness, number: int, team: str = "red", days_ago: int = 0, key: KeyId = KEY) -> None:
    """A search that was settled."""
    began = (DAY - days_ago) * DAY_S * 1_000 + number
    of: dict[str, Any] = {"key_id": key, "tenant": TenantId(f"team:{team}"), "team_id": team, "provider": OPENAI}
    entry = LedgerEntry(
        id=operation_id(number, began),
        state=State.ANSWERED,
        operation=SEARCH,
        started_ms=began,
        status_code=200,
        upstream_us=20_000,
        **of,
    )
    admin.stores.ledger.begin(entry)


def asked(admin: AdminHarness, **query: Any) -> Any:
    status, document = admin.ask("GET", "/admin/searches", **query)
    assert status == 200, document
    return document


def test_searches_are_counted_by_key_and_day(admin: AdminHarness) -> None:
    for number, days_ago in enumerate((0, 0, 1, 40)):
        searched(admin, number, days_ago=days_ago)
    searched(admin, 8, "blue", key=BLUE)
    admin.settle()
    found = asked(admin, days="2")
    assert found["days"] == ["2026-03-03", "2026-03-04"]
    assert [(each["key_alias"], each["searches"]) for each in found["keys"]] == [("red's", [1, 2]), (None, [0, 1])]
    assert found["others"] == [0, 0]


def test_the_keys_that_search_most_are_shown_and_the_others_together(admin: AdminHarness) -> None:
    numbers = iter(range(100))
    names = [key_id_of(f"sk-{each}") for each in range(7)]
    for times, name in enumerate(names, 1):
        for _ in range(times):
            searched(admin, next(numbers), key=name)
    admin.settle()
    found = asked(admin, days="1")
    assert [each["api_key"] for each in found["keys"]] == names[:1:-1]
    assert ([each["searches"] for each in found["keys"]], found["others"]) == ([[7], [6], [5], [4], [3]], [3])


def test_a_team_admins_key_sees_its_team_alone(admin: AdminHarness) -> None:
    admin.ask("POST", "/team/new", {"team_id": "blue"})
    lead = admin.ask("POST", "/key/generate", {"role": "team_admin", "team_id": "blue"})[1]["key"]
    searched(admin, 1)
    searched(admin, 2, "blue", key=BLUE)
    admin.settle()
    found = asked(admin, by=lead, days="1")
    assert ([each["api_key"] for each in found["keys"]], found["others"]) == ([BLUE], [0])


def test_a_window_is_at_most_a_year_and_a_mistake_is_400(admin: AdminHarness) -> None:
    assert len(asked(admin, days="366")["others"]) == 366
    for query in ({"days": "0"}, {"days": "367"}, {"days": "x"}, {"start_date": "2026-01-01"}):
        assert admin.ask("GET", "/admin/searches", **query)[0] == 400
