"""A name is one name, however it is written and whichever way it comes in: ways in x encodings."""

from __future__ import annotations

import base64
import json
import unicodedata
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories.requests import FORM_TYPE, form
from tests.factories.secrets import MASTER_KEY
from tests.fakes.azure import VERSION
from tests.harnesses.azure import READ, VIRTUAL, AzureGatewayHarness
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.ids import OperationId, is_label, normal_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harnesses.gateway import GatewayHarness, GatewayServer

    Send = Callable[[GatewayHarness, str], "Answer"]

KEY = "sk-names"
NAMES = ["bob", "Zoë Ångström", "日本", "Nguyễn"]
WRITTEN: dict[str, Callable[[str], str]] = {
    "composed": lambda name: unicodedata.normalize("NFC", name),
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "blank after": lambda name: f"{name} ",
    "blanks around": lambda name: f"\t {name}\u00a0\u3000",
    "without a width": lambda name: f"\ufeff{name}\u200b",
}
UNDECODABLE = ["zo\ufffd", "zo\udceb", "\udcff"]  # as decoders write bytes that are not UTF-8


class Answer(NamedTuple):
    """A status, and the id of the call's row."""

    status: int
    call_id: str


def asked(harness: GatewayHarness, sent: dict[str, object]) -> Answer:
    result: dict[str, Any] = harness.api(sent)
    return Answer(result["statusCode"], result["headers"]["x-litellm-call-id"])


def event(headers: dict[str, str], body: bytes, path: str = "/v1/vector_stores") -> dict[str, object]:
    """Return an event as API Gateway writes it: header values are text."""
    sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers}
    return {
        "rawPath": path,
        "requestContext": {"http": {"method": "POST"}},
        "headers": sent,
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def by_header(harness: GatewayHarness, name: str) -> Answer:
    return asked(harness, event({"x-litellm-end-user-id": name, "x-litellm-tags": f"{name},other"}, b"{}"))


def by_customer_header(harness: GatewayHarness, name: str) -> Answer:
    return asked(harness, event({"x-litellm-customer-id": name, "x-litellm-tags": f"other,{name}"}, b"{}"))


def in_body(harness: GatewayHarness, name: str) -> Answer:
    return asked(harness, event({}, json.dumps({"user": name, "tags": [name, "other"]}).encode()))


def in_form(harness: GatewayHarness, name: str) -> Answer:
    body = form(purpose="assistants", user=name)
    headers = {"content-type": FORM_TYPE, "x-litellm-tags": f"{name},other"}
    return asked(harness, event(headers, body, "/v1/files"))


def by_invocation(harness: GatewayHarness, name: str) -> Answer:
    payload = {"operation": "vector_stores.create", "api_key": KEY, "end_user": name, "tags": [name, "other"]}
    result: dict[str, Any] = InvokeHandler(harness.gateway).answer(payload, None)
    return Answer(result["status"], result["headers"].get("x-litellm-call-id", ""))


SENDERS: dict[str, Send] = {
    "header": by_header,
    "customer's header": by_customer_header,
    "body": in_body,
    "form": in_form,
    "invocation": by_invocation,
}
EACH = pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)


@pytest.fixture
def keyed(harness: GatewayHarness) -> GatewayHarness:
    harness.key(KEY, team="names")
    return harness


def administer(harness: GatewayHarness, path: str, **fields: object) -> Any:
    """Send an administrator's request, and return its answer."""
    sent = event({"authorization": f"Bearer {MASTER_KEY}"}, json.dumps(fields).encode(), path)
    result = harness.admin(sent)
    assert result["statusCode"] == 200, result["body"]
    return json.loads(str(result["body"]))


def look_up(harness: GatewayHarness, path: str, **query: str) -> Any:
    """Send an administrator's query, and return its answer."""
    sent = {**event({"authorization": f"Bearer {MASTER_KEY}"}, b"", path), "queryStringParameters": query}
    result = harness.admin({**sent, "requestContext": {"http": {"method": "GET"}}})
    assert result["statusCode"] == 200, result["body"]
    return json.loads(str(result["body"]))


@EACH
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_recorded_in_one_form(keyed: GatewayHarness, send: Send, name: str) -> None:
    assert [send(keyed, write(name)).status for write in WRITTEN.values()] == [200] * len(WRITTEN)
    assert {row.end_user for row in keyed.rows()} == {unicodedata.normalize("NFC", name)}
    assert {frozenset(row.tags) for row in keyed.rows()} == {frozenset({unicodedata.normalize("NFC", name), "other"})}


@EACH
@pytest.mark.parametrize("made", WRITTEN)
@pytest.mark.parametrize("sent", WRITTEN)
def test_no_way_of_writing_a_name_passes_its_block(keyed: GatewayHarness, send: Send, made: str, sent: str) -> None:
    administer(keyed, "/customer/new", user_id=WRITTEN[made]("Zoë"), blocked=True)
    assert send(keyed, WRITTEN[sent]("Zoë")).status == 403
    assert keyed.upstream.calls == 0


def test_no_way_of_writing_a_name_passes_its_block_at_a_response_or_an_index() -> None:
    """These operations have a surface, or models, of their own."""
    with AzureGatewayHarness() as harness:
        harness.index()
        harness.index_key(KEY, READ, models=("*",))
        administer(harness, "/customer/new", user_id="Zoë", blocked=True)
        search, query = b'{"search":"*"}', {"api-version": VERSION}
        for write in WRITTEN.values():
            name = write("Zoë")
            named = {"model": "gpt-5-mini", "input": "q", "user": name}
            assert asked(harness, event({}, json.dumps(named).encode(), "/v1/responses")).status == 403
            sent = event(
                {"x-litellm-end-user-id": name}, search, f"/azure_ai/indexes('{VIRTUAL}')/docs/search.post.search"
            )
            assert asked(harness, {**sent, "queryStringParameters": query}).status == 403
        assert harness.asked_no_provider()
        assert {row.end_user for row in harness.rows()} == {"Zoë"}


