"""Responses that ran on after their answer: charged, and their items owned, as soon as the gateway sees their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from tests.fakes.upstream import hang_up, refusal
from vectorgate.bootstrap import build_meter
from vectorgate.ledger.entry import Resolution, State

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.ledger.entry import LedgerEntry

MODEL = "gpt-5-mini"


def made(harness: GatewayHarness) -> LedgerEntry:
    return next(row for row in harness.rows() if row.operation == "responses.create")


def in_background(red: OpenAI) -> str:
    return red.responses.create(model=MODEL, input="When will it rain?", background=True).id


def assert_charged(harness: GatewayHarness) -> None:
    row, usage = made(harness), harness.openai.model.counted[-1]["usage"]
    assert (row.state, row.found_by, row.quarantined) == (State.ANSWERED, Resolution.OBJECT, ())
    assert (row.input_tokens, row.output_tokens) == (usage["input_tokens"], usage["output_tokens"])
    harness.settle()
    assert made(harness).spend


def test_a_background_response_is_charged_and_its_items_are_owned_when_its_client_sees_its_end(
    harness: GatewayHarness, red: OpenAI
) -> None:
    name = in_background(red)
    assert red.responses.retrieve(name).status == "in_progress"
    assert made(harness).state is State.UNCERTAIN
    harness.openai.model.finish(name)
    item = red.responses.retrieve(name).output[-1].id
    assert_charged(harness)
    assert item is not None
    red.responses.create(model=MODEL, input=[{"type": "item_reference", "id": item}])
    assert red.responses.retrieve(name).status == "completed"
    assert harness.settle() > 0
    assert [row.response_id for row in harness.rows() if row.state is State.SETTLED].count(
        made(harness).response_id
    ) > 1


def test_a_response_whose_stream_broke_is_charged_when_its_client_follows_it_to_its_end(
    harness: GatewayHarness, red: OpenAI
) -> None:
    harness.openai.model.cut_after = 5
    stream = red.responses.create(model=MODEL, input="When will it rain?", stream=True)
    name = next(iter(stream)).response.id  # type: ignore[union-attr]
    for _ in range(2):  # the stream of the retrieval is cut as well
        with pytest.raises(openai.APIError, match="ended before the response did"):
            list(stream)
        stream = red.responses.retrieve(name, stream=True, starting_after=1)
    assert made(harness).state is State.UNCERTAIN
    stream.close()
    harness.openai.model.cut_after = None
    assert list(red.responses.retrieve(name, stream=True))[-1].type == "response.completed"
    assert_charged(harness)


def test_a_response_that_ended_is_charged_before_it_is_deleted(harness: GatewayHarness, red: OpenAI) -> None:
    name = in_background(red)
    harness.openai.model.finish(name)
    red.responses.delete(name)
    assert_charged(harness)


def test_a_response_that_is_deleted_while_it_runs_is_charged_at_its_ceiling(
    harness: GatewayHarness, red: OpenAI
) -> None:
    red.responses.delete(in_background(red))
    reconciler = build_meter(harness.settings, harness.deps).reconciler
    outcomes = []
    for _ in range(3):
        harness.time.skip(120)
        outcomes += list(reconciler.sweep())
    assert outcomes == ["looked", "ceiling"]
    row = made(harness)
    assert (row.state, row.output_tokens, row.quarantined) == (State.ANSWERED, 32_768, ("usage",))


def test_a_lost_answer_is_charged_at_its_ceiling_and_an_error_of_the_providers_own_is_not(
    harness: GatewayHarness, red: OpenAI
) -> None:
    for act in (hang_up, refusal(500), refusal(503), refusal(504)):
        harness.upstream.will(act)
        with pytest.raises(openai.InternalServerError):
            red.responses.create(model=MODEL, input="q", max_output_tokens=64)
    build_meter(harness.settings, harness.deps).reconciler.sweep()
    harness.settle()
    found = [(row.state, row.found_by) for row in harness.rows()]
    lost, failed = (State.SETTLED, Resolution.CEILING), (State.VOIDED, Resolution.UNKNOWABLE)
    assert found == [lost, failed, failed, lost]
    assert [bool(row.spend) for row in harness.rows()] == [True, False, False, True]


def test_a_repetition_of_a_lost_response_is_not_executed_a_second_time(harness: GatewayHarness, red: OpenAI) -> None:
    harness.upstream.will(hang_up)
    headers, codes = {"Idempotency-Key": "once"}, []
    for swept in (False, True, True):
        if swept:
            build_meter(harness.settings, harness.deps).reconciler.sweep()
        with pytest.raises(openai.APIStatusError) as caught:
            red.responses.create(model=MODEL, input="q", extra_headers=headers)
        codes.append(caught.value.code)
    assert codes == ["provider_connection_lost", "idempotency_answer_not_kept", "idempotency_answer_not_kept"]
    assert harness.upstream.calls == 1
