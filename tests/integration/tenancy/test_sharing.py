"""A store that one team shares with another: what each may do, and that it ends when the share is taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.requests import request_for
from tests.factories.secrets import MASTER_KEY
from tests.harnesses.gateway import GatewayHarness
from tests.harnesses.tenants import BLUE, RED, TEAMLESS, TenantScenario
from vectorgate.api.http import Body, Request
from vectorgate.api.operations import BY_NAME, OPERATIONS, Operation
from vectorgate.api.safety import Safety
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect
    from vectorgate.api.http import Response

OF_A_STORE: Final = [each for each in OPERATIONS if "vector_store_id" in each.parameters]
DELETE: Final = "vector_stores.delete"
CHANGING: Final = ("x-request-id", "x-litellm-call-id")
OTHER_KEY: Final = "sk-green-client-1"


def made(harness: GatewayHarness) -> TenantScenario:
    """Red's store with a file and a batch; the teams exist for the administrator, too."""
    for team in ("red", "blue", "green"):
        harness.stores.budgets.add_limit(Subject(BudgetScope.TEAM, team), Limit(since=0))
    harness.key(OTHER_KEY, team="green")
    return TenantScenario(harness)


@pytest.fixture
def scenario(harness: GatewayHarness) -> TenantScenario:
    return made(harness)


def managed(
    scenario: TenantScenario, method: str, key: str, body: object = None, store: str | None = None, **query: str
) -> tuple[int, Any]:
    """What the route of shares answers."""
    path = f"/v1/vector_stores/{store or scenario.ids['vector_store_id']}/share"
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    content = Body.of(json.dumps(body).encode() if body is not None else b"")
    request = Request(method=method, path=path, headers=headers, query=query, body=content)
    response = scenario.harness.app.handle(request)
    return response.status, json.loads(response.read_body())


def share(scenario: TenantScenario, permission: str, team: str = "blue", key: str = RED) -> tuple[int, Any]:
    return managed(scenario, "POST", key, {"team_id": team, "permission": permission})


def asked(scenario: TenantScenario, operation: Operation, key: str, ids: dict[str, str] | None = None) -> Response:
    """Call an operation on red's store, with a file of the caller's own in the body."""
    named = scenario.in_body(operation, key) if operation.body_ids else {}
    return scenario.harness.gateway.handle(request_for(operation, ids or scenario.ids, key=key, file_ids=named))


def expected(operation: Operation, permission: str) -> int:
    """The status of an operation on a shared store."""
    if permission == "none":
        return 404
    if operation.name == DELETE:
        return 403
    return 200 if permission == "write" or operation.safety is Safety.READ else 403


def check_other_key(scenario: TenantScenario, operation: Operation, key: str) -> None:
    """For a team without a share the store is absent: the same status, headers and bytes, and no call."""
    absent = {**scenario.ids, "vector_store_id": "vs_absent"}
    seen = []
    named = scenario.in_body(operation, key) if operation.body_ids else {}
    scenario.forget()
    for ids in (scenario.ids, absent):
        response = scenario.ask(operation, key, ids, file_ids=named)
        headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
        body = response.read_body().replace(ids["vector_store_id"].encode(), b"THE STORE")
        seen.append((response.status, headers, body))
    assert seen[0] == seen[1]
    assert (seen[0][0], scenario.calls) == (404, 0)


