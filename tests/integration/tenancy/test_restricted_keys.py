"""Keys that are restricted to routes, to reading, to providers and to stores."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import openai
import pytest

from tests.harnesses.admin import AdminHarness
from tests.helpers.memory_stores import memory_stores
from vectorgate.api.command import Command
from vectorgate.api.errors import PermissionDenied
from vectorgate.api.operations import BY_NAME, OPERATIONS
from vectorgate.api.safety import Safety
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.auth.keys.rights import bounds_of, exceeding
from vectorgate.auth.restrictions import allowed_providers, check_restrictions
from vectorgate.ids import KeyId, ObjectId, ProviderName

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness

TEAM_KEY, RESTRICTED = "sk-of-the-team", "sk-restricted"
OPENAI, AZURE = ProviderName("openai"), ProviderName("azure")
SEARCH = Command(operation=BY_NAME["vector_stores.search"], ids={"vector_store_id": ObjectId("vs_1")})


def key(**fields: object) -> VirtualKey:
    """A key with these restrictions."""
    return VirtualKey(id=KeyId("k"), created_at=0, **fields)  # type: ignore[arg-type]


def may(routes: list[str], command: Command = SEARCH, prefix: str = "") -> bool:
    """Whether a key with these routes may make a call."""
    try:
        check_restrictions(key(allowed_routes=tuple(routes)), prefix, command)
    except PermissionDenied as error:
        return error.code != "route_not_allowed"
    return True


def test_a_route_is_a_path_a_prefix_a_template_or_a_group_in_any_of_its_forms() -> None:
    path = "/vector_stores/vs_1/search"
    forms = [path, f"/v1{path}", f"/openai{path}", f"/openai/v1{path}", f"{path}/"]
    prefixes = ["/v1/vector_stores/*", "/vector_stores*", "/vector_stores/vs_1/*", "/*", "/v1/*"]
    templates = ["/v1/vector_stores/{vector_store_id}/search", "/vector_stores/{id}/search"]
    assert all(may([each]) for each in [*forms, *prefixes, *templates, "llm_api_routes", "openai_routes"])
    others = ["/vector_stores", "/vector_stores/vs_2/*", "/v1/files/*", "/search", "info_routes", "management_routes"]
    others += ["/vector_stores/{id}", f"/v2{path}", "/v1/vector_stores/vs_1/sear", f"{path}/*"]
    assert not any(may([each]) for each in others)
    assert not may(others)
    assert may([*others, path])
    listed = Command(operation=BY_NAME["vector_stores.list"])
    assert [may([each], listed) for each in ("/v1/vector_stores/*", "/v1/vector_stores*")] == [False, True]
    assert may(["/azure_ai/vector_stores"], listed, "/azure_ai")
    assert not may(["/vector_stores"], listed, "/azure_ai")


def test_a_key_that_may_only_read_makes_no_other_operation_of_the_table() -> None:
    for operation in OPERATIONS:
        ids = {name: ObjectId("x") for name in operation.parameters}
        reads = operation.safety is Safety.READ
        with nullcontext() if reads else pytest.raises(PermissionDenied, match="This key may only read"):
            check_restrictions(key(read_only=True), "", Command(operation=operation, ids=ids))


def test_the_first_allowed_provider_is_the_default_and_another_is_refused() -> None:
    azure = key(allowed_providers=("azure",))
    assert allowed_providers(azure, SEARCH, [OPENAI, AZURE]) == [AZURE]
    named = Command(operation=BY_NAME["vector_stores.create"], provider=OPENAI)
    for providers, command in (([OPENAI], SEARCH), ([OPENAI, AZURE], named)):
        with pytest.raises(PermissionDenied) as caught:
            allowed_providers(azure, command, providers)
        assert caught.value.code == "provider_not_allowed"


def test_stores_that_a_key_may_not_use_are_absent_for_it(harness: GatewayHarness, connect: Connect) -> None:
    harness.key(TEAM_KEY, team="red")
    team = connect(TEAM_KEY)
    stores = [team.vector_stores.create(name=name).id for name in "abcd"]
    harness.key(RESTRICTED, team="red", vector_stores=(stores[0], stores[2], "vs_absent"), models=("*",))
    client = connect(RESTRICTED)
    assert {store.id for store in client.vector_stores.list()} == {stores[0], stores[2]}
    first = client.vector_stores.list(limit=1, order="asc")
    assert (len(first.data), first.has_more) == (1, True)
    (second,) = client.vector_stores.list(limit=1, order="asc", after=first.data[0].id).data
    assert {first.data[0].id, second.id} == {stores[0], stores[2]}
    assert client.vector_stores.list(after=stores[1]).data == []
    assert client.vector_stores.search(stores[0], query="q").data is not None
    messages = []
    for name in (stores[1], "vs_unknown"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.vector_stores.retrieve(name)
        messages.append(caught.value.message.replace(name, "?"))
        with pytest.raises(openai.NotFoundError):
            client.vector_stores.files.list(name)
        with pytest.raises(openai.NotFoundError):
            client.responses.create(
                model="gpt-5-mini", input="?", tools=[{"type": "file_search", "vector_store_ids": [name]}]
            )
    assert messages[0] == messages[1]
    with pytest.raises(openai.PermissionDeniedError) as refused:
        client.vector_stores.create(name="e")
    assert refused.value.code == "vector_store_not_allowed"
    assert len(list(team.vector_stores.list())) == 4


def test_a_restriction_is_403_over_a_socket_and_leaves_a_record(harness: GatewayHarness, connect: Connect) -> None:
    harness.key(RESTRICTED, read_only=True, allowed_routes=("/v1/vector_stores",), allowed_providers=("azure",))
    client = connect(RESTRICTED)
    codes = []
    for call in (lambda: client.vector_stores.create(name="a"), client.files.list, client.vector_stores.list):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            call()
        codes.append(caught.value.code)
    assert codes == ["read_only_key", "route_not_allowed", "provider_not_allowed"]
    assert harness.upstream.calls == 0
    assert [row.error_code for row in harness.rows()] == codes


def test_restrictions_are_set_shown_changed_and_removed_and_bad_ones_refused() -> None:
    admin = AdminHarness(memory_stores())
    fields: dict[str, object] = {
        "allowed_routes": ["/v1/vector_stores/*", "llm_api_routes"],
        "allowed_providers": ["azure"],
        "object_permission": {"vector_stores": ["vs_1", "vs_2"]},
        "read_only": True,
    }
    none: dict[str, object] = {
        "allowed_routes": [],
        "allowed_providers": [],
        "object_permission": None,
        "read_only": False,
    }
    _, made = admin.ask("POST", "/key/generate", fields)
    shown = admin.ask("GET", "/key/info", key=made["key"])[1]["info"]
    assert {name: shown[name] for name in fields} == fields
    for removed in (none, dict.fromkeys(fields)):
        _, changed = admin.ask("POST", "/key/update", {"key": made["key"], **removed})
        assert {name: changed[name] for name in fields} == none
    mistakes: list[dict[str, object]] = [
        {"allowed_routes": ["vector_stores"]},
        {"allowed_routes": ["/a#b"]},
        {"allowed_providers": ["aws"]},
        {"object_permission": {"vector_stores": ["vs#1"]}},
        {"object_permission": {"mcp_servers": []}},
        {"read_only": "yes"},
    ]
    for wrong in mistakes:
        assert admin.ask("POST", "/key/generate", wrong)[0] == 400
    admin.stores.close()


def test_a_team_admins_restrictions_are_those_of_the_keys_that_it_makes() -> None:
    holder = key(allowed_routes=("/v1/files",), vector_stores=("vs_1",), read_only=True, rpm_limit=60)
    assert exceeding(key(**bounds_of(holder, key())), holder, None) is None
    for fields, param in (
        ({"allowed_routes": None}, "allowed_routes"),
        ({"allowed_routes": ("/*",)}, "allowed_routes"),
        ({"vector_stores": ("vs_1", "vs_2")}, "object_permission"),
        ({"read_only": False}, "read_only"),
        ({"rpm_limit": 61}, "rpm_limit"),
    ):
        terms: dict[str, object] = {**bounds_of(holder, key()), **fields}
        assert exceeding(key(**terms), holder, None) == param
