"""What the gateway and the settlement ask of DynamoDB, against what their functions' roles allow."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.factories.ledger import answered_row
from tests.harnesses.dynamodb_gateway import BOUNDED_KEY, KEY, DynamoDbGateway, dynamodb_gateway
from tests.helpers.template import listed, may, statements
from vectorgate.api.http import JSON, Body, Request
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.persistence.stores import Stores

ACTIONS: Final = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
Asked = tuple[str, str, frozenset[str]]


def attributes_in(call: Mapping[str, Any]) -> frozenset[str]:
    """The attributes that a write names in its expressions: what IAM calls `dynamodb:Attributes`."""
    names = call.get("ExpressionAttributeNames", {})
    text = " ".join(call.get(key, "") for key in ("UpdateExpression", "ConditionExpression"))
    words = re.findall(r"(?<![:\w#])#?[a-z_]\w*", text)
    return frozenset(names.get(word, word) for word in words)


def parts(operation: str, call: Mapping[str, Any]) -> Iterator[Asked]:
    """Each item, or partition, that a call names: the action, the partition key, and the attributes."""
    match operation:
        case "TransactWriteItems":
            for each in call["TransactItems"]:
                ((kind, action),) = each.items()
                key = action.get("Item") or action["Key"]
                yield ACTIONS[kind], key["PK"]["S"], attributes_in(action)
        case "BatchGetItem":
            for request in call["RequestItems"].values():
                for key in request["Keys"]:
                    yield "dynamodb:BatchGetItem", key["PK"]["S"], frozenset()
        case "Query":
            (name,) = re.findall(r"^\w+ = (:\w+)", call["KeyConditionExpression"])
            yield "dynamodb:Query", call["ExpressionAttributeValues"][name]["S"], frozenset()
        case _:
            key = call.get("Item") or call["Key"]
            yield f"dynamodb:{operation}", key["PK"]["S"], attributes_in(call)


@contextmanager
def listening(stores: Stores) -> Iterator[list[Asked]]:
    """What is asked of the table of these stores in the block."""
    found: list[Asked] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        found.extend(parts(model.name, params))

    events = stores.ledger._table.client.meta.events  # type: ignore[attr-defined]
    events.register_first("before-parameter-build.dynamodb", note)
    yield found
    events.unregister("before-parameter-build.dynamodb", note)


@contextmanager
def asked_of(harness: DynamoDbGateway) -> Iterator[list[Asked]]:
    """What is asked of the table in the block."""
    found: list[Asked] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        if not harness.recorder._own_reading:
            found.extend(parts(model.name, params))

    events = harness.stores.ledger._table.client.meta.events  # type: ignore[attr-defined]
    events.register_first("before-parameter-build.dynamodb", note)
    yield found
    events.unregister("before-parameter-build.dynamodb", note)


def send(harness: DynamoDbGateway, method: str, path: str, key: str = KEY, **headers: str) -> int:
    """Send one request; its status."""
    given = {"authorization": f"Bearer {key}", "content-type": JSON, **headers}
    body = Body.of(b'{"name": "x"}' if method == "POST" else b"")
    return harness.gateway.handle(Request(method=method, path=path, headers=given, body=body)).status


def refused(role: str, asked: list[Asked]) -> set[tuple[str, str]]:
    """What the role does not allow, by action and kind of row."""
    return {(action, key.partition("#")[0]) for action, key, _ in asked if not may(role, action, key)}


def test_the_api_functions_role_allows_what_its_calls_ask_and_the_usage_loggers_what_settles_them() -> None:
    with dynamodb_gateway() as harness:
        with asked_of(harness) as calls:
            assert harness.create().status == 200
            assert harness.create_of_reference_page().status == 200
            for _ in range(2):  # the second is answered from the first one's record
                assert send(harness, "POST", "/v1/vector_stores", BOUNDED_KEY, **{"idempotency-key": "one"}) == 200
            assert send(harness, "GET", "/v1/vector_stores") == 200
            assert send(harness, "GET", "/v1/vector_stores/vs_absent") == 404
            assert send(harness, "GET", "/v1/vector_stores", "sk-unknown") == 401
        with asked_of(harness) as settling:
            assert harness.settlement.settle_waiting(100) > 0
        kinds = {key.partition("#")[0] for _, key, _ in calls}
        assert {"KEY", "OP", "OWN", "BUD", "IDEM", "TEN"} <= kinds
        for role in ("ApiRole", "StreamRole", "InvokeRole", "IngestRole"):
            assert refused(role, calls) == set()
        assert refused("UsageLoggerRole", calls)  # another function's role does not do
        writes = [each for each in settling if each[0] in ACTIONS.values()]
        assert {key.partition("#")[0] for _, key, _ in writes} >= {"OP", "USE", "BUD"}
        assert refused("UsageLoggerRole", writes) == set()
        assert refused("MeterRole", settling) == set()
        moved = frozenset[str]().union(*(names for _, key, names in [*calls, *writes] if key.startswith("BUD#")))
        assert moved
        assert not moved & denied_attributes()


def denied_attributes() -> set[str]:
    """What no function but the administrator's may name of an account's row."""
    conditions = [
        each["Condition"].get("ForAllValues:StringNotLike", {}) for each in statements("ApiRole") if "Condition" in each
    ]
    return {name for each in conditions for name in listed(each.get("dynamodb:Attributes", []))}


def test_the_meter_may_list_a_row_that_is_open_and_the_administrators_function_may_find_it() -> None:
    with dynamodb_gateway() as harness:
        row = answered_row(2_000).changed(state=State.STARTED, started_ms=harness.deps.clock.unix_ms())
        harness.stores.ledger.begin(row)
        harness.deps.clock.sleep(90)
        now_ms = harness.deps.clock.unix_ms()
        with asked_of(harness) as finding:
            assert list(harness.stores.ledger.open_rows(now_ms, 10)) == [row]
        with asked_of(harness) as listing:
            assert harness.stores.ledger.list_open(now_ms, 9.0) == 1
    assert refused("MeterRole", [*finding, *listing]) == refused("AdminRole", finding) == set()
    (written,) = (names for action, key, names in listing if action == "dynamodb:UpdateItem" and key.startswith("OP#"))
    (allowed,) = (each for each in statements("MeterRole") if each.get("Sid") == "ListOpenOperations")
    assert (written - {"attribute_not_exists"}) | {"PK", "SK"} == {
        *allowed["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    }
