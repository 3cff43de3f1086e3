"""`/health/services` delivers a test record to a destination, in local mode and through the exporter function."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.factories.secrets import MASTER_KEY
from tests.fakes.provider_documents import FakeDocuments
from tests.fakes.receiver import Receiver
from tests.harnesses.exports import SIGNING_KEY, settling, verified
from vectorgate.admin import meter_function
from vectorgate.admin.app import AdminApp
from vectorgate.admin.deps import AdminDeps
from vectorgate.admin.exporter_function import ExporterFunction
from vectorgate.api.http import Request
from vectorgate.bootstrap import price_book, system_random
from vectorgate.exports.ports import NoExports
from vectorgate.ids import ProviderName
from vectorgate.providers.credentials import Secret
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from tests.harnesses.exports import Settling
    from vectorgate.exports.ports import ExportCheck

DEPLOYED: Final = Settings(table="-", export_function="gate-exporter")


def ask(
    rows: Settling, exports: ExportCheck, query: Mapping[str, str], *, method: str = "POST", key: str = MASTER_KEY
) -> tuple[int, Any]:
    """The admin app's status and answer."""
    clock, provider = rows.clock.clock(), ProviderName("openai")
    deps = AdminDeps(rows.stores, clock, system_random(), price_book(), FakeDocuments(), provider, exports=exports)
    app = AdminApp(master_key=Secret(MASTER_KEY), deps=deps, telemetry=rows.telemetry)
    headers = {"authorization": f"Bearer {key}"}
    answer = app.handle(Request(method=method, path="/health/services", query=query, headers=headers))
    return answer.status, json.loads(answer.read_body())


def test_a_test_record_reaches_each_destination_or_the_answer_says_why_not() -> None:
    with Receiver() as receiver:
        environment = {
            "VECTORGATE_EXPORT_WEBHOOK": receiver.url,
            "VECTORGATE_EXPORT_WEBHOOK_KEY": SIGNING_KEY,
            "VECTORGATE_EXPORT_OTLP": receiver.url,
            "VECTORGATE_EXPORT_SLACK": receiver.url,
        }
        with settling(environment) as rows:
            exports = rows.exporters
            assert ask(rows, exports, {"service": "webhook"}) == (
                200,
                {"status": "success", "message": "A test record reached webhook."},
            )
            assert verified(receiver.got[0])["operation"] == "health.services"
            assert ask(rows, exports, {"service": "otel"}, method="GET")[0] == 200
            assert receiver.got[1].path == "/v1/traces"
            assert ask(rows, exports, {"service": "slack_budget_alerts"})[0] == 200
            assert json.loads(receiver.got[2].body) == {"text": "vectorgate: this is a test of budget alerts."}
            for status, why in ((401, "status 401"), (400, "refused: status 400"), (0, "no answer")):
                receiver.status = lambda _, status=status: status  # type: ignore[misc]
                code, answer = ask(rows, exports, {"service": "webhook"})
                assert (code, answer["error"]["code"]) == (503, "service_unavailable")
                assert why in answer["error"]["message"]


def test_a_destination_that_is_not_chosen_and_a_key_that_is_no_administrators_are_refused() -> None:
    with settling({"VECTORGATE_EXPORT_OTLP": "http://127.0.0.1:9"}) as rows:
        for query, code in (({}, "missing_required_parameter"), ({"service": "webhook"}, "invalid_value")):
            status, answer = ask(rows, rows.exporters, query)
            assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, code, "service")
        assert "expected 'otel', which" in answer["error"]["message"]
        status, answer = ask(rows, NoExports(), {"service": "otel"})
        assert (status, answer["error"]["message"][:28]) == (400, "No destination of exports is")
        assert ask(rows, rows.exporters, {"service": "otel"}, key="sk-other")[0] == 401


@dataclass
class FakeLambda:
    """Lambda's client, whose function answers this."""

    answer: Any
    asked: list[Any] = field(default_factory=list)

    def invoke(self, **arguments: Any) -> Any:
        """One invocation."""
        self.asked.append((arguments["FunctionName"], json.loads(arguments["Payload"])))
        failed = {"FunctionError": "Unhandled"} if self.answer is None else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **failed}


def test_on_aws_the_exporter_function_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = (
        ({"delivered": True}, 200, "reached webhook"),
        ({"error": "status 503"}, 503, "status 503"),
        ({"chosen": ["eventbridge"]}, 400, "expected 'eventbridge', which"),
        (None, 503, "it failed"),
    )
    with settling({}) as rows:
        for answer, status, text in cases:
            function = FakeLambda(answer)
            monkeypatch.setattr(meter_function, "_client", lambda *_, function=function: function)
            found, document = ask(rows, ExporterFunction(DEPLOYED), {"service": "webhook"})
            assert (found, function.asked) == (status, [("gate-exporter", {"check": "webhook"})])
            assert text in json.dumps(document)
        assert ask(rows, ExporterFunction(Settings(table="-")), {"service": "webhook"})[0] == 400
