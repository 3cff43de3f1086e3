"""A list shows every own store, and what cannot be had from the provider in time as it was last known."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.openai import store_document
from tests.fakes.upstream import answer, hang, hang_up, refusal
from tests.harnesses.gateway import GatewayHarness
from vectorgate.api.http import Body, Request
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.tenancy import live
from vectorgate.tenancy.list_operations import LAST_KNOWN, LAST_KNOWN_COUNT
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Mapping

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import Connect
    from vectorgate.api.http import Response

KEY = "sk-red-lister"
RED = TenantId("team:red")
LIST = "/v1/vector_stores"
FAULTS = {str(status): refusal(status) for status in (400, 401, 403, 408, 409, 429, 500, 503)} | {
    "lost": hang_up,
    "no JSON": answer(200, b"<html>"),
    "another's": answer(200, store_document("vs_of_another", name="another's")),
    "no list": answer(200, {"object": "list", "data": None}),
}


@dataclass
class Lister:
    """A team with stores at a provider that fails for some paths."""

    harness: GatewayHarness
    broken: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.harness.key(KEY, team="red")
        self.harness.upstream.always(self._act)

    def _act(self, connection: socket.socket, received: Received) -> bool:
        act = self.broken.get(received.path.partition("?")[0]) if received.method == "GET" else None
        return bool((act or self.harness.openai.act)(connection, received))

    def ask(self, method: str, path: str, body: object = None, **query: str) -> Response:
        """Send a request of the team's."""
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        content = Body.of(b"" if body is None else json.dumps(body).encode())
        return self.harness.gateway.handle(
            Request(method=method, path=path, headers=headers, query=query, body=content)
        )

    def made(self, count: int) -> list[str]:
        """Create stores a second apart, change all of them past the gateway, and return their ids, newest first."""
        ids = []
        for _ in range(count):
            self.harness.openai.created_at += 1
            ids.append(str(document(self.ask("POST", LIST, {"name": "before"}))["id"]))
        for name in ids:
            self.harness.openai.stores[name] |= {"name": "now"}
        self.harness.upstream.forget()
        return ids[::-1]

    def fail(self, acts: Mapping[str, Any], *, listing: Any = None) -> None:
        """Answer the reads of these stores, and of the list, by these acts."""
        self.broken = {f"{LIST}/{name}": act for name, act in acts.items()} | ({LIST: listing} if listing else {})


def document(response: Response) -> Any:
    """The document of a success."""
    assert response.status == 200, response
    return json.loads(response.read_body())


def last_known(response: Response) -> list[str]:
    """The ids that the header names."""
    named = [name for name in response.headers.get(LAST_KNOWN, "").split(", ") if name]
    assert response.headers.get(LAST_KNOWN_COUNT, "0") == str(len(named))
    return named


@pytest.fixture
def lister(harness: GatewayHarness) -> Lister:
    return Lister(harness)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("count", [2, 5])
def test_one_store_that_cannot_be_had_fails_no_list(lister: Lister, fault: str, count: int) -> None:
    """Also where the provider's list fails in the same way, and one of two cannot be had."""
    ids = lister.made(count)
    lister.fail({ids[1]: FAULTS[fault]}, listing=FAULTS[fault])
    response = lister.ask("GET", LIST)
    shown = [(store["id"], store["name"]) for store in document(response)["data"]]
    assert shown == [(name, "before" if name == ids[1] else "now") for name in ids]
    assert last_known(response) == [ids[1]]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), count=st.integers(0, 12))
def test_whatever_fails_every_own_store_is_shown_and_what_is_not_live_is_named(data: st.DataObject, count: int) -> None:
    faults = st.sampled_from(sorted(FAULTS))
    with GatewayHarness() as harness:
        lister = Lister(harness)
        ids = lister.made(count)
        broken = data.draw(st.dictionaries(st.sampled_from(ids), faults) if ids else st.just({}))
        listing = data.draw(st.none() | faults)
        lister.fail({name: FAULTS[fault] for name, fault in broken.items()}, listing=listing and FAULTS[listing])
        response = lister.ask("GET", LIST, limit="100")
        shown = {store["id"]: store["name"] for store in document(response)["data"]}
        named = last_known(response)
        assert list(shown) == ids
        assert shown == {name: "before" if name in named else "now" for name in ids}
        if listing is not None or count < live.LIST_WORTH:
            assert set(named) >= set(broken)
        else:
            assert named == []


