"""The deployed invoke handler, around a gateway in this process."""

from __future__ import annotations

from types import SimpleNamespace

from tests.harnesses.gateway import GatewayHarness
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
