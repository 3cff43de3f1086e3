"""The administrator's app: keys, and what was spent, for the holder of the master key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import openai
import pytest

from tests.factories.secrets import MASTER_KEY
from tests.fakes.clock import EPOCH
from vectorgate.api.http import Body, Request
from vectorgate.auth.authenticate import KEY_CACHE_SECONDS, key_id_of

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness

KEY = "sk-admin-suite-client"


def app(harness: GatewayHarness, method: str, path: str, body: object = None, *, key: str = MASTER_KEY) -> Any:
    """The status and the document that the administrator gets."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    content = b"" if body is None else json.dumps(body).encode()
    request = Request(method=method, path=path, headers=headers, body=Body.of(content))
    response = harness.app.handle(request)
    return response.status, json.loads(response.read_body())


def generated(harness: GatewayHarness, **fields: object) -> str:
    """Generate a key, of a team that is made if need be."""
    fields |= {"create_team": True} if "team_id" in fields else {}
    status, document = app(harness, "POST", "/key/generate", fields)
    assert status == 200
    return str(document["key"])


def works(harness: GatewayHarness, key: str) -> bool:
    request = Request(method="GET", path="/v1/files", headers={"authorization": f"Bearer {key}"})
    return harness.gateway.handle(request).status == 200


def test_a_generated_key_works_and_is_known_by_its_hash_alone(harness: GatewayHarness) -> None:
    key = generated(harness, key_alias="a", team_id="red", user_id="u", metadata={"k": [1, "ü"]})
    assert key.startswith("sk-")
    assert len(key) == 3 + 43  # 256 bits in base 64
    assert works(harness, key)
    for presented in (key, key_id_of(key)):
        status, document = key_info(harness, presented)
        assert (status, document["key"], document["info"]["team_id"]) == (200, key_id_of(key), "red")
        assert document["info"]["metadata"] == {"k": [1, "ü"]}
        assert key not in json.dumps(document)


def key_info(harness: GatewayHarness, presented: str) -> Any:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    response = harness.app.handle(Request(method="GET", path="/key/info", headers=headers, query={"key": presented}))
    return response.status, json.loads(response.read_body())


def test_a_key_of_an_unknown_team_is_refused_or_the_team_is_made_if_that_is_asked_for(harness: GatewayHarness) -> None:
    """A mistyped team would be a tenant of its own."""
    for create in ({}, {"create_team": False}):
        status, document = app(harness, "POST", "/key/generate", {"team_id": "blu", **create})
        error = document["error"]
        assert (status, error["code"], error["param"]) == (400, "unknown_team", "team_id")
        assert "/team/new" in error["message"]
    assert app(harness, "POST", "/team/new", {"team_id": " blu"})[0] == 200
    assert app(harness, "POST", "/key/generate", {"team_id": "blu"})[0] == 200
    for _ in range(2):
        assert app(harness, "POST", "/key/generate", {"team_id": "green", "create_team": True})[0] == 200
    assert app(harness, "POST", "/key/generate", {"team_id": "green"})[0] == 200


def test_a_team_without_a_budget_shows_what_it_spends(harness: GatewayHarness) -> None:
    generated(harness, team_id="red")
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    request = Request(method="GET", path="/team/info", headers=headers, query={"team_id": "red"})
    shown = json.loads(harness.app.handle(request).read_body())["team_info"]
    assert (shown["max_budget"], shown["spend"], shown["blocked"]) == (None, 0, False)


def test_two_keys_are_never_the_same(harness: GatewayHarness) -> None:
    assert len({generated(harness) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("1w", 604_800), ("1mo", 2_592_000)],
)
def test_a_key_ends_with_its_duration(harness: GatewayHarness, duration: str, seconds: int) -> None:
    key = generated(harness, duration=duration)
    harness.time.skip(seconds - 2)
    assert works(harness, key)
    harness.time.skip(3)
    assert not works(harness, key)


@pytest.mark.parametrize("duration", ["999999mo", "999999w", "999999d"])
def test_a_key_for_ages_is_a_key_for_a_century(harness: GatewayHarness, duration: str) -> None:
    assert works(harness, generated(harness, duration=duration))
    assert app(harness, "POST", "/key/generate", {"duration": duration})[1]["expires"].startswith("2126")


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": "soon"},
        {"duration": "0s"},
        {"duration": "-1d"},
        {"duration": 30},
        {"duration": "1y"},
        {"team_id": "a#b"},
        {"team_id": ""},
        {"team_id": "a\nb"},
        {"key_alias": "x" * 129},
        {"user_id": ["u"]},
        {"metadata": {"k": "x" * 3_000}},
        {"metadata": []},
        {"max_budget_typo": 1},
        {"key": "sk-chosen-by-caller"},
        {"permissions": {"admin": True}},
        {"allowed_vector_store_indexes": [{"index_name": "i", "index_permissions": ["own"]}]},
        {"allowed_vector_store_indexes": [{"index_name": "", "index_permissions": ["read"]}]},
    ],
    ids=str,
)
def test_an_invalid_request_is_400_and_makes_no_key(harness: GatewayHarness, fields: dict[str, object]) -> None:
    status, document = app(harness, "POST", "/key/generate", fields)
    assert (status, document["error"]["type"]) == (400, "invalid_request_error")


