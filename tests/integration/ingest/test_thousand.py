"""1,000 objects, a tenth of the events repeated, out of order, while one call in five fails."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.ingest import IngestHarness
from vectorgate.ingest.attachment import (
    ATTACHES_PER_MINUTE,
    ATTACHES_PER_WINDOW,
    MINUTE,
    SEND_WITHIN_SECONDS,
    WINDOW_SECONDS,
)
from vectorgate.ingest.model import DetailType

if TYPE_CHECKING:
    from vectorgate.ingest.model import ObjectRow


@pytest.mark.parametrize(("objects", "together"), [(400, 1), pytest.param(1_000, 3, marks=pytest.mark.exhaustive)])
def test_many_objects_are_attached_exactly_once_and_no_faster_than_allowed(objects: int, together: int) -> None:
    harness = IngestHarness(seed=17, fault_rate=0.2)
    order = harness.rng
    events = [
        harness.bucket.put(
            f"acme/docs/{number % 7}/{number:04d}.md", f"{number:04d}".encode() * 20, metadata={"n": str(number)}
        )
        for number in range(objects)
    ]
    sent = [*events, *order.sample(events, objects // 10)]
    order.shuffle(sent)
    harness.send(*sent)
    harness.run(together)  # few at a time, so that there are more requests than a minute allows

    assert harness.failures == [], "nothing is lost"
    assert harness.attachments() == harness.expected_attachments()
    assert sum(harness.attachments().values()) == objects
    assert set(harness.provider.attach_counts.values()) == {1}, "each exactly once"
    assert len(harness.provider.vector_stores) == 1
    assert len(harness.provider.files) == objects, "no upload is left over"
    assert harness.provider.most_attaches() <= ATTACHES_PER_MINUTE
    indexed = Counter(event.detail["key"] for event in harness.events if event.detail_type is DetailType.FILE_INDEXED)
    assert set(indexed) == {event.location.key for event in events}
    assert not [event for event in harness.events if event.detail_type is not DetailType.FILE_INDEXED]
    harness.close()


@pytest.mark.parametrize(("second", "fault_rate"), [pytest.param(0, 0.2, marks=pytest.mark.exhaustive), (50, 0.0)])
def test_a_burst_is_spread_over_any_sixty_seconds_whatever_the_clock_says(second: int, fault_rate: float) -> None:
    harness = IngestHarness(seed=5, fault_rate=fault_rate)
    harness.now += second - harness.now % MINUTE
    events = [harness.bucket.put(f"acme/docs/{number:04d}.md", b"x" * 10) for number in range(700)]
    harness.send(*events)
    harness.run(1)  # each object a request of its own
    (times,) = harness.provider.attach_times.values()
    assert len(times) >= len(events)
    assert ATTACHES_PER_MINUTE / 2 < harness.provider.most_attaches() <= ATTACHES_PER_MINUTE
    assert harness.failures == []
    assert set(harness.provider.attach_counts.values()) == {1}
    assert sum(harness.attachments().values()) == len(events)
    harness.close()


def test_what_was_admitted_and_delayed_is_not_sent_in_a_later_window() -> None:
    harness = IngestHarness()
    harness.send(harness.bucket.put("acme/docs/a.md", b"x"))
    harness.step()
    harness.provider.attach_times.clear()
    marked, slow = harness.ingestor.store.put_object_row, iter([0.0, 0.0, SEND_WITHIN_SECONDS + 1.0])

    def put_object_row(row: ObjectRow) -> None:
        marked(row)
        harness.now += next(slow, 0.0)

    harness.ingestor.store.put_object_row = put_object_row  # type: ignore[method-assign]
    harness.send(harness.bucket.put("acme/docs/b.md", b"x"))
    harness.step()
    assert harness.provider.attach_times == {}
    harness.run()
    assert sum(harness.attachments().values()) == 2
    harness.close()


def test_windows_that_have_a_part_in_a_minutes_requests_hold_no_more_than_a_minute_may() -> None:
    stretch = MINUTE + SEND_WITHIN_SECONDS  # starts and ends within a window
    assert (stretch // WINDOW_SECONDS + 1) * ATTACHES_PER_WINDOW <= ATTACHES_PER_MINUTE
    assert stretch % WINDOW_SECONDS == 0


def test_objects_that_are_taken_together_are_attached_together() -> None:
    harness = IngestHarness()
    harness.send(
        *[harness.bucket.put(f"acme/docs/{number:04d}.md", b"x", metadata={"n": str(number)}) for number in range(600)]
    )
    harness.run(600)
    assert sorted(len(body["files"]) for body in harness.provider.bodies) == [100, 500]
    assert sum(harness.attachments().values()) == 600
    harness.close()
