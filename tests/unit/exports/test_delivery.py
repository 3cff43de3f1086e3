"""A delivery concludes records from the first on, each delivered or refused, and stops at the first that fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from vectorgate.exports import protobuf
from vectorgate.exports.delivery import LONGEST_PAUSE_S, deliver, pause_after
from vectorgate.exports.otlp import request_of
from vectorgate.exports.ports import DeliveryFailed, RecordRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.exports.ports import Destination
    from vectorgate.exports.record import Record

WHEN = "2026-03-04T05:06:07.123Z"
KINDS = st.lists(st.sampled_from(["ok", "refused", "failed"]), max_size=12)


@dataclass
class Scripted:
    """A destination that treats each record as its kind says; one of a batch decides for all."""

    at_once: int
    name: str = "scripted"
    got: list[object] = field(default_factory=list)

    def deliver(self, records: Sequence[Record]) -> None:
        """Take them, or none."""
        kinds = [record["kind"] for record in records]
        if "failed" in kinds:
            raise DeliveryFailed("away")
        if "refused" in kinds:
            raise RecordRefused("wrong")
        self.got += [record["at"] for record in records]


@settings(max_examples=60)
@given(KINDS, st.integers(1, 5))
def test_what_is_concluded_was_delivered_or_refused_and_nothing_is_skipped(kinds: list[str], at_once: int) -> None:
    destination = Scripted(at_once)
    records: list[Record] = [{"at": at, "kind": kind} for at, kind in enumerate(kinds)]
    delivery = deliver(records, cast("Destination", destination))
    refused = [at for at, _ in delivery.refused]
    assert sorted([*cast("list[int]", destination.got), *refused]) == list(range(delivery.done))
    assert destination.got == sorted(cast("list[int]", destination.got))
    assert all(kinds[at] == "refused" for at in refused)
    assert (delivery.failure is None) is (delivery.done == len(kinds))
    if delivery.failure is not None:
        assert "failed" in kinds[delivery.done : delivery.done + at_once]


@settings(max_examples=40)
@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=40), st.lists(st.text(max_size=5), max_size=3))
def test_opentelemetry_reads_any_number_and_text_as_it_was_written(number: int, text: str, texts: list[str]) -> None:
    record = {"id": "x", "operation": "o", "started_at": WHEN, "ended_at": WHEN, "spend_nano_usd": number}
    content = request_of([{**record, "end_user": text, "tags": texts}], text)
    (span,) = ExportTraceServiceRequest.FromString(content).resource_spans[0].scope_spans[0].spans
    found = {each.key: each.value for each in span.attributes}
    assert found["vectorgate.spend_nano_usd"].int_value == number
    assert found["user.id"].string_value == text
    assert [each.string_value for each in found["vectorgate.tags"].array_value.values] == texts


@settings(max_examples=60)
@given(st.binary(max_size=40))
def test_any_answer_of_a_receiver_is_read_or_is_no_message(answer: bytes) -> None:
    try:
        fields = protobuf.fields_of(answer)
    except ValueError:
        return
    assert all(isinstance(value, int | bytes) for value in fields.values())


def test_pauses_double_up_to_a_quarter_of_an_hour_and_are_as_long_as_the_destination_asks() -> None:
    longest = [pause_after(failures, 1.0) for failures in (1, 2, 3, 10, 11, 1_000)]
    assert longest == [1.0, 2.0, 4.0, 512.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert pause_after(1, 0.0) == 0.5
    assert pause_after(1, 0.0, at_least=60) == 60
    assert pause_after(1, 0.0, at_least=86_400) == LONGEST_PAUSE_S
