"""What API Gateway says of a request: when it received it, by which ids it is known, below which path it came."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics

from tests.factories.ledger import answered_row
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate import settings
from vectorgate.api.http import MAX_WAIT_SECONDS, Request, Response
from vectorgate.entrypoints.function import Function
from vectorgate.entrypoints.lambda_http import HttpFunction, read_event, request_id_in
from vectorgate.ids import KeyId, TenantId
from vectorgate.settings import Settings
from vectorgate.telemetry import PowertoolsTelemetry

EPOCH_MS: Final = 1_795_380_099_000
EVENT: Final[dict[str, Any]] = {
    "rawPath": "/v1/vector_stores",
    "requestContext": {"http": {"method": "GET"}, "requestId": "JKJaXmPLvHcESHA=", "timeEpoch": EPOCH_MS},
}
CONTEXT: Final = SimpleNamespace(
    aws_request_id="2a8f5c1e-0000-4000-8000-000000000000", get_remaining_time_in_millis=lambda: 29_900
)


@dataclass
class App:
    """An application that keeps its request."""

    telemetry: RecordingTelemetry
    request: Request | None = None

    def handle(self, request: Request) -> Response:
        """Answer nothing."""
        self.request = request
        return Response(status=200)


def asked(event: dict[str, Any], base_path: str | None = None) -> App:
    """The application after that event."""
    app = App(RecordingTelemetry())
    HttpFunction(lambda: app, lambda: Settings(table="t", base_path=base_path))(event, CONTEXT)
    return app


def test_a_request_says_how_long_it_has_waited_and_what_lambda_leaves() -> None:
    request = read_event(EVENT, CONTEXT)
    assert request.left_seconds == 29.9
    assert request.waited(EPOCH_MS + 2_500) == 2.5


def test_a_wait_that_no_front_door_has_is_the_fault_of_a_clock() -> None:
    request = read_event(EVENT, CONTEXT)
    for now in (EPOCH_MS - 1, EPOCH_MS + int(MAX_WAIT_SECONDS) * 1000, EPOCH_MS + 10**12):
        assert request.waited(now) == 0


def test_an_event_that_tells_nothing_has_not_waited() -> None:
    for given in ({}, {"requestContext": None}, {"requestContext": {"timeEpoch": "soon"}}):
        request = read_event(given)
        assert (request.waited(EPOCH_MS), request.left_seconds) == (0, math.inf)


def test_each_invocation_is_announced_with_its_ids() -> None:
    app = asked(EVENT)
    assert app.telemetry.invocations == [(CONTEXT.aws_request_id, "JKJaXmPLvHcESHA=")]
    background = RecordingTelemetry()
    Function(lambda event, _: event, lambda: None, lambda: background)({}, CONTEXT)
    assert background.invocations == [(CONTEXT.aws_request_id, None)]


def test_what_is_no_id_reaches_no_log() -> None:
    for value in (None, 7, "", "a b", "x" * 65, 'a"b', "a\n"):
        assert request_id_in(value) is None


def test_log_lines_have_the_ids_of_their_invocation_and_the_first_says_that_it_was_cold() -> None:
    lines = io.StringIO()
    telemetry = PowertoolsTelemetry.of("stack", stream=lines)
    telemetry.invoked("one", "api")
    telemetry.unexpected_error(ValueError("x"))
    telemetry.invoked("two")
    telemetry.unexpected_error(ValueError("x"))
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (first["function_request_id"], first["api_request_id"], first["cold_start"]) == ("one", "api", True)
    assert second["function_request_id"] == "two"
    assert not {"api_request_id", "cold_start", "location"} & second.keys()


def test_of_calls_that_succeeded_a_share_is_logged_and_of_others_each_and_5xx_are_counted() -> None:
    for percent, most in ((100, 90), (25, 40), (0, 0)):
        lines, metrics = io.StringIO(), cast("Metrics", EphemeralMetrics(namespace="n", service=f"sampled-{percent}"))
        logger = Logger(service=f"sampled-{percent}", stream=lines)
        telemetry = PowertoolsTelemetry(logger, metrics, successes_percent=percent)
        for number in range(90):
            telemetry.request_completed(answered_row(number))
        written = lines.getvalue().count('"message":"request"')
        assert most * 0.3 <= written <= most
        telemetry.request_completed(answered_row(7).changed(status_code=404))
        telemetry.request_completed(answered_row(9).changed(error_code="stream_broken"))
        assert lines.getvalue().count('"message":"request"') == written + 2
        assert lines.getvalue().count('"level":"WARNING"') == 2
        assert metrics.metric_set == {}
        telemetry.request_completed(answered_row(8).changed(status_code=502))
        assert metrics.metric_set["Failures"]["Value"] == [1.0]


def test_the_share_of_logged_calls_is_a_percentage() -> None:
    table = {"VECTORGATE_TABLE": "t"}
    assert settings.read(table).logged_successes_percent == 100
    assert settings.read({**table, "VECTORGATE_LOGGED_SUCCESSES": "0"}).logged_successes_percent == 0
    for wrong in ("", "-1", "101", "1.5", "many"):
        with pytest.raises(ValueError, match="VECTORGATE_LOGGED_SUCCESSES"):
            settings.read({**table, "VECTORGATE_LOGGED_SUCCESSES": wrong})


def test_a_key_that_is_its_own_tenant_is_named_once() -> None:
    lines = io.StringIO()
    telemetry = PowertoolsTelemetry(Logger(service="named", stream=lines), Metrics(namespace="n", service="named"))
    own = answered_row(1).changed(key_id=KeyId("0a"), tenant=TenantId("key:0a"))
    for row in (own, own.changed(tenant=TenantId("team:red"))):
        telemetry.request_completed(row)
    first, second = (json.loads(line)["call"] for line in lines.getvalue().splitlines())
    assert (first["key_id"], first.get("tenant"), second["tenant"]) == ("0a", None, "team:red")


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/ai/v1/vector_stores", "/v1/vector_stores"),
        ("/ai", "/"),
        ("/ai/", "/"),
        ("/aim/v1", "/aim/v1"),
        ("/v1/ai", "/v1/ai"),
        ("/ai/ai/v1", "/ai/v1"),
    ],
)
def test_a_path_is_read_below_that_of_the_domain_name(path: str, inside: str) -> None:
    app = asked(EVENT | {"rawPath": path}, base_path="/ai")
    assert app.request is not None
    assert app.request.path == inside


def test_a_base_path_begins_with_a_slash_and_ends_without_one() -> None:
    assert settings.read({"VECTORGATE_TABLE": "t", "VECTORGATE_BASE_PATH": "/a/b"}).base_path == "/a/b"
    for wrong in ("a", "/a/", "/"):
        with pytest.raises(ValueError, match="VECTORGATE_BASE_PATH"):
            settings.read({"VECTORGATE_TABLE": "t", "VECTORGATE_BASE_PATH": wrong})