def test_a_deleted_key_ends_within_the_time_of_the_cache_and_what_it_made_stays_its_teams(
    harness: GatewayHarness, connect: Connect
) -> None:
    first, second = generated(harness, team_id="red"), generated(harness, team_id="red")
    store = connect(first).vector_stores.create(name="x").id
    assert app(harness, "POST", "/key/delete", {"keys": [first]}) == (200, {"deleted_keys": [key_id_of(first)]})
    harness.time.skip(KEY_CACHE_SECONDS + 1)
    with pytest.raises(openai.AuthenticationError):
        connect(first).vector_stores.retrieve(store)
    assert connect(second).vector_stores.retrieve(store).id == store
    assert app(harness, "POST", "/key/delete", {"keys": [first]})[0] == 404
    assert key_info(harness, first)[0] == 404


@pytest.mark.parametrize("path", ["/v1/files", "/v1/vector_stores/vs_absent", "/v1/unknown"])
def test_a_blocked_key_is_403_before_any_other_check_and_its_row_names_the_key(
    harness: GatewayHarness, path: str
) -> None:
    key = harness.key("sk-blocked", team="red", blocked=True)
    request = Request(method="GET", path=path, headers={"authorization": f"Bearer {key}"})
    response = harness.gateway.handle(request)
    assert (response.status, json.loads(response.read_body())["error"]["code"]) == (403, "blocked")
    row = harness.row()
    assert (row.key_id, row.team_id, row.status_code, row.error_code) == (key_id_of(key), "red", 403, "blocked")


def test_a_key_that_is_blocked_and_expired_is_401(harness: GatewayHarness) -> None:
    key = harness.key("sk-blocked", blocked=True, expires_at=1)
    request = Request(method="GET", path="/v1/files", headers={"authorization": f"Bearer {key}"})
    assert harness.gateway.handle(request).status == 401


@pytest.mark.parametrize("key", ["", "sk-wrong", MASTER_KEY[:-1], MASTER_KEY + "x", key_id_of(MASTER_KEY), "\ud800"])
def test_only_the_master_key_opens_the_admin_app(harness: GatewayHarness, key: str) -> None:
    for method, path in (("GET", "/spend/logs"), ("POST", "/key/generate"), ("GET", "/nowhere")):
        status, document = app(harness, method, path, {}, key=key)
        assert (status, document["error"]["code"]) == (401, "invalid_api_key")


def test_a_virtual_key_does_not_open_the_admin_app_nor_the_master_key_the_gateway(harness: GatewayHarness) -> None:
    key = generated(harness)
    assert app(harness, "GET", "/spend/logs", key=key)[0] == 401
    assert not works(harness, MASTER_KEY)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/key/generate"), ("DELETE", "/key/info"), ("GET", "/spend"), ("POST", "/")]
)
def test_an_unknown_action_is_404(harness: GatewayHarness, method: str, path: str) -> None:
    assert app(harness, method, path)[0] == 404


# ------------------------------------------------------------------------------------------------------- spend logs


@pytest.fixture
def served(harness: GatewayHarness, connect: Connect) -> GatewayHarness:
    """Two keys, three users, four calls on two days."""
    client, other = connect(harness.key(KEY, team="red")), connect(harness.key("sk-other-client"))
    for user in ("ann", "bob"):
        client.vector_stores.create(name="x", extra_body={"user": user})
    other.vector_stores.create(name="x", extra_body={"user": "ann"})
    harness.time.skip(86_400)
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.create(name="x", extra_body={"user": "ann", "unknown": 1})
    harness.settle()
    return harness


def logs(harness: GatewayHarness, **query: str) -> Any:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    response = harness.app.handle(Request(method="GET", path="/spend/logs", headers=headers, query=query))
    return json.loads(response.read_body()) if response.status == 200 else response.status


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 4),
        ({"api_key": KEY}, 3),
        ({"api_key": key_id_of(KEY)}, 3),
        ({"end_user": "ann"}, 2),
        ({"end_user": "ann", "api_key": KEY}, 1),
        ({"end_user": "absent"}, 0),
        ({"limit": "2"}, 2),
        ({"start_date": "2026-03-05"}, 1),
        ({"end_date": "2026-03-04"}, 3),
        ({"start_date": "2026-03-04", "end_date": "2026-03-05"}, 4),
        ({"summarize": "false"}, 4),
        ({"summarize": "False", "start_date": "2026-03-05"}, 1),
        ({"start_date": "2026-03-04T05:06:07", "end_date": "2026-03-04T05:07:07+00:00"}, 3),
    ],
    ids=str,
)
def test_the_log_shows_what_its_filters_leave(served: GatewayHarness, query: dict[str, str], count: int) -> None:
    assert len(logs(served, **query)) == count


