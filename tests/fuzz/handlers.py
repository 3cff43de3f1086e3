"""The handlers that inputs go to, each over stores in memory and a provider without faults.

A finding is an exception that leaves a handler or that it reports as a defect, an answer of 5xx (nothing behind the
gateway fails here), an error without OpenAI's envelope, or a record that is to be delivered again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from tests.factories.ledger import answered, begun
from tests.factories.secrets import MASTER_KEY, secret_text
from tests.fakes.clock import FakeClock
from tests.fakes.in_process_provider import InProcessProvider
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import RecordingTelemetry
from tests.fuzz import events, http_events
from tests.harnesses.ingest import SENDERS, IngestHarness
from tests.helpers.memory_stores import memory_stores
from vectorgate.admin.app import AdminApp
from vectorgate.api.http import Body
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import (
    SEARCH_PROVIDER,
    build_admin_deps,
    build_gateway,
    build_meter,
    build_reader,
    build_settlement,
    system_random,
)
from vectorgate.entrypoints import admin, api, exporter, meter, stream, usage_logger
from vectorgate.entrypoints.invoke import handler as invoke_handler
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.exports.build import ExporterApp
from vectorgate.exports.composition import AlertSources, Egress, http_destinations
from vectorgate.exports.exporter import Exporter
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.names import EVENTBRIDGE
from vectorgate.gateway.store_deletion import StoreDeletion
from vectorgate.ids import OperationId, ProviderName
from vectorgate.ingest.sqs_handler import SqsBatchHandler
from vectorgate.persistence.stores import Deps
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.credentials import Credentials, Secret
from vectorgate.providers.documents import ReaderDocuments
from vectorgate.providers.http.outcome import Outcome, Replied
from vectorgate.settings import MIB, Settings

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Mapping, Sequence

    from vectorgate.exports.ports import Alert
    from vectorgate.exports.queues import Message
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.providers.base import UpstreamRequest

ENVELOPE: Final = {"message", "type", "param", "code"}
OPENAI: Final = ProviderName("openai")
BASE_URL: Final = "https://upstream.example/v1"
SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400
DESTINATIONS: Final = ("webhook", "otel", "slack")


@dataclass(frozen=True, slots=True)
class FuzzedHandler:
    """A handler, and inputs for it. `weight`: its share of all inputs; `made`: an input; `give`: hand it over."""

    name: str
    weight: int
    made: Callable[[random.Random], Any]
    give: Callable[[Any], str | None]


class Handlers:
    """Every handler of the deployment, with its own rows. Made again now and then, lest the rows pile up."""

    def __init__(self) -> None:
        self.telemetry = RecordingTelemetry()
        self.provider = InProcessProvider()
        self.stores = memory_stores()
        self.settings = Settings(table="-", secrets={OPENAI: "secret"}, max_upload=32 * MIB)
        self.clock = FakeClock()
        self.deps = Deps(
            stores=self.stores,
            credentials=Credentials(FakeSecretSource(secret_text(BASE_URL)), self.settings.secrets, self.clock.clock()),
            transport=self.provider,
            telemetry=self.telemetry,
            clock=self.clock.clock(),
            randomness=system_random(),
        )
        self.gateway = build_gateway(self.settings, self.deps)
        key = VirtualKey(
            id=key_id_of(http_events.KEY), created_at=self.deps.clock.unix_s(), team_id="red", models=("*",)
        )
        self.stores.keys.add_key(key)
        self.all = self._handlers()

    def close(self) -> None:
        """Close the stores."""
        self.stores.close()

    def forget(self) -> None:
        """Begin the next input with nothing noted."""
        self.telemetry.errors.clear()
        self.telemetry.requests.clear()
        self.telemetry.invocations.clear()
        self.provider.calls = 0

    def _handlers(self) -> tuple[FuzzedHandler, ...]:
        gateway = self.gateway
        clients, streams = api.handler.bound_to(gateway), stream.handler.bound_to(gateway)
        invocations = invoke_handler.bound_to(InvokeHandler(gateway, trusts_invoker=True))
        administrators = admin.handler.bound_to(self._admin())
        settling = usage_logger.handler.bound_to(build_settlement(self.settings, self.stores, self.telemetry))
        ticking, exporting, batches = self._meter(), self._exporter(), self._ingest()
        return (
            FuzzedHandler("api", 40, http_events.to_clients, lambda event: self._http(clients(event, None))),
            FuzzedHandler("stream", 8, http_events.to_clients, lambda event: self._http(streams(event, None))),
            FuzzedHandler(
                "admin",
                20,
                lambda rng: http_events.to_administrators(rng.choice((MASTER_KEY, MASTER_KEY, http_events.KEY)), rng),
                lambda event: self._http(administrators(event, None)),
            ),
            FuzzedHandler(
                "invoke",
                15,
                lambda rng: events.invocation(http_events.KEY, rng),
                lambda payload: self._status(invocations(payload, None), "status"),
            ),
            FuzzedHandler("ingest", 8, events.ingest_batch, lambda event: _failures(batches.handle(event))),
            FuzzedHandler("usage_logger", 4, events.settlement_batch, lambda event: _failures(settling(event, None))),
            FuzzedHandler("exporter stream", 2, events.fan_out_batch, lambda event: _failures(exporting(event, None))),
            FuzzedHandler("exporter queue", 2, events.export_batch, lambda event: _failures(exporting(event, None))),
            FuzzedHandler("meter", 1, events.tick, lambda event: ticking(event, None) and None),
        )

    def _admin(self) -> AdminApp:
        documents = ReaderDocuments(
            build_reader(self.settings, self.deps), without=SEARCH_PROVIDER, deletion=StoreDeletion(self.gateway)
        )
        deps = build_admin_deps(self.settings, self.stores, self.deps.clock, self.deps.randomness, documents)
        return AdminApp(master_key=Secret(MASTER_KEY), deps=deps, telemetry=self.telemetry)

    def _meter(self) -> Callable[[Any, object], Any]:
        worker = build_meter(self.settings, self.deps)
        return meter.handler.bound_to(worker)

    def _ingest(self) -> SqsBatchHandler:
        harness = IngestHarness(senders={**SENDERS, "red": "red", "com.example.crm": "red"})
        harness.telemetry = self.telemetry
        return SqsBatchHandler(harness.ingestor, _NoQueue(), self.telemetry, self.deps.clock)

    def _exporter(self) -> Callable[[Any, object], Any]:
        queues = {name: _NoExportQueue() for name in DESTINATIONS}
        secrets = {name: name for name in DESTINATIONS}
        egress = Egress(transport=_Receiver(), source=_Secrets(), secrets=secrets, clock=self.deps.clock)
        sources = AlertSources(self.stores.keys, self.stores.budgets, _NoAlerts())
        app = ExporterApp(
            fan_out=FanOut(cast("LedgerStore", _Rows()), {**queues, EVENTBRIDGE: _NoExportQueue()}, self.telemetry),
            exporter=Exporter(queues, http_destinations(egress, sources), self.deps.randomness, self.telemetry),
            queues={events.QUEUE.format(name): name for name in DESTINATIONS},
        )
        return exporter.handler.bound_to(app)

    def _http(self, result: Mapping[str, Any]) -> str | None:
        json.dumps(result)  # as Lambda does
        return self._status({"status": result["statusCode"], "body": _document(result)}, "status")

    def _status(self, result: Mapping[str, Any], name: str) -> str | None:
        json.dumps(result)
        status = result[name]
        if status >= SERVER_ERROR:
            return f"status {status}: {str(result['body'])[:200]}"
        if status >= CLIENT_ERROR:
            error = result["body"].get("error") if isinstance(result["body"], dict) else None
            if not isinstance(error, dict) or set(error) - {"provider_specific_fields"} != ENVELOPE:
                return f"no envelope: {str(result['body'])[:200]}"
        return None


def _document(result: Mapping[str, Any]) -> Any:
    try:
        return json.loads(result["body"])
    except ValueError:
        return result["body"]


def _failures(result: Mapping[str, Any]) -> str | None:
    """A batch whose records fail is repeated: nothing here is a reason for it."""
    failed = result.get("batchItemFailures")
    return f"to be repeated: {failed}" if failed else None


class _NoQueue:
    """Takes what ingestion sends."""

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        body.encode("utf-8")
        assert seconds >= 0
        assert all(isinstance(each, (int, str)) for each in attributes.values())

    def send_to_dead_letter_queue(self, body: str, *, reason: str, source: str) -> None:
        del body, source
        assert reason


class _NoExportQueue:
    """Takes what the exporter sends and sets aside."""

    def send(self, messages: Sequence[Message]) -> None:
        assert all(each.id and each.body for each in messages)

    def put_off(self, receipt: str, seconds: int) -> None:
        del receipt, seconds

    def set_aside(self, message: Message, reason: str) -> None:
        assert message.id
        assert reason


class _Receiver:
    """A `Transport` to destinations that take everything."""

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Return 200."""
        del request, seconds
        return Replied(UpstreamResponse(status=200, headers={}, body=Body.of(b"")))


class _Secrets:
    """SecretSource: of each destination, by its name."""

    def read(self, name: str) -> str:
        own: dict[str, dict[str, Any]] = {
            "webhook": {"signing_key": "whsec_" + "a2tr" * 8},
            "otel": {"headers": {"a": "b"}},
            "slack": {},
        }
        return json.dumps({"url": "https://receiver.example/in", **own[name]})


class _NoAlerts:
    """AlertLog: nothing was sent before."""

    def sent(self, alerts: Collection[Alert]) -> frozenset[Alert]:
        """None of them."""
        del alerts
        return frozenset()

    def mark(self, alert: Alert) -> None:
        """Forget it."""
        del alert


class _Rows:
    """The part of the ledger that the exporter reads: a row for every id."""

    def entries(self, ids: Sequence[str]) -> dict[str, Any]:
        return {name: replace(answered(begun()), id=OperationId(name)) for name in ids}
