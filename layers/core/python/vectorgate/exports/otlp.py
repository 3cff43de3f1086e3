"""OTLP over HTTP, in protobuf: a span for each record, with OpenTelemetry's GenAI attributes where there are some.

`trace_id` and `span_id` follow from the record's id, so that a span that comes twice is the same span. A field without
an attribute in the conventions is `vectorgate.<field>`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.exports import protobuf as wire
from vectorgate.exports.names import OTEL
from vectorgate.exports.ports import RecordRefused
from vectorgate.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vectorgate.exports.http import Address, Post
    from vectorgate.exports.record import Record

PATH: Final = "/v1/traces"
SCHEMA: Final = "https://opentelemetry.io/schemas/1.40.0"
AT_ONCE: Final = 100  # spans of a request: about 100 KB
PROVIDERS: Final[Mapping[str, str]] = {"azure": "azure.ai.openai", "azure_ai": "azure.ai.search"}
# What the conventions have a name for. A store's search is a retrieval; a response is a chat, whatever else it does.
OPERATIONS: Final[Mapping[str, str]] = {"vector_stores.search": "retrieval", "responses.create": "chat"}
ATTRIBUTES: Final[Mapping[str, str]] = {
    "model": "gen_ai.response.model",
    "response_id": "gen_ai.response.id",
    "vector_store_id": "gen_ai.data_source.id",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "service_tier": "openai.response.service_tier",
    "status_code": "http.response.status_code",
    "end_user": "user.id",
    "error_code": "error.type",
}
_NANO: Final = 1_000_000_000
_OK, _ERROR, _CLIENT = 1, 2, 3


@dataclass(frozen=True, slots=True)
class OtlpTraces:
    """Destination: a request for up to a hundred spans."""

    post: Post
    address: Callable[[], Address]
    service: str = "vectorgate"
    name: str = OTEL
    at_once: int = AT_ONCE

    def deliver(self, records: Sequence[Record]) -> None:
        """One POST. What the receiver says that it rejected in part is RecordRefused: it is not to be sent again."""
        address = self.address()
        url = address.url if address.url.endswith(PATH) else address.url.rstrip("/") + PATH
        content = request_of(records, self.service)
        answer = self.post(replace(address, url=url), content, {"content-type": "application/x-protobuf"})
        rejected = rejected_spans(answer)
        if rejected:
            raise RecordRefused(f"{rejected} spans rejected")


def request_of(records: Sequence[Record], service: str) -> bytes:
    """An ExportTraceServiceRequest. Pure."""
    resource = b"".join(_attribute(1, *pair) for pair in (("service.name", service), ("service.version", __version__)))
    scope = wire.nested(1, "vectorgate") + wire.nested(2, __version__)
    spans = b"".join(wire.nested(2, span_of(record)) for record in records)
    of_scope = wire.nested(1, scope) + spans + wire.nested(3, SCHEMA)
    return wire.nested(1, wire.nested(1, resource) + wire.nested(2, of_scope) + wire.nested(3, SCHEMA))


def span_of(record: Record) -> bytes:
    """A Span. Pure."""
    identity = hashlib.sha256(str(record["id"]).encode()).digest()
    failed = record.get("outcome") == "failure"
    return b"".join(
        [
            wire.nested(1, identity[:16]),
            wire.nested(2, identity[16:24]),
            wire.nested(5, _span_name(record)),
            wire.number(6, _CLIENT),
            wire.fixed64(7, _unix_ns(record["started_at"])),
            wire.fixed64(8, _unix_ns(record["ended_at"])),
            *(_attribute(9, name, value) for name, value in attributes_of(record)),
            wire.nested(15, wire.number(3, _ERROR if failed else _OK)),
        ]
    )


def attributes_of(record: Record) -> Iterator[tuple[str, object]]:
    """The attributes of a record's span. `gen_ai.usage.cost` is dollars; the exact sum stands beside it."""
    operation, provider = str(record["operation"]), str(record.get("provider", ""))
    if operation in OPERATIONS:
        yield "gen_ai.operation.name", OPERATIONS[operation]
    if provider:
        yield "gen_ai.provider.name", PROVIDERS.get(provider, provider)
    yield "gen_ai.usage.cost", _whole(record["spend_nano_usd"]) / _NANO
    for name, value in record.items():
        if isinstance(value, dict):
            yield from ((f"vectorgate.{name}.{part}", figure) for part, figure in value.items())
        elif name not in {"started_at", "ended_at"}:
            yield ATTRIBUTES.get(name, f"vectorgate.{name}"), value


def rejected_spans(answer: bytes) -> int:
    """How many spans an ExportTraceServiceResponse says were rejected; 0 for an answer in another form."""
    try:
        partial = wire.fields_of(answer).get(1, b"")
        rejected = wire.fields_of(partial).get(1, 0) if isinstance(partial, bytes) else 0
    except ValueError:
        return 0
    return rejected if isinstance(rejected, int) else 0


def _span_name(record: Record) -> str:
    operation = str(record["operation"])
    named = OPERATIONS.get(operation)
    return " ".join([named, str(record["model"])]) if named and "model" in record else named or operation


def _attribute(field: int, name: str, value: object) -> bytes:
    return wire.nested(field, wire.nested(1, name) + wire.nested(2, _any_value(value)))


def _any_value(value: object) -> bytes:
    if isinstance(value, int):
        return wire.number(3, value)
    if isinstance(value, float):
        return wire.double(4, value)
    if isinstance(value, list):
        return wire.nested(5, b"".join(wire.nested(1, _any_value(each)) for each in value))
    return wire.nested(1, str(value))


def _unix_ns(moment: object) -> int:
    return int(datetime.fromisoformat(str(moment)).timestamp() * 1_000) * 1_000_000


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