@pytest.fixture(scope="module")
def shared() -> Iterator[GatewayHarness]:
    from tests.harnesses.gateway import GatewayHarness  # noqa: PLC0415 - the fixture's alone

    with GatewayHarness() as harness:
        harness.key(KEY, team="names")
        yield harness


@EACH
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(min_size=1, max_size=20).filter(lambda text: "," not in text and "\ufffd" not in text))
def test_any_text_is_recorded_in_its_normal_form_or_refused(shared: GatewayHarness, send: Send, name: str) -> None:
    answer = send(shared, name)
    if answer.status == 200:
        row = shared.stores.ledger.entry(OperationId(answer.call_id))
        assert row is not None
        assert row.end_user == (normal_name(name) or None)
    else:
        assert answer.status == 400
        assert not is_label(name)


@pytest.mark.parametrize("name", UNDECODABLE)
@pytest.mark.parametrize("header", ["x-litellm-end-user-id", "x-litellm-customer-id", "x-litellm-tags"])
def test_a_header_that_is_not_utf_8_is_refused(keyed: GatewayHarness, header: str, name: str) -> None:
    result = keyed.api(event({header: name}, b"{}"))
    error = json.loads(str(result["body"]))["error"]
    assert (result["statusCode"], error["code"], error["param"]) == (400, "invalid_header", header)
    assert error["message"] == f"The header '{header}' is not valid UTF-8."
    assert keyed.upstream.calls == 0


@pytest.mark.parametrize("written", WRITTEN)
def test_an_administrator_may_write_a_name_in_any_way(harness: GatewayHarness, written: str) -> None:
    name = WRITTEN[written]("Zoë")
    assert administer(harness, "/team/new", team_id=name, team_alias=name, max_budget=1)["team_id"] == "Zoë"
    assert administer(harness, "/team/update", team_id=name, max_budget=2)["team_alias"] == "Zoë"
    assert look_up(harness, "/team/info", team_id=name)["team_info"]["max_budget"] == 2
    key = administer(harness, "/key/generate", team_id=name, key_alias=name, user_id=name)
    assert (key["team_id"], key["key_alias"], key["user_id"]) == ("Zoë", "Zoë", "Zoë")
    administer(harness, "/customer/new", user_id=name, alias=name, max_budget=1)
    found = look_up(harness, "/customer/info", end_user_id=name)
    assert (found["user_id"], found["alias"]) == ("Zoë", "Zoë")
    assert look_up(harness, "/spend/logs", end_user=name) == []
    for path, field in (("/team/list", "team_id"), ("/team/list", "team_alias"), ("/customer/list", "user_id")):
        assert len(look_up(harness, path, **{field: name})) == 1
    for field in ("team_id", "user_id", "key_alias"):
        assert look_up(harness, "/key/list", **{field: name})["total_count"] == 1
    assert administer(harness, "/team/block", team_id=name)["blocked"] is True
    assert administer(harness, "/customer/block", user_ids=[name])["blocked_users"][0]["user_id"] == "Zoë"
    assert len(administer(harness, "/key/delete", key_aliases=[name])["deleted_keys"]) == 1


def test_a_budget_that_an_earlier_release_kept_under_another_form_is_still_the_administrators(
    harness: GatewayHarness,
) -> None:
    from vectorgate.budgets.model import BudgetScope, Limit, Subject  # noqa: PLC0415 - used nowhere else

    harness.stores.budgets.add_limit(Subject(BudgetScope.TEAM, "red "), Limit(since=1, max_budget=None, alias="old"))
    assert look_up(harness, "/team/info", team_id="red ")["team_info"]["team_alias"] == "old"
    assert administer(harness, "/team/update", team_id="red ", blocked=True)["team_id"] == "red "


def sent_to(server: GatewayServer, header: str, value: bytes) -> tuple[int, str, Any]:
    """Create a store over a socket, with a header of these bytes. Return status, call id and document."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.putrequest("POST", "/v1/vector_stores")
        for name, content in (("authorization", f"Bearer {KEY}".encode()), ("content-length", b"0"), (header, value)):
            connection.putheader(name, content)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.headers.get("x-litellm-call-id", ""), json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", NAMES)
def test_over_a_socket_a_headers_bytes_are_utf_8(
    keyed: GatewayHarness, gateway_server: GatewayServer, name: str, written: str
) -> None:
    status, call_id, _ = sent_to(gateway_server, "x-litellm-end-user-id", WRITTEN[written](name).encode("utf-8"))
    row = keyed.stores.ledger.entry(OperationId(call_id))
    assert status == 200
    assert row is not None
    assert row.end_user == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("header", ["x-litellm-end-user-id", "x-litellm-customer-id", "x-litellm-tags"])
@pytest.mark.parametrize(
    "value", ["Zoë".encode("latin-1"), "日本".encode("shift_jis"), b"\xff", b"\xc0\xaf", b"\xe6\x97"]
)
def test_over_a_socket_other_bytes_are_refused(
    keyed: GatewayHarness, gateway_server: GatewayServer, header: str, value: bytes
) -> None:
    status, _, document = sent_to(gateway_server, header, value)
    error = document["error"]
    assert (status, error["code"], error["param"]) == (400, "invalid_header", header)
    assert keyed.upstream.calls == 0
