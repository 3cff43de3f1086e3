"""No store gets more attaching requests than the provider allows, and no invocation takes too long."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import secret_text
from tests.harnesses.ingest import BASE_URL, KEY, IngestHarness
from vectorgate.api.http import Body
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ingest.attachment import (
    ATTACHES_PER_MINUTE,
    ATTACHES_PER_WINDOW,
    MINUTE,
    WINDOW_SECONDS,
    rate_limit_key,
    window_start,
)
from vectorgate.ingest.ingestor import START_WITHIN_SECONDS, UPLOAD_SECONDS
from vectorgate.ingest.model import (
    AttachRequested,
    Done,
    IndexingReminder,
    RetryLater,
)
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import NotSent, Replied, ResponseLost

if TYPE_CHECKING:
    from vectorgate.providers.base import UpstreamRequest
    from vectorgate.providers.http.outcome import Outcome


def test_a_store_that_is_full_for_the_moment_is_waited_for_a_minute_at_most(harness: IngestHarness) -> None:
    harness.ingest()
    (name,) = harness.provider.vector_stores
    window = window_start(int(harness.now))
    while harness.stores.ingest.admit(rate_limit_key("red", name), window, limit=ATTACHES_PER_WINDOW):
        pass
    outcome = harness.process(harness.bucket.put("acme/docs/2", b"x"))
    assert isinstance(outcome, RetryLater)
    assert window + WINDOW_SECONDS <= harness.now + outcome.seconds <= window + MINUTE + 1


@pytest.mark.parametrize(
    "outcome",
    [
        NotSent(timed_out=False),
        ResponseLost(timed_out=True),
        Replied(UpstreamResponse(status=429, headers={"retry-after": "1"}, body=Body.of(b"{}"))),
        Replied(UpstreamResponse(status=401, headers={}, body=Body.of(b"{}"))),
    ],
    ids=["not sent", "lost", "429", "401"],
)
def test_an_attaching_request_is_sent_once_each_time_it_is_admitted(harness: IngestHarness, outcome: Outcome) -> None:
    harness.ingest()
    usual = harness.provider.attempt

    def faulty(request: UpstreamRequest) -> Outcome:
        if not request.url.endswith("/file_batches"):
            return usual(request)
        sent.append(request.url)
        harness.secret_source.text = secret_text(BASE_URL, "sk-another-of-the-providers")
        return outcome

    sent: list[str] = []
    harness.provider.attempt = faulty  # type: ignore[method-assign]
    assert isinstance(harness.process(harness.bucket.put("acme/docs/2", b"x")), RetryLater)
    assert len(sent) == 1


def test_no_team_uses_up_the_pace_of_another_teams_store(harness: IngestHarness) -> None:
    harness.ingest("other/theirs/x")
    (theirs,) = harness.provider.vector_stores
    wanted = AttachRequested(event_id="e", source="crm", file_id="file-x", vector_store_id=theirs)
    harness.process(*(replace(wanted, event_id=f"e{number}") for number in range(ATTACHES_PER_MINUTE)))
    assert isinstance(harness.process(harness.bucket.put("other/theirs/y", b"y")), Done)


def test_a_budget_that_is_used_up_is_waited_for_as_long_as_one_can(harness: IngestHarness) -> None:
    subject = Subject(BudgetScope.TEAM, "red")
    harness.stores.budgets.add_limit(subject, Limit(since=0, max_budget=NanoUSD(0)))
    outcome = harness.process(harness.bucket.put(KEY, b"x"))
    assert isinstance(outcome, RetryLater)
    assert outcome.seconds == 900
    assert "budget" in outcome.reason


def test_a_provider_that_says_how_long_is_obeyed(harness: IngestHarness) -> None:
    limited: dict[str, Any] = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    harness.provider.refuse = lambda *_: (429, limited)
    outcome = harness.process(harness.bucket.put(KEY, b"x"))
    assert isinstance(outcome, RetryLater)


def test_an_invocation_ends_in_time_however_slow_the_provider_is(harness: IngestHarness) -> None:
    harness.ingest()
    (name,) = harness.provider.vector_stores
    (file_id,) = harness.provider.files
    calls: list[float] = []

    def never(request: Any) -> ResponseLost:
        del request
        calls.append(harness.now)
        harness.now += 27.9
        return ResponseLost(timed_out=True)

    harness.provider.attempt = never  # type: ignore[method-assign]
    began = harness.now
    objects = [harness.bucket.put(f"acme/store {number}/x", b"x") for number in range(20)]
    events = [AttachRequested(event_id=f"e{n}", source="crm", file_id=file_id, vector_store_id=name) for n in range(20)]
    reminders = [
        IndexingReminder(team="red", vector_store_id=name, batch_id=None, files={file_id: f"e{n}"}) for n in range(20)
    ]
    outcomes = harness.process(*objects, *events, *reminders)
    assert {type(outcome) for outcome in outcomes} == {RetryLater}
    assert calls[-1] - began < START_WITHIN_SECONDS + UPLOAD_SECONDS
    assert (
        harness.now - began < 900
    )  # the function's time limit: a batch that exceeds it is repeated hours later, five times


def test_no_upload_is_begun_when_the_time_is_up(harness: IngestHarness) -> None:
    (outcome,) = harness.ingestor.process([harness.bucket.put(KEY, b"x")], start_within=0)
    assert isinstance(outcome, RetryLater)
    assert "POST files" not in harness.provider.calls
