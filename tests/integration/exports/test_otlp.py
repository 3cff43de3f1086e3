"""Settled rows reach an OTLP receiver as spans, which OpenTelemetry's own protobufs read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.fakes.receiver import Delivery, Receiver
from tests.harnesses.exports import assert_in_order, settling
from vectorgate.exports.otlp import request_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

USED: Final[Mapping[str, Any]] = {
    "model": "gpt-5-mini",
    "service_tier": "default",
    "input_tokens": 900,
    "cached_tokens": 100,
    "output_tokens": 64,
    "tool_calls": ("file_search=2",),
    "searched_stores": ("vs_1", "vs_2"),
}


def environment(receiver: Receiver) -> dict[str, str]:
    """An OTLP endpoint at this server, in its form without a path."""
    return {"VECTORGATE_EXPORT_OTLP": receiver.url, "VECTORGATE_EXPORT_OTLP_HEADERS": "authorization=Bearer abc, x-a=b"}


def spans(got: Iterable[Delivery]) -> list[Any]:
    """The spans of these requests, in their order."""
    return [
        span
        for each in got
        for of_resource in ExportTraceServiceRequest.FromString(each.body).resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]


def attributes(of: Any) -> dict[str, Any]:
    """The attributes of a span or a resource."""
    return {each.key: value_of(each.value) for each in of.attributes}


def value_of(value: Any) -> Any:
    """The value of an AnyValue."""
    kind = value.WhichOneof("value")
    return [value_of(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def test_a_record_is_a_span_with_the_genai_attributes_that_there_are() -> None:
    with Receiver() as receiver, settling(environment(receiver)) as rows:
        rows.settle(1, **USED)
        rows.tick()
    (got,) = receiver.got
    assert (got.path, got.headers["authorization"], got.headers["x-a"]) == ("/v1/traces", "Bearer abc", "b")
    assert got.headers["content-type"] == "application/x-protobuf"
    request = ExportTraceServiceRequest.FromString(got.body)
    assert attributes(request.resource_spans[0].resource)["service.name"] == "vectorgate"
    (span,) = spans([got])
    assert (len(span.trace_id), len(span.span_id)) == (16, 8)
    assert span.name == "vector_stores.create"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert span.end_time_unix_nano - span.start_time_unix_nano == 5_000_000
    assert span.status.code == span.status.STATUS_CODE_OK
    found = attributes(span)
    expected = {
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-5-mini",
        "gen_ai.data_source.id": "vs_0",
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.output_tokens": 64,
        "openai.response.service_tier": "default",
        "http.response.status_code": 200,
        "user.id": "émile 東京",
        "vectorgate.team_id": "red",
        "vectorgate.tool_calls.file_search": 2,
        "vectorgate.searched_stores": ["vs_1", "vs_2"],
        "vectorgate.spend_usd": "0.0053305",
        "vectorgate.spend_nano_usd": 5_330_500,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["gen_ai.usage.cost"] == 0.0053305


def test_every_row_arrives_in_order_although_the_receiver_and_the_gateway_are_killed() -> None:
    calls = iter(range(1, 1_000))

    def loses_answers(_: Delivery) -> int:
        return 0 if next(calls) % 3 == 0 else 200

    with Receiver(status=loses_answers) as receiver, settling(environment(receiver)) as rows:
        settled = []
        for batch in (120, 20, 60):
            settled += rows.settle(batch)
            rows.tick(times=2)
            receiver.kill()
            rows.tick(times=2)
            receiver.start()
            rows.restart()
        rows.tick(times=4)
        found = [attributes(span) for span in spans(receiver.got)]
    records = [{"id": each["vectorgate.id"], "vector_store_id": each["gen_ai.data_source.id"]} for each in found]
    assert len(records) > len(settled) == 200
    assert_in_order(records, settled)


def test_what_the_receiver_rejects_in_part_is_a_dead_letter_alone() -> None:
    rejected = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=1))
    with Receiver() as receiver, settling(environment(receiver)) as rows:
        settled = rows.settle(3)

        def rejects_second(got: Delivery) -> int:
            held = settled[1] in {attributes(span)["vectorgate.id"] for span in spans([got])}
            receiver.answer = rejected.SerializeToString() if held else b""
            return 200

        receiver.status = rejects_second
        rows.tick()
        assert rows.dead_letters() == [("otel", settled[1], "1 spans rejected")]


def test_numbers_beyond_32_bits_negative_ones_and_any_text_are_read_as_they_were_written() -> None:
    record = {
        "id": "x",
        "operation": "storage",
        "started_at": "2026-03-04T05:06:07.123Z",
        "ended_at": "2026-03-04T05:06:07.123Z",
        "spend_nano_usd": -(2**40),
        "byte_seconds": 2**62,
        "end_user": "a\ud800b",
        "outcome": "failure",
    }
    (span,) = ExportTraceServiceRequest.FromString(request_of([record], "a")).resource_spans[0].scope_spans[0].spans
    found = attributes(span)
    assert (found["vectorgate.spend_nano_usd"], found["vectorgate.byte_seconds"]) == (-(2**40), 2**62)
    assert found["user.id"] == "a?b"
    assert span.start_time_unix_nano == 1_772_600_767_123_000_000
    assert span.status.code == span.status.STATUS_CODE_ERROR
