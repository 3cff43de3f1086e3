"""The operations whose costs are counted, through the functions' own handlers, and what each used."""

from __future__ import annotations

import io
import json
import re
import time
import uuid
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.aws_costs import PRICES, Usage, less, share
from tests.factories.ledger import answered_row
from tests.fakes.answering_provider import AnsweringProvider
from tests.harnesses.billed_exports import BilledExporter
from tests.harnesses.dynamodb_gateway import BOUNDED_KEY, KEY, OPENAI, PLAIN_BODY, DynamoDbGateway, dynamodb_gateway
from tests.helpers.call_recorder import KIB, size_of, stored_bytes
from tests.helpers.template import FUNCTIONS, RESOURCES, resolved, variables
from vectorgate.bootstrap import build_meter, build_settlement
from vectorgate.entrypoints.api import handler as api_handler
from vectorgate.entrypoints.meter import act as tick
from vectorgate.entrypoints.usage_logger import handler as usage_logger_handler
from vectorgate.exports.names import EVENTBRIDGE, WEBHOOK
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import INDEXED
from vectorgate.metering.ports import Schedule
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.settings import read
from vectorgate.telemetry import PowertoolsTelemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vectorgate.ledger.settlement import SettlementService

EVENTS: Final = Path(__file__).parents[2] / "events"
API_EVENT: Final[dict[str, Any]] = json.loads((EVENTS / "api_create.json").read_text())
# Of a client that names no end user, whose sums would be one write more.
HEADERS: Final = {name: value for name, value in API_EVENT["headers"].items() if name != "x-litellm-end-user-id"}
LOOKS: Final = "looks at each row"
LOOKED_AT: Final = 40  # rows
ENTRIES_READ: Final = 3 + 3  # an entry of the index: by three sweeps, each of which goes back that far, and three looks
BOUNDARY: Final = "0123456789abcdef"
UPLOAD: Final = (
    f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
    f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="counted.md"\r\n\r\ncounted\r\n'
    f"--{BOUNDARY}--\r\n"
)
CONTEXT: Final = SimpleNamespace(aws_request_id="6d68ca91-49c9-448d-89b8-7ca3e6dc66aa")
# What Lambda writes for each invocation with LogFormat: JSON, unless SystemLogLevel is WARN.
START: Final = {
    "time": "2026-11-29T10:00:00.000Z",
    "type": "platform.start",
    "record": {
        "requestId": CONTEXT.aws_request_id,
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:vectorgate-api",
        "version": "$LATEST",
    },
}
REPORT: Final = {
    "time": "2026-11-29T10:00:00.000Z",
    "type": "platform.report",
    "record": {
        "requestId": CONTEXT.aws_request_id,
        "metrics": {"durationMs": 512.345, "billedDurationMs": 513, "memorySizeMB": 512, "maxMemoryUsedMB": 96},
        "status": "success",
    },
}
# The longest usual value of each of API Gateway's variables.
CONTEXT_VARIABLES: Final = {
    "requestId": 16,
    "httpMethod": 4,
    "routeKey": 8,
    "status": 3,
    "responseLatency": 3,
    "integration.requestId": 36,
    "integrationErrorMessage": 1,
    "identity.sourceIp": 13,
}


