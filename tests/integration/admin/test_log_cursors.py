"""What a cursor of `/spend/logs` tells: no id of a row that its reader does not see."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from tests.harnesses.admin import DAY, AdminHarness
from tests.harnesses.store_backends import MotoBackend
from tests.helpers.memory_stores import memory_stores
from tests.integration.admin.test_spend_pages import DAY_MS, RANGE, call, stored
from vectorgate.admin import log_pages
from vectorgate.admin.fields import read_cursor
from vectorgate.admin.spend_logs import NEXT_CURSOR
from vectorgate.ids import TenantId
from vectorgate.persistence.dynamodb import stores_of

if TYPE_CHECKING:
    from vectorgate.ledger.ports import Found, RecordQuery

ROWS = 40
RANDOM = slice(-12, None)  # the digits of an id that are random, and no time


@pytest.mark.parametrize("engine", ["sqlite", "dynamodb"])
def test_a_cursor_of_a_team_s_log_holds_no_id_of_another_team_s_row(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as block:
        if engine == "dynamodb":
            block.enter_context(mock_aws())
        admin = AdminHarness(memory_stores() if engine == "sqlite" else stores_of(MotoBackend().table))
        body = {"role": "team_admin", "team_id": "blue", "create_team": True}
        reader = admin.ask("POST", "/key/generate", body)[1]["key"]
        ours = [number for number in range(ROWS) if number % 7 == 3]
        owner = {True: {"team_id": "blue", "tenant": TenantId("team:blue")}, False: {}}
        rows = [call(n + 1, DAY * DAY_MS - n // 2 * DAY_MS // ROWS, **owner[n in ours]) for n in range(ROWS)]
        stored(admin, rows)
        slow(admin, monkeypatch)
        for name, value in (("STEP", 2), ("FEW", 2), ("MANY", 2)):
            monkeypatch.setattr(log_pages, name, value)
        seen, cursors = read_through(admin, reader)
    assert sorted(seen) == sorted(rows[number].id for number in ours)
    told = [read_cursor(cursor)[1] for cursor in cursors]
    foreign = {row.id[RANDOM] for number, row in enumerate(rows) if number not in ours}
    assert len(told) > len(ours)
    assert not foreign & {id_[RANDOM] for id_ in told}


def slow(admin: AdminHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a page's time be up with each read, so that its cursor is wherever the read ended."""
    ledger: Any = admin.stores.ledger
    find = ledger.find

    def slowly(query: RecordQuery, **how: Any) -> Found:
        admin.time.skip(log_pages.SECONDS)
        found: Found = find(query, **how)
        return found

    monkeypatch.setattr(ledger, "find", slowly)


def read_through(admin: AdminHarness, reader: str) -> tuple[list[str], list[str]]:
    """The ids of all rows that the reader is shown, and every cursor that it is told, in both forms."""
    seen: list[str] = []
    cursors: list[str] = []
    following: str | None = ""
    while following is not None:
        query = {**RANGE, "limit": "2"}
        page = admin.ask("GET", "/spend/logs", by=reader, cursor=following, **query)[1]
        seen += [row["request_id"] for row in page["data"]]
        following = page["next_cursor"]
        cursors += [following] if following is not None else []
    header = admin.response("GET", "/spend/logs", by=reader, **RANGE, limit="2").headers.get(NEXT_CURSOR)
    return seen, [*cursors, *([header] if header is not None else [])]