STEPS: Final = st.one_of(
    st.tuples(st.just("share"), st.sampled_from(["read", "write", "none"]), st.sampled_from(["blue", "green"])),
    st.tuples(st.just("call"), st.sampled_from(OF_A_STORE), st.sampled_from(["blue", "green", "red"])),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_each_team_may_do_at_every_moment_what_its_share_says(steps: list[Any]) -> None:
    keys, held = {"red": RED, "blue": BLUE, "green": OTHER_KEY}, {"blue": "none", "green": "none"}
    with GatewayHarness() as harness:
        scenario = made(harness)
        for kind, what, team in steps:
            if kind == "share":
                assert share(scenario, what, team)[0] == 200
                held[team] = what
            elif team != "red":
                assert asked(scenario, what, keys[team]).status == expected(what, held[team])
            elif what.name != DELETE:
                assert asked(scenario, what, RED).status == 200
        shown = managed(scenario, "GET", RED)[1]["data"]
        assert {each["team_id"]: each["permission"] for each in shown} == {
            team: permission for team, permission in held.items() if permission != "none"
        }


@pytest.mark.parametrize("permission", ["read", "write", "none"])
def test_owner_reader_writer_and_stranger_at_every_operation_that_names_a_store(
    scenario: TenantScenario, permission: str
) -> None:
    assert share(scenario, permission)[0] == 200
    for operation in OF_A_STORE:
        for stranger in (OTHER_KEY, TEAMLESS) if permission != "none" else (BLUE, OTHER_KEY):
            check_other_key(scenario, operation, stranger)
        assert asked(scenario, operation, BLUE).status == expected(operation, permission), operation.name
    assert {asked(scenario, each, RED).status for each in OF_A_STORE if each.name != DELETE} == {200}
    assert asked(scenario, BY_NAME[DELETE], RED).status == 200
    assert asked(scenario, BY_NAME["vector_stores.retrieve"], BLUE).status == 404
    assert managed(scenario, "GET", RED)[0] == 404


def test_a_refusal_names_the_permission_and_reaches_no_provider(scenario: TenantScenario) -> None:
    share(scenario, "read")
    scenario.forget()
    errors = [
        json.loads(scenario.ask(BY_NAME[name], BLUE).read_body())["error"]["code"]
        for name in ("vector_stores.update", DELETE)
    ]
    assert errors == ["shared_read_only", "not_owner"]
    assert scenario.calls == 0


def test_a_shared_store_is_listed_in_its_place_and_pages_go_across_it(
    scenario: TenantScenario, connect: Connect
) -> None:
    share(scenario, "read")
    blue = connect(BLUE)
    for name in ("a", "b"):
        scenario.harness.openai.created_at += 10
        blue.vector_stores.create(name=name)
    shared = scenario.ids["vector_store_id"]
    listed = [each.id for each in blue.vector_stores.list(limit=1, order="asc")]
    assert (len(listed), listed[0]) == (3, shared)
    assert [each.id for each in blue.vector_stores.list(limit=2)] == listed[::-1]
    share(scenario, "none")
    assert [each.id for each in blue.vector_stores.list()] == listed[:0:-1]
    assert list(blue.vector_stores.list(after=shared)) == []


def test_the_owner_manages_what_a_team_attached_after_its_share_has_ended(scenario: TenantScenario) -> None:
    share(scenario, "write")
    file = scenario.own(ObjectKind.FILE, BLUE)
    attach, detach = BY_NAME["vector_stores.files.create"], BY_NAME["vector_stores.files.delete"]
    assert scenario.ask(attach, BLUE, file_ids={"file_id": file}).status == 200
    share(scenario, "none")
    ids = {**scenario.ids, "file_id": file}
    assert scenario.ask(BY_NAME["files.retrieve"], RED, ids).status == 404
    assert scenario.ask(detach, BLUE, ids).status == 404
    assert scenario.ask(detach, RED, ids).status == 200


def test_no_share_opens_the_owners_files_elsewhere(scenario: TenantScenario) -> None:
    share(scenario, "write")
    file = scenario.ids["file_id"]
    own = {**scenario.ids, "vector_store_id": scenario.created("vector_stores.create", key=BLUE)}
    scenario.forget()
    assert scenario.ask(BY_NAME["files.retrieve"], BLUE).status == 404
    assert scenario.ask(BY_NAME["files.content"], BLUE).status == 404
    assert scenario.ask(BY_NAME["vector_stores.files.retrieve"], BLUE, own).status == 404
    for ids in (own, scenario.ids):
        assert scenario.ask(BY_NAME["vector_stores.files.create"], BLUE, ids, file_ids={"file_id": file}).status == 404
    assert scenario.calls == 0


def test_file_search_of_a_response_uses_a_shared_store_and_its_citations_until_the_share_ends(
    scenario: TenantScenario, connect: Connect
) -> None:
    share(scenario, "read")
    client = connect(BLUE)
    tools: list[Any] = [{"type": "file_search", "vector_store_ids": [scenario.ids["vector_store_id"]]}]
    cited = {"type": "file_citation", "file_id": scenario.ids["file_id"], "filename": "notes.md", "index": 0}
    text = {"type": "output_text", "text": "It says so.", "annotations": [cited]}
    said: Any = [{"type": "message", "role": "assistant", "content": [text]}, {"role": "user", "content": "Where?"}]
    assert client.responses.create(model="gpt-5-mini", input=said, tools=tools).status == "completed"
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.responses.create(model="gpt-5-mini", input=said)
    share(scenario, "none")
    with pytest.raises(openai.NotFoundError, match="Vector store with id"):
        client.responses.create(model="gpt-5-mini", input="q", tools=tools)
    rows = [each for each in scenario.harness.rows() if each.searched_stores and each.succeeded]
    assert [(each.tenant, each.searched_stores) for each in rows] == [("team:blue", (scenario.ids["vector_store_id"],))]


def test_only_the_owners_team_and_the_administrator_share(scenario: TenantScenario) -> None:
    assert share(scenario, "write")[0] == 200
    assert share(scenario, "read", "green", key=BLUE)[1]["error"]["code"] == "not_owner"
    stranger, absent = (
        managed(scenario, "POST", OTHER_KEY, {"team_id": "green", "permission": "read"}, store)
        for store in (None, "vs_absent")
    )
    assert (stranger[0], absent[0]) == (404, 404)
    assert str(stranger).replace(scenario.ids["vector_store_id"], "vs_absent") == str(absent)
    assert share(scenario, "read", "green", key="sk-none")[0] == 401
    assert share(scenario, "read", "green", key=MASTER_KEY)[0] == 200
    assert [each["team_id"] for each in managed(scenario, "GET", MASTER_KEY)[1]["data"]] == ["blue", "green"]
    assert [each["team_id"] for each in managed(scenario, "GET", BLUE)[1]["data"]] == ["blue"]
    assert managed(scenario, "DELETE", RED, team_id="blue")[1]["permission"] == "none"
    assert managed(scenario, "DELETE", RED, team_id="blue")[0] == 200
    assert managed(scenario, "GET", BLUE)[0] == 404
    shares = [" ".join(each.tags) for each in scenario.harness.rows() if each.operation == "vector_stores.share"]
    # Rows of one millisecond are in no order.
    assert sorted(shares) == ["team:blue permission:none", "team:blue permission:write", "team:green permission:read"]


def test_a_mistake_is_400_and_changes_nothing(scenario: TenantScenario) -> None:
    for body, param in (
        ({"team_id": "red", "permission": "read"}, "team_id"),
        ({"team_id": "unknown", "permission": "read"}, "team_id"),
        ({"team_id": "blue", "permission": "admin"}, "permission"),
        ({"team_id": "blue"}, "permission"),
    ):
        status, document = managed(scenario, "POST", RED, body)
        assert (status, document["error"]["param"]) == (400, param)
    assert managed(scenario, "DELETE", RED)[0] == 400
    assert managed(scenario, "GET", RED)[1]["data"] == []


def test_a_team_that_was_deleted_is_to_other_teams_as_one_that_never_was(scenario: TenantScenario) -> None:
    green = Subject(BudgetScope.TEAM, "green")
    deleted = Limit(since=0, blocked=True, deleted_at=1, version=2)
    scenario.harness.stores.budgets.replace_limit(green, deleted)
    assert share(scenario, "read", "green") == share(scenario, "read", "unknown")
    assert "deleted" in share(scenario, "read", "green", key=MASTER_KEY)[1]["error"]["message"]
    assert share(scenario, "read", " blue ")[1]["team_id"] == "blue"


def test_a_transfer_ends_the_shares_that_the_earlier_owner_gave(scenario: TenantScenario) -> None:
    share(scenario, "read")
    store = scenario.ids["vector_store_id"]
    body = Body.of(json.dumps({"team_id": "green"}).encode())
    headers = {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"}
    request = Request(method="POST", path=f"/vector_stores/{store}/transfer", headers=headers, body=body)
    answer = json.loads(scenario.harness.app.handle(request).read_body())
    assert answer["ended_shares"] == ["blue"]
    statuses = [scenario.ask(BY_NAME["vector_stores.retrieve"], key).status for key in (RED, BLUE, OTHER_KEY)]
    assert statuses == [404, 404, 200]
    page = json.loads(scenario.ask(BY_NAME["vector_stores.list"], BLUE).read_body())
    assert page["data"] == []


def test_a_blocked_key_and_a_blocked_team_share_nothing(scenario: TenantScenario) -> None:
    blocked = scenario.harness.key("sk-blocked", team="red", blocked=True)
    assert share(scenario, "read", key=blocked)[1]["error"]["code"] == "blocked"
    scenario.harness.stores.budgets.replace_limit(
        Subject(BudgetScope.TEAM, "red"), Limit(since=0, blocked=True, version=2)
    )
    assert share(scenario, "read")[1]["error"]["code"] == "blocked"


def test_a_restricted_key_shares_no_more_than_it_may_use(scenario: TenantScenario) -> None:
    store = scenario.ids["vector_store_id"]
    restricted: list[tuple[dict[str, Any], tuple[int, str | None], int]] = [
        ({"read_only": True}, (403, "read_only_key"), 200),
        ({"allowed_routes": ("/v1/files", "llm_api_routes")}, (403, "route_not_allowed"), 403),
        ({"allowed_routes": ("/v1/vector_stores/*",)}, (200, None), 200),
        ({"allowed_providers": ("azure",)}, (403, "provider_not_allowed"), 403),
        ({"vector_stores": ("vs_other",)}, (404, None), 404),
        ({"vector_stores": (store,)}, (200, None), 200),
    ]
    for number, (fields, changed, listed) in enumerate(restricted):
        key = scenario.harness.key(f"sk-restricted-{number}", team="red", **fields)
        status, document = share(scenario, "read", key=key)
        assert (status, document.get("error", {}).get("code")) == changed, fields
        assert managed(scenario, "GET", key)[0] == listed, fields
        assert managed(scenario, "DELETE", key, team_id="blue")[0] == changed[0], fields


def test_a_key_that_is_the_master_key_and_a_teams_shares_as_the_administrator(scenario: TenantScenario) -> None:
    scenario.harness.key(MASTER_KEY, team="green")  # as the demo's one key is
    assert share(scenario, "read", key=MASTER_KEY)[0] == 200
    assert share(scenario, "read", key=OTHER_KEY)[0] == 404
