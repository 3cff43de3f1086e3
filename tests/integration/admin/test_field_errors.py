"""What administrators get wrong is told by the name that they sent, and what they send is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vectorgate.admin.budgets import Customer, Team
from vectorgate.admin.keys import GenerateKey, UpdateKey
from vectorgate.admin.regenerating import RegenerateKey
from vectorgate.admin.user_changes import UpdateUser
from vectorgate.admin.users import NewUser
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness
    from vectorgate.api.schemas.fields import WireModel

BODIES: tuple[type[WireModel], ...] = (GenerateKey, UpdateKey, RegenerateKey, Team, Customer, NewUser, UpdateUser)
NEEDED = {"key": "sk-x", "team_id": "red", "user_id": "ann"}
WRONG: tuple[object, ...] = ([[]], "?", 1.5, True)


def refused(model: type[WireModel], field: str, value: object) -> str | None:
    """The parameter that the refusal of a value names; None if the value is taken."""
    needed = {name: text for name, text in NEEDED.items() if name in model.model_fields}
    try:
        schemas.validate(model, {**needed, field: value})
    except InvalidRequest as error:
        return error.param
    return None


def test_a_value_of_a_wrong_type_is_refused_by_the_name_of_its_field() -> None:
    for model in BODIES:
        for field in model.model_fields:
            named = {refused(model, field, value) for value in WRONG} - {None}
            assert named, (model, field)
            assert named <= {field, f"{field}[0]"}, (model, field)


@pytest.mark.parametrize(
    ("path", "param", "noun"),
    [("/team/update", "team_id", "team"), ("/customer/update", "user_id", "customer"), ("/key/update", "key", "key")],
)
def test_an_update_of_what_is_not_there_says_what_is_not(admin: AdminHarness, path: str, param: str, noun: str) -> None:
    status, answer = admin.ask("POST", path, {param: "x", "max_budget": 1})
    assert (status, answer["error"]["message"], answer["error"]["param"]) == (404, f"No such {noun}.", param)


def test_a_question_without_its_parameter_names_it(admin: AdminHarness) -> None:
    for path, param in [("/key", "key"), ("/team", "team_id"), ("/customer", "end_user_id"), ("/user", "user_id")]:
        status, answer = admin.ask("GET", f"{path}/info")
        assert (status, answer["error"]["code"]) == (400, "missing_required_parameter")
        assert answer["error"]["param"] == param


def test_a_budgets_duration_that_comes_before_its_amount_is_kept(admin: AdminHarness) -> None:
    made = admin.ask("POST", "/key/generate", {"budget_duration": "1d"})[1]
    assert (made["budget_duration"], made["budget_reset_at"]) == ("1d", None)
    assert admin.ask("GET", "/key/list", return_full_object="true")[1]["keys"][0]["budget_duration"] == "1d"
    shown = admin.ask("POST", "/key/update", {"key": made["key"], "max_budget": 1})[1]
    assert shown["budget_duration"] == "1d"
    assert shown["budget_reset_at"] is not None
    person = admin.ask("POST", "/user/new", {"user_id": "ann", "budget_duration": "1d", "auto_create_key": False})[1]
    assert person["budget_duration"] == "1d"


def test_a_key_can_be_made_blocked(admin: AdminHarness) -> None:
    made = admin.ask("POST", "/key/generate", {"blocked": True})[1]
    assert made["blocked"] is True
    assert admin.ask("POST", "/key/unblock", {"key": made["key"]})[1]["blocked"] is False