def test_a_list_does_not_wait_for_a_provider_that_hangs(lister: Lister, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIVE_SECONDS", 0.2)
    ids = lister.made(4)
    lister.fail(dict.fromkeys(ids, hang), listing=hang)
    response = lister.ask("GET", LIST)
    assert [store["id"] for store in document(response)["data"]] == ids == last_known(response)


def test_the_official_client_gets_a_whole_store_as_it_was_last_known(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY, team="red"))
    made = client.vector_stores.create(name="x")
    harness.upstream.always(refusal(500))
    (shown,) = client.vector_stores.list().data
    assert shown.model_dump() == made.model_dump() | {"description": None}


def test_a_change_through_the_gateway_is_the_last_known_state(lister: Lister) -> None:
    (name,) = lister.made(1)
    change = {"name": "changed", "metadata": {"a": "b"}, "expires_after": {"anchor": "last_active_at", "days": 3}}
    document(lister.ask("POST", f"{LIST}/{name}", change))
    lister.fail({name: refusal(500)})
    (shown,) = document(lister.ask("GET", LIST))["data"]
    assert {field: shown[field] for field in change} == change


def keep(harness: GatewayHarness, name: str, snapshot: str | None) -> None:
    """Write what the gateway last knew of a store; None as early releases did, without."""
    ref = ObjectRef(ProviderName("openai"), ObjectKind.VECTOR_STORE, ObjectId(name))
    harness.stores.ownership.keep_snapshot(ref, RED, snapshot)  # type: ignore[arg-type]


@pytest.mark.parametrize(("expires_at", "status"), [(1, "expired"), (2**40, "completed"), ("soon", "completed")])
def test_a_store_that_is_known_to_expire_is_expired_by_then(lister: Lister, expires_at: object, status: str) -> None:
    (name,) = lister.made(1)
    keep(lister.harness, name, json.dumps({"expires_at": expires_at, "status": "completed"}))
    lister.fail({name: refusal(500)})
    (shown,) = document(lister.ask("GET", LIST))["data"]
    assert (shown["expires_at"], shown["status"]) == (expires_at, status)


def test_of_a_row_of_an_early_release_the_id_and_the_time_are_shown_as_a_store_in_progress(lister: Lister) -> None:
    (name,) = lister.made(1)
    keep(lister.harness, name, None)
    lister.fail({name: refusal(500)})
    (shown,) = document(lister.ask("GET", LIST))["data"]
    assert shown == store_document(
        name,
        created_at=lister.harness.openai.created_at,
        name=None,
        description=None,
        bytes=0,
        status="in_progress",
        last_active_at=None,
    )


def test_the_correlation_tag_of_a_last_known_store_stays_hidden(lister: Lister) -> None:
    (name,) = lister.made(1)
    keep(lister.harness, name, json.dumps({"metadata": {"a": "b", "vectorgate_operation": "x"}}))
    lister.fail({name: refusal(500)})
    (shown,) = document(lister.ask("GET", LIST))["data"]
    assert shown["metadata"] == {"a": "b"}


@pytest.mark.parametrize("count", [3, 100])
def test_a_header_names_as_many_as_fit_and_counts_all(lister: Lister, count: int) -> None:
    lister.harness.openai.ids = itertools.count(10**124)
    ids = lister.made(count)
    lister.harness.upstream.always(refusal(500))
    response = lister.ask("GET", LIST, limit="100")
    assert len(document(response)["data"]) == count
    assert response.headers[LAST_KNOWN_COUNT] == str(count)
    assert len(response.headers[LAST_KNOWN]) <= 4_000
    assert response.headers[LAST_KNOWN].split(", ") == ids[: min(count, 30)]


