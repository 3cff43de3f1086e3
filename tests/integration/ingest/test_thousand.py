"""A bad afternoon: 1,000 objects, a tenth of the notices doubled, out of order, one call in five fails."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.ingest import Town
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

OBJECTS = 1_000


def test_a_thousand_objects_are_attached_exactly_once_and_no_faster_than_allowed() -> None:
    town = Town(seed=17, odds=0.2)
    order = town.dice
    notices = [
        town.put(f"acme/docs/{number % 7}/{number:04d}.md", f"{number:04d}".encode() * 20, metadata={"n": str(number)})
        for number in range(OBJECTS)
    ]
    told = [*notices, *order.sample(notices, OBJECTS // 10)]
    order.shuffle(told)
    town.send(*told)
    town.run(3)  # few at a time: more requests than a minute allows, so that they have to be paced

    assert town.dead == [], "nothing is lost"
    assert town.truth() == town.expected()
    assert sum(town.truth().values()) == OBJECTS
    assert set(town.attached.values()) == {1}, "each exactly once"
    assert len(town.vector_stores) == 1
    assert len(town.files) == OBJECTS, "no upload is left over"
    assert town.busiest() <= ATTACHES_PER_MINUTE
    indexed = Counter(event.detail["key"] for event in town.events if event.detail_type is DetailType.FILE_INDEXED)
    assert set(indexed) == {notice.location.key for notice in notices}
    assert not [event for event in town.events if event.detail_type is not DetailType.FILE_INDEXED]
    town.close()


@pytest.mark.parametrize("second", [0, 50])
@pytest.mark.parametrize("odds", [0.0, 0.2])
def test_a_burst_is_spread_over_any_sixty_seconds_whatever_the_clock_says(second: int, odds: float) -> None:
    town = Town(seed=5, odds=odds)
    town.now += second - town.now % MINUTE
    notices = [town.put(f"acme/docs/{number:04d}.md", b"x" * 10) for number in range(700)]
    town.send(*notices)
    town.run(1)  # each object a request of its own
    (times,) = town.attaches.values()
    assert len(times) >= len(notices)
    assert ATTACHES_PER_MINUTE / 2 < town.busiest() <= ATTACHES_PER_MINUTE
    assert town.dead == []
    assert set(town.attached.values()) == {1}
    assert sum(town.truth().values()) == len(notices)
    town.close()


def test_what_was_admitted_and_delayed_is_not_sent_into_somebody_elses_minute() -> None:
    town = Town()
    town.send(town.put("acme/docs/a.md", b"x"))
    town.step()
    town.attaches.clear()
    marked, slow = town.ingestor.store.put_object_row, iter([0.0, 0.0, SEND_WITHIN_SECONDS + 1.0])

    def put_object_row(row: ObjectRow) -> None:
        marked(row)
        town.now += next(slow, 0.0)

    town.ingestor.store.put_object_row = put_object_row  # type: ignore[method-assign]
    town.send(town.put("acme/docs/b.md", b"x"))
    town.step()
    assert town.attaches == {}
    town.run()
    assert sum(town.truth().values()) == 2
    town.close()


def test_windows_that_have_a_part_in_a_minutes_requests_hold_no_more_than_a_minute_may() -> None:
    stretch = MINUTE + SEND_WITHIN_SECONDS  # begins and ends within a window
    assert (stretch // WINDOW_SECONDS + 1) * ATTACHES_PER_WINDOW <= ATTACHES_PER_MINUTE
    assert stretch % WINDOW_SECONDS == 0


def test_objects_that_are_taken_together_are_attached_together() -> None:
    town = Town()
    town.send(*[town.put(f"acme/docs/{number:04d}.md", b"x", metadata={"n": str(number)}) for number in range(600)])
    town.run(600)
    assert sorted(len(body["files"]) for body in town.bodies) == [100, 500]
    assert sum(town.truth().values()) == 600
    town.close()