class BilledOperations:
    """A gateway on an emulated account, whose calls, log lines and own time are counted.

    `batch`: the rows that a busy stream hands over at once.
    """

    def __init__(
        self, harness: DynamoDbGateway, provider: AnsweringProvider, output: io.StringIO, *, batch: int
    ) -> None:
        self._harness = harness
        self._batch = batch
        self._provider = provider
        self._output = output
        self._api = api_handler.bound_to(harness.gateway)
        self._answered: dict[str, Any] = {}

    def all(self) -> dict[str, Usage]:
        """What each operation used, by its name. The first of each kind, which fills caches, is not counted."""
        self._request("POST", "/v1/vector_stores", PLAIN_BODY.decode())
        self._request("POST", "/v1/vector_stores", PLAIN_BODY.decode(), key=BOUNDED_KEY)
        self._settle_all()
        found = {
            **self.creates(),
            **self._of_a_store(),
            "response": self._response(),
            "settlement": self._settlement(1),
            self.batch_settled: self._settlement(self._batch),
            **self._ticks(),
            LOOKS: self._looks(),
        }
        written = found[self.batch_settled].written
        return {**found, **self._exports(written), f"exports in order of {self._batch}, each": self._in_order(written)}

    @property
    def batch_settled(self) -> str:
        """The name of a batch's settlement."""
        return f"settlement of {self._batch}, each"

    def creates(self, times: int = 1) -> dict[str, Usage]:
        """Of so many, the create that took least of the machine's time, which other processes disturb."""
        body, keys = PLAIN_BODY.decode(), {"create": KEY, "create, 2 budgets": BOUNDED_KEY}

        def least(key: str) -> Usage:
            used = [self._request("POST", "/v1/vector_stores", body, waits="create", key=key) for _ in range(times)]
            return min(used, key=lambda usage: usage.own_ms)

        return {name: least(key) for name, key in keys.items()}

    def batch_settlement(self) -> Usage:
        """What the settlement of a batch used for each row; the first, which fills caches, is not counted."""
        self._settlement(1)
        return self._settlement(self._batch)

    def kept_bytes(self, times: int = 10) -> float:
        """What a settled create leaves for good: its items, but for those with a time to live, and index entries."""
        self._settle_all()
        before = self._kept_items()
        for _ in range(times):
            self._request("POST", "/v1/vector_stores", PLAIN_BODY.decode())
        self._settle_all()
        return (sum(self._kept_items().values()) - sum(before.values())) / times

    def _kept_items(self) -> dict[str, int]:
        """The bytes of each item that is kept, by its key."""
        pages = self._harness.table.client.get_paginator("scan").paginate(TableName=self._harness.table.name)
        items = [item for page in pages for item in page["Items"] if "ttl" not in item]
        return {f"{item['PK']} {item['SK']}": stored_bytes(item) for item in items}

    def _of_a_store(self) -> dict[str, Usage]:
        self._request("POST", "/v1/vector_stores", PLAIN_BODY.decode())
        store = f"/v1/vector_stores/{self._answered['id']}"
        upload = self._request("POST", "/v1/files", UPLOAD, waits="upload")
        attached = json.dumps({"file_id": self._answered["id"]})
        return {
            "file upload": upload,
            "file attach": self._request("POST", f"{store}/files", attached, waits="attach"),
            "search": self._request("POST", f"{store}/search", '{"query": "counted"}', waits="search"),
            "retrieve": self._request("GET", store, waits="retrieve"),
            "list": self._request("GET", "/v1/vector_stores", waits="list"),
            "delete": self._request("DELETE", store, waits="delete"),
        }

    def _response(self) -> Usage:
        self._request("POST", "/v1/vector_stores", PLAIN_BODY.decode())
        tools = [{"type": "file_search", "vector_store_ids": [self._answered["id"]]}]
        body = json.dumps({"model": "gpt-5-mini", "input": "What was counted?", "tools": tools})
        return self._request("POST", "/v1/responses", body, waits="response")

    def _exports(self, settled: Counter[str]) -> dict[str, Usage]:
        """What exports to EventBridge, which are on by default, add to what a row of a batch `settled`."""
        rows, exporter = busy_batch("ExportSeconds"), BilledExporter(self._harness, EVENTBRIDGE)
        default = read(variables("UsageLogger", {}) | {"VECTORGATE_TABLE": "-"}).exported_in_order
        named = self._named(settled, in_order=default)
        used = exporter.exported(exporter.settled(rows), rows, partial(self._used, function="Exporter"))
        return {f"exports by default of {rows}, each": replace(used, written=named)}

    def _in_order(self, settled: Counter[str]) -> Usage:
        """What exports to a destination in order add to it, without the destination's own price."""
        exporter, named = BilledExporter(self._harness, WEBHOOK), self._named(settled, in_order=True)
        used = exporter.exported(exporter.named(), self._batch, partial(self._used, function="Exporter"))
        return replace(used, written=named)

    def _named(self, settled: Counter[str], *, in_order: bool) -> Counter[str]:
        stores = stores_of(self._harness.table, exported_in_order=in_order)
        settlement = build_settlement(self._harness.settings, stores, self._harness.deps.telemetry)
        return self._settlement(self._batch, settlement).written - settled

    def _settlement(self, rows: int, settlement: SettlementService | None = None) -> Usage:
        """Settle creates of so many stores in one batch of the stream; a row's share."""
        self._settle_all()
        for _ in range(rows):
            self._request("POST", "/v1/vector_stores", PLAIN_BODY.decode())
        settle = usage_logger_handler.bound_to(settlement or self._harness.settlement)
        event = self._stream_event()
        assert len(event["Records"]) == rows
        used = self._used(lambda: settle(event, CONTEXT), "UsageLogger")
        assert not self._harness.settlement.ledger.answered(1)
        return share(used, rows)

    def _stream_event(self) -> dict[str, Any]:
        rows = self._harness.settlement.ledger.answered(100)
        changes = [{"NewImage": operation_item(row), "SequenceNumber": str(n)} for n, row in enumerate(rows)]
        return {"Records": [{"eventName": "MODIFY", "dynamodb": change} for change in changes]}

    def _ticks(self) -> dict[str, Usage]:
        """A tick that finds nothing due, and a store's share of what an hourly tick adds, which samples them all."""
        self._settle_all()
        meter = build_meter(self._harness.settings, self._harness.deps)
        self._due(seconds=-1)
        self._used(meter.tick, "Meter")  # the meters begin
        self._due(seconds=3_600)
        idle = self._used(lambda: tick({}, meter), "Meter")
        self._due(seconds=-1)
        due = self._used(lambda: tick({}, meter), "Meter", waits="tick")
        return {
            "meter tick, nothing due": idle,
            "meter tick, each store": share(less(due, idle), len(self._provider.stores)),
        }

    def _looks(self) -> Usage:
        """A row's share of finding out that it is not open: a sweep within a minute, and three looks.

        A meter remembers the rows of its sweeps; those of the last two looks were another process's.
        """
        self._sweep_and_look()  # at what the others began
        idle = self._used(self._sweep_and_look, "Meter")
        for number in range(1_000, 1_000 + LOOKED_AT):
            now_ms = self._harness.deps.clock.unix_ms()
            self._harness.stores.ledger.begin(answered_row(number).changed(state=State.VOIDED, started_ms=now_ms))
        used = less(self._used(self._sweep_and_look, "Meter"), idle)
        item = operation_item(answered_row(0, team="team", end_user="user"))
        entry = size_of({name: item[name] for name in ("PK", "SK", "began", "by_day_pk", *INDEXED) if name in item})
        # Of pages that are full, which those of so few rows are not.
        pages = Counter({"request_log": ENTRIES_READ * LOOKED_AT * entry / (4 * KIB)})
        return replace(share(replace(used, read=used.read + pages), LOOKED_AT), invocations=0)

    def _sweep_and_look(self) -> None:
        ledger, clock = self._harness.stores.ledger, self._harness.deps.clock
        for minutes, is_another in ((0.5, True), (1, False), (20, True), (25 * 60, True)):
            clock.sleep(60 * minutes)
            ledger = stores_of(self._harness.table).ledger if is_another else ledger
            if minutes < 1:
                ledger.open_rows(clock.unix_ms(), 1_000)
            else:
                ledger.list_open(clock.unix_ms(), 15.0)

    def _due(self, *, seconds: int) -> None:
        now = self._harness.deps.clock.unix_s()
        self._harness.stores.meters.reschedule(OPENAI, Schedule(due=now + seconds, pause=60))

    def _settle_all(self) -> None:
        self._harness.settlement.settle_waiting(1_000)

    def _request(self, method: str, path: str, body: str = "", *, waits: str = "", key: str = KEY) -> Usage:
        content_type = f"multipart/form-data; boundary={BOUNDARY}" if path == "/v1/files" else "application/json"
        headers = {**HEADERS, "authorization": f"Bearer {key}", "content-type": content_type}
        context = {**API_EVENT["requestContext"], "http": {"method": method, "path": path}}
        event = {**API_EVENT, "rawPath": path, "headers": headers, "requestContext": context, "body": body or None}

        def send() -> None:
            answer = self._api(event, CONTEXT)
            assert answer["statusCode"] == 200, answer
            self._answered = json.loads(str(answer["body"]))

        used = self._used(send, "Api", waits=waits)
        return replace(used, requests=1, log_bytes=used.log_bytes + access_line_bytes())

    def _used(self, act: Callable[[], object], function: str, *, waits: str = "") -> Usage:
        """What one invocation of a function used."""
        recorder, properties = self._harness.recorder, FUNCTIONS[function]
        calls, written, read = recorder.calls.copy(), recorder.written.copy(), recorder.read.copy()
        self._output.seek(0)
        self._output.truncate()
        began, elsewhere = time.thread_time(), recorder.elsewhere_s
        with redirect_stdout(self._output):
            act()
        own_s = time.thread_time() - began - (recorder.elsewhere_s - elsewhere)
        lines = self._output.getvalue()
        return Usage(
            invocations=1,
            calls=recorder.calls - calls,
            written=recorder.written - written,
            read=recorder.read - read,
            log_bytes=len(lines.encode()) + platform_bytes(properties),
            metrics=_metrics_of(lines),
            traced=resolved(properties["Tracing"], {}) == "Active",
            own_ms=own_s * 1_000,
            provider_ms=PRICES["assumed"]["provider_ms"].get(waits, 0),
            memory_mb=int(resolved(properties["MemorySize"], {})),
        )


