"""Teams and end users from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness
    from tests.integration.cli.conftest import Run


def test_a_team_is_made_limited_blocked_and_deleted_with_its_keys(
    vectorgate: Run, harness: GatewayHarness, connect: Connect
) -> None:
    made = vectorgate("teams create red --budget 500 --budget-duration 30d --max-stores 3 --alias Reds --json").json
    assert (made["max_budget"], made["max_vector_stores"], made["team_alias"]) == (500, 3, "Reds")
    key = connect(vectorgate("keys create --team red --json").json["key"])
    assert vectorgate("teams update red --clear max_vector_stores --budget 800 --json").json["max_budget"] == 800
    (row,) = vectorgate("teams list --csv").out.splitlines()[1:]
    assert row.startswith("red,Reds,0.000000000,800,30d,")

    assert vectorgate("teams block red absent").code == 5
    with pytest.raises(openai.PermissionDeniedError):
        key.vector_stores.create(name="s")
    assert vectorgate("teams unblock red").code == 0
    harness.time.skip(6)
    assert key.vector_stores.create(name="s").name == "s"
    assert vectorgate("teams info red --json").json["max_vector_stores"] is None

    assert vectorgate("teams delete red --yes --json").json == [{"team_id": "red", "keys": 1}]
    assert vectorgate("teams list --json").json == []
    assert vectorgate("teams info red").code == 5


def test_a_person_is_made_limited_and_deleted_with_their_keys(vectorgate: Run) -> None:
    made = vectorgate("users create ada --email ada@example.com --budget 50 --json").json
    assert (made["user_email"], made["max_budget"], made["key_count"]) == ("ada@example.com", 50, 0)
    vectorgate("keys create --user ada --json")
    vectorgate("keys create --user bob --json")
    assert [each["user_id"] for each in vectorgate("users list --json").json] == ["ada", "bob"]
    assert vectorgate("users list --csv").out.splitlines()[1].startswith("ada,,ada@example.com,1,0.000000000,50,")
    assert vectorgate("users update ada --alias Ada --clear max_budget --json").json["max_budget"] is None
    assert vectorgate("users info ada --json").json["user_alias"] == "Ada"
    assert vectorgate("users delete ada --yes --json").json == [{"user_id": "ada", "keys": 1}]
    assert vectorgate("users info ada").code == 5


def test_an_end_user_gets_a_budget_and_is_blocked(vectorgate: Run) -> None:
    assert vectorgate("customers create ann --budget 5 --metadata '[]'").code == 2
    assert vectorgate("customers create ann --budget 5 --json").json["max_budget"] == 5
    assert vectorgate("customers update ann --alias Ann --clear max_budget --json").json["max_budget"] is None
    assert [each["blocked"] for each in vectorgate("customers block ann bob --json").json] == [True, True]
    assert [each["user_id"] for each in vectorgate("customers list --json").json] == ["ann", "bob"]
    assert vectorgate("customers unblock ann --json").json[0]["blocked"] is False
    assert vectorgate("customers info ann --json").json["alias"] == "Ann"
    assert vectorgate("customers info carl").code == 5

    changes = vectorgate("audit --of customer --json").json
    assert {change["action"] for change in changes} >= {"created", "blocked"}
    assert vectorgate("audit --of customer --limit 1 --since 1h --json").json == changes[:1]
