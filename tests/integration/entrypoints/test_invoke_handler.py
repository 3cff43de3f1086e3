"""The deployed invoke handler, around a gateway in this process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.harnesses.gateway import GatewayHarness
from vectorgate.auth.authenticate import key_id_of
from vectorgate.entrypoints.invoke import handler
from vectorgate.entrypoints.invoke.invocations import InvokeHandler


def test_the_deployed_handler_answers_and_never_raises() -> None:
    with GatewayHarness() as harness:
        function = handler.bound_to(InvokeHandler(harness.gateway))
        key = harness.key("sk-Gh3kLm9QwErTyUiOpAsD")
        context = SimpleNamespace(aws_request_id="1-2-3")
        made = function({"operation": "vector_stores.create", "api_key": key, "body": {"name": "n"}}, context)
        assert made["status"] == 200
        assert harness.row().operation == "vector_stores.create"
        odd: object
        for odd in (None, [], "x", 1, {"operation": "x" * 300}, {"operation": {}}):
            assert function(odd, None)["status"] == 400
        refused = function({"operation": "vector_stores.list", "tenant": "red"}, None)
        assert (refused["status"], len(harness.rows())) == (403, 1)


def test_an_event_that_is_delivered_twice_is_executed_once() -> None:
    with GatewayHarness() as harness:
        function = handler.bound_to(InvokeHandler(harness.gateway, trusts_invoker=True))
        payload = {"operation": "vector_stores.create", "tenant": "red", "body": {"name": "n"}}
        first, again, other = (function(payload, SimpleNamespace(aws_request_id=name)) for name in ("1", "1", "2"))
        assert first["body"] == again["body"]
        assert first["body"] != other["body"]
        assert harness.upstream.calls == 2


def test_a_blocked_key_is_403_through_the_invoke_function_too_and_its_row_names_the_key() -> None:
    with GatewayHarness() as harness:
        key = harness.key("sk-blocked-invoker", team="red", blocked=True)
        refused: Any = InvokeHandler(harness.gateway).answer({"operation": "vector_stores.list", "api_key": key}, None)
        assert (refused["status"], refused["body"]["error"]["code"]) == (403, "blocked")
        assert (harness.row().key_id, harness.row().team_id) == (key_id_of(key), "red")