def test_the_log_says_everything_of_a_call(served: GatewayHarness) -> None:
    newest, *_, oldest = logs(served)
    assert (newest["status"], newest["status_code"], newest["price_id"]) == ("failure", 400, "vectorgate.not-executed")
    assert oldest["spend"] == 0
    assert (oldest["status"], oldest["state"], oldest["call_type"]) == ("success", "settled", "vector_stores.create")
    assert (oldest["api_key"], oldest["team_id"], oldest["end_user"]) == (key_id_of(KEY), "red", "ann")
    assert (oldest["custom_llm_provider"], oldest["vector_store_id"]) == ("openai", "vs_0")
    assert oldest["price_id"] == "openai.calls.2025-03-11"
    began = datetime.fromisoformat(oldest["startTime"])
    assert timedelta(0) <= began - datetime.fromtimestamp(EPOCH, UTC) < timedelta(seconds=30)
    assert datetime.fromisoformat(oldest["endTime"]) >= began
    assert oldest["upstream_ms"] > 0
    assert oldest["overhead_ms"] >= 0


def test_a_row_is_found_by_its_id_within_the_other_filters(served: GatewayHarness) -> None:
    name = logs(served)[-1]["request_id"]
    assert [row["request_id"] for row in logs(served, request_id=name)] == [name]
    assert len(logs(served, request_id=name, api_key=KEY, end_user="ann")) == 1
    assert logs(served, request_id=name, end_user="bob") == []
    assert len(logs(served, request_id=name, start_date="2026-03-04", end_date="2026-03-04", limit="1")) == 1
    assert logs(served, request_id=name, start_date="2026-03-05") == []
    assert logs(served, request_id=name, start_date="2026-03-01", end_date="2026-03-03") == []
    assert logs(served, request_id="0" * 8 + "-0000" * 3 + "-" + "0" * 12) == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "1001"},
        {"limit": "ten"},
        {"limit": "٣"},
        {"request_id": "1"},
        {"request_id": "x" * 36},
        {"start_date": "yesterday"},
        {"start_date": "2026-13-01"},
        {"start_date": "0001-01-01", "end_date": "0001-06-01"},
        {"end_date": "9999-12-31"},
        {"end_date": "9000-01-01"},
        {"start_date": "2026-03-05", "end_date": "2026-03-01"},
        {"start_date": "2020-01-01"},
        {"start_date": "2026-03-06"},
        {"summarize": "maybe"},
        {"summarize": ""},
    ],
    ids=str,
)
def test_a_filter_that_makes_no_sense_is_400(served: GatewayHarness, query: dict[str, str]) -> None:
    name = logs(served)[-1]["request_id"]
    assert logs(served, **query) == 400
    assert logs(served, **{"request_id": name, **query}) == 400


@pytest.mark.parametrize("name", ["enduser", "user", "team", "key", "page", "", "x" * 5_000, "END_USER"])
def test_an_unknown_filter_is_400_and_shows_no_rows(served: GatewayHarness, name: str) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    request = Request(method="GET", path="/spend/logs", headers=headers, query={name: "ann", "end_user": "ann"})
    response = served.app.handle(request)
    error = json.loads(response.read_body())["error"]
    assert (response.status, error["type"], error["code"]) == (400, "invalid_request_error", "unknown_parameter")
    assert error["param"] == name[:64]
    assert "end_user" in error["message"]


def test_what_litellms_own_clients_send_is_taken_or_refused_by_name(served: GatewayHarness) -> None:
    window = {"start_date": "2026-03-04", "end_date": "2026-03-05"}
    assert len(logs(served, **window, summarize="false", api_key=KEY)) == 3
    assert [row["startTime"] for row in logs(served, **window, summarize="true")] == ["2026-03-04", "2026-03-05"]
    assert logs(served, **window, summarize="perhaps") == 400
    assert logs(served, **window, user_id="u") == []


@pytest.mark.usefixtures("served")
def test_the_admin_app_answers_over_a_real_socket(connect: Connect) -> None:
    client = connect(MASTER_KEY)
    url = str(client.base_url).removesuffix("/v1/")
    found: Any = client.get(f"{url}/spend/logs?{urlencode({'end_user': 'ann'})}", cast_to=object)
    assert len(found) == 2


@pytest.mark.usefixtures("served")
def test_repricing_and_updates_are_reached_over_a_real_socket(connect: Connect) -> None:
    client = connect(MASTER_KEY)
    url = str(client.base_url).removesuffix("/v1/")
    window = {"start_date": "2026-03-04", "end_date": "2026-03-05"}
    found: Any = client.post(f"{url}/spend/reprice", body=window, cast_to=object)
    assert (found["dry_run"], found["looked_at"], found["corrections"]) == (True, 4, 0)
    changed: Any = client.post(f"{url}/key/update", body={"key": KEY, "key_alias": "b"}, cast_to=object)
    assert (changed["key"], changed["key_alias"]) == (key_id_of(KEY), "b")
    with pytest.raises(openai.AuthenticationError):
        connect(KEY).post(f"{url}/spend/reprice", body=window, cast_to=object)