def test_a_file_that_cannot_be_asked_for_is_named(lister: Lister, connect: Connect) -> None:
    lister.harness.openai.file_status = "pending"
    file = connect(KEY).files.create(file=("a.md", b"a"), purpose="assistants").id
    assert last_known(lister.ask("GET", "/v1/files")) == []
    lister.harness.upstream.always(refusal(500))
    assert last_known(lister.ask("GET", "/v1/files")) == [file]


# ------------------------------------------------------------------------------------------- what it costs, and whose


def foreign(harness: GatewayHarness, count: int) -> None:
    """Add stores of others, made after all that exist."""
    harness.openai.created_at += 1
    for number in range(count):
        name = f"vs_foreign{harness.openai.created_at}_{number}"
        harness.openai.stores[name] = store_document(name, created_at=harness.openai.created_at, name="another's")


def paths(harness: GatewayHarness) -> Collection[str]:
    """The paths that were asked for, without their queries."""
    return sorted(received.path.partition("?")[0] for received in harness.upstream.received)


def test_a_hundred_stores_cost_one_call(lister: Lister) -> None:
    ids = lister.made(100)
    assert [store["id"] for store in document(lister.ask("GET", LIST, limit="100"))["data"]] == ids
    assert paths(lister.harness) == [LIST]


def test_among_many_foreign_stores_a_call_for_each_is_cheaper(lister: Lister) -> None:
    ids = lister.made(5)
    foreign(lister.harness, 250)
    assert [store["id"] for store in document(lister.ask("GET", LIST))["data"]] == ids
    assert paths(lister.harness) == sorted([LIST, *(f"{LIST}/{name}" for name in ids)])


def test_pages_of_the_list_are_read_as_long_as_they_name_several(lister: Lister) -> None:
    older = lister.made(40)
    foreign(lister.harness, 80)
    newer = lister.made(40)
    shown = [store["id"] for store in document(lister.ask("GET", LIST, limit="80"))["data"]]
    assert shown == newer + older
    assert paths(lister.harness) == [LIST, LIST]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("cursor", ["after", "before"])
def test_a_page_at_a_cursor_begins_there_at_the_provider(lister: Lister, order: str, cursor: str) -> None:
    ids = lister.made(30)
    listed = ids if order == "desc" else ids[::-1]
    page = document(lister.ask("GET", LIST, limit="9", order=order, **{cursor: listed[15]}))["data"]
    expected = listed[16:25] if cursor == "after" else listed[6:15]
    assert [store["id"] for store in page] == expected
    (received,) = lister.harness.upstream.received
    direction = order if cursor == "after" else {"asc": "desc", "desc": "asc"}[order]
    assert received.path == f"{LIST}?limit=100&order={direction}&after={listed[15]}"


def test_a_cursor_that_the_provider_has_no_more_is_as_good_as_any(lister: Lister) -> None:
    ids = lister.made(6)
    del lister.harness.openai.stores[ids[0]]
    page = document(lister.ask("GET", LIST, after=ids[0]))["data"]
    assert [(store["id"], store["name"]) for store in page] == [(name, "now") for name in ids[1:]]


@settings(max_examples=40, deadline=None)
@given(
    whose=st.lists(st.booleans(), max_size=25),
    limit=st.integers(1, 12),
    order=st.sampled_from(["asc", "desc"]),
    size=st.integers(1, 9),
)
def test_no_foreign_store_is_ever_shown(whose: list[bool], limit: int, order: str, size: int) -> None:
    """`whose`: own or another's, oldest first. The provider's pages are as small as `size`."""
    with GatewayHarness() as harness, pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "_PAGE_SIZE", str(size))
        lister, own = Lister(harness), []
        for is_own in whose:
            own += lister.made(1) if is_own else []
            foreign(harness, 0 if is_own else 1)
        expected = own if order == "asc" else own[::-1]
        page = document(lister.ask("GET", LIST, limit=str(limit), order=order))
        shown = [(store["id"], store["name"]) for store in page["data"]]
        assert shown == [(name, "now") for name in expected[:limit]]
        assert page["has_more"] is (len(own) > limit)
