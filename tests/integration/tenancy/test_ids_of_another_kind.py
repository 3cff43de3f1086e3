"""An id of another kind is refused in OpenAI's words: in path, body and query, over HTTP and by invocation."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.factories.requests import BODIES, FIELDS, body_of
from tests.harnesses.tenants import RED, TenantScenario
from vectorgate.api.command import CURSORS
from vectorgate.api.operations import OPERATIONS, Media, Operation
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.ids import ID_PREFIXES, PATH_KINDS, ObjectKind, is_of_another_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import GatewayHarness

# An id of each kind, and some of OpenAI's objects that are not served here.
EXAMPLES = {
    ObjectKind.VECTOR_STORE: ["vs_1"],
    ObjectKind.FILE: ["file-1", "file_1"],
    ObjectKind.BATCH: ["vsfb_1"],
    ObjectKind.UPLOAD: ["upload_1"],
    ObjectKind.PART: ["part_1"],
    ObjectKind.RESPONSE: ["resp_1"],
    ObjectKind.CONTAINER: ["cntr_1"],
}
NOT_SERVED = ["asst_1", "batch_1", "conv_1", "thread_1"]


class Place(NamedTuple):
    """Where an operation takes an id: `param` as an error names it."""

    operation: Operation
    param: str
    kind: ObjectKind


def places() -> Iterator[Place]:
    for operation in OPERATIONS:
        yield from (Place(operation, name, PATH_KINDS[name]) for name in operation.parameters if name in PATH_KINDS)
        yield from (Place(operation, path.replace("[]", "[0]"), operation.body_kind) for path in operation.body_ids)
        if operation.cursors is not None:
            yield from (Place(operation, name, operation.cursors) for name in CURSORS if reads(operation, name))


def reads(operation: Operation, name: str) -> bool:
    return operation.query({name: "x"}) != {}


def wrong(kind: ObjectKind) -> list[str]:
    return NOT_SERVED + [name for other, names in EXAMPLES.items() if other is not kind for name in names]


EACH = pytest.mark.parametrize("place", list(places()), ids=lambda place: f"{place.operation.name}-{place.param}")


def over_http(scenario: TenantScenario, place: Place, text: str) -> tuple[int, Any]:
    """Send a request that names `text` at the place, and own ids elsewhere."""
    operation = place.operation
    own_in_body = dict.fromkeys(operation.body_ids[:1], scenario.named.get(operation.body_kind, ""))
    in_body = {path: text for path in operation.body_ids if path.replace("[]", "[0]") == place.param}
    query = {place.param: text} if place.param in CURSORS else {}
    ids = {**scenario.ids, **({place.param: text} if place.param in operation.parameters else {})}
    response = scenario.ask(operation, RED, ids, file_ids=in_body or own_in_body, query=query)
    return response.status, json.loads(response.read_body())


def by_invocation(scenario: TenantScenario, place: Place, text: str) -> tuple[int, Any]:
    """Invoke the function with the same ids."""
    operation = place.operation
    ids = {name: scenario.ids[name] for name in operation.parameters}
    body = {**BODIES.get(operation.name, {})}
    if operation.media is Media.MULTIPART:
        body = {**FIELDS.get(operation.name, {}), "content": base64.b64encode(b"x").decode()}
    in_body = {path: text for path in operation.body_ids if path.replace("[]", "[0]") == place.param}
    payload: dict[str, object] = {"operation": operation.name, "api_key": RED, **ids}
    if operation.media is not Media.NONE:
        payload["body"] = {**body, **body_of(operation, in_body)} if in_body else body
    if place.param in CURSORS:
        payload["query"] = {place.param: text}
    elif place.param in ids:
        payload[place.param] = text
    answer = InvokeHandler(scenario.harness.gateway).answer(payload, None)
    return int(str(answer["status"])), answer["body"]


@pytest.fixture
def scenario(harness: GatewayHarness) -> TenantScenario:
    return TenantScenario(harness)


@EACH
@pytest.mark.parametrize("ask", [over_http, by_invocation], ids=["http", "invoke"])
def test_an_id_of_another_kind_is_refused_before_ownership_and_in_openais_words(
    scenario: TenantScenario, place: Place, ask: Any
) -> None:
    for text in wrong(place.kind):
        status, document = ask(scenario, place, text)
        assert (status, document["error"]) == (
            400,
            {
                "message": f"Invalid '{place.param}': '{text}'. Expected an ID that begins with "
                f"'{ID_PREFIXES[place.kind]}'.",
                "type": "invalid_request_error",
                "param": place.param,
                "code": "invalid_value",
            },
        )
    assert scenario.calls == 0


@EACH
def test_an_id_of_an_unknown_shape_is_looked_up(scenario: TenantScenario, place: Place) -> None:
    """Azure's files are `assistant-...`: a prefix that is not OpenAI's says nothing about the kind."""
    status, _ = over_http(scenario, place, "assistant-1")
    assert status == (200 if place.operation.lists is not None else 404)
    assert scenario.calls == 0


@pytest.mark.parametrize("kind", list(ID_PREFIXES))
def test_the_ids_of_a_kind_are_of_no_other(kind: ObjectKind) -> None:
    assert not any(is_of_another_kind(kind, text) for text in EXAMPLES[kind])
    assert all(is_of_another_kind(kind, text) for text in wrong(kind))