@contextmanager
def billed_operations(*, batch: int) -> Iterator[BilledOperations]:
    """Set them up on an emulated account."""
    output, provider = io.StringIO(), AnsweringProvider()
    service = f"counted-{uuid.uuid4().hex[:8]}"  # Powertools keeps a logger by its name
    telemetry = PowertoolsTelemetry.of(service, stream=output)
    with dynamodb_gateway(provider, telemetry) as harness:
        yield BilledOperations(harness, provider, output, batch=batch)


def busy_batch(window: float | str = "SettlementSeconds") -> int:
    """The rows that a shard of the stream hands over at once, at the assumed rate: of seconds, or a parameter's."""
    seconds = float(resolved({"Ref": window}, {})) if isinstance(window, str) else window
    rate = float(PRICES["assumed"]["requests_per_second"])
    return max(1, round(rate * seconds / int(PRICES["assumed"]["stream_shards"])))


def access_line_bytes() -> int:
    """The bytes of one line of the HTTP API's access log."""
    text = RESOURCES["GatewayApi"]["Properties"]["AccessLogSettings"]["Format"]["Fn::Sub"].replace(
        "${AWS::StackName}", "vectorgate"
    )
    return len(re.sub(r"\$context\.([A-Za-z.]+)", lambda match: "x" * CONTEXT_VARIABLES[match[1]], text)) + 1


def platform_bytes(function: dict[str, Any]) -> int:
    """The bytes that Lambda itself logs of one invocation."""
    if resolved(function["LoggingConfig"]["SystemLogLevel"], {}) == "WARN":
        return 0
    return sum(len(json.dumps(line, separators=(",", ":"))) + 1 for line in (START, REPORT))


def _metrics_of(lines: str) -> frozenset[str]:
    written = [json.loads(line) for line in lines.splitlines() if '"_aws"' in line]
    return frozenset(
        metric["Name"]
        for line in written
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    )
