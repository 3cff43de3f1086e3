"""The issue's own scenario: 1,000 objects, a tenth of the notices doubled, out of order, one call in five fails."""

from __future__ import annotations

from collections import Counter

from tests.support.ingest_town import Town
from vectorgate.ingest.attaching import ATTACHES_A_MINUTE
from vectorgate.ingest.model import Kind

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
    assert max(town.attaches.values()) <= ATTACHES_A_MINUTE
    indexed = Counter(event.detail["key"] for event in town.events if event.kind is Kind.FILE_INDEXED)
    assert set(indexed) == {notice.place.key for notice in notices}
    assert not [event for event in town.events if event.kind is not Kind.FILE_INDEXED]
    town.close()


def test_a_burst_into_one_store_waits_for_the_next_minute_and_loses_nothing() -> None:
    town = Town()
    notices = [town.put(f"acme/docs/{number:04d}.md", b"x" * 10) for number in range(330)]
    town.send(*notices)
    town.run(1)  # each object a request of its own
    assert max(town.attaches.values()) == ATTACHES_A_MINUTE
    assert sum(town.attaches.values()) == len(notices)
    assert sorted(town.attaches.values()) == [len(notices) - ATTACHES_A_MINUTE, ATTACHES_A_MINUTE]
    assert town.dead == []
    assert sum(town.truth().values()) == len(notices)
    town.close()


def test_objects_that_are_taken_together_are_attached_together() -> None:
    town = Town()
    town.send(*[town.put(f"acme/docs/{number:04d}.md", b"x", metadata={"n": str(number)}) for number in range(600)])
    town.run(600)
    assert sorted(len(body["files"]) for body in town.bodies) == [100, 500]
    assert sum(town.truth().values()) == 600
    town.close()
