"""Whatever comes, in whatever order, twice, with faults and crashes: the stores end up like the bucket."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harnesses.ingest import BUCKET, Town
from vectorgate.ingest.attachment import ATTACHES_PER_MINUTE
from vectorgate.ingest.model import DetailType, ObjectChange, ObjectLocation

if TYPE_CHECKING:
    import random

KEYS = ("acme/docs/a.txt", "acme/docs/deep/b.txt", "acme/wiki/c.txt", "acme/docs/x/a.txt")
ACTIONS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["put", "put", "remove", "purge"])), min_size=1, max_size=10
)


def played(town: Town, actions: list[tuple[str, str]], order: random.Random) -> None:
    """Do it to the bucket, and tell of it: some twice, none in order, in batches."""
    notices: list[ObjectChange] = []
    for number, (key, action) in enumerate(actions):
        if action == "put":
            # All of one length: what was lost is found again by its looks, and these look alike.
            notices.append(town.put(key, f"content {number:04d}".encode(), metadata={"number": str(number)}))
        elif action == "remove":
            notices.append(town.remove(key))
        else:
            kept = town.objects.get(ObjectLocation(BUCKET, key), [])
            if kept:
                notices.append(town.purge(key, order.choice(kept).version))
    doubled = notices + [notice for notice in notices if order.random() < 0.4]
    order.shuffle(doubled)
    for notice in doubled:
        town.send(notice, after=order.choice([0, 0, 0, 1, 70, 700]))


def check(town: Town) -> None:
    """The stores are as the bucket is, and nothing else is left."""
    assert town.dead == []
    assert town.truth() == town.expected()
    stores = Counter(store.name for store in town.vector_stores.values())
    assert all(count == 1 for count in stores.values()), stores
    attached = {name for store in town.vector_stores.values() for name in store.files}
    assert set(town.files) == attached, "a file that nobody needs"
    assert max(town.attached.values(), default=0) <= 1, "attached twice"
    assert town.busiest() <= ATTACHES_PER_MINUTE
    indexed = {event.detail["file_id"] for event in town.events if event.detail_type is DetailType.FILE_INDEXED}
    assert attached <= indexed, "a result is missing"


@pytest.mark.parametrize("odds", [0.0, 0.2])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=ACTIONS, seed=st.integers(0, 2**32), crashes=st.lists(st.integers(0, 60), max_size=4))
def test_the_stores_end_up_as_the_bucket_is(
    odds: float, actions: list[tuple[str, str]], seed: int, crashes: list[int]
) -> None:
    town = Town(seed, odds=odds)
    played(town, actions, town.dice)
    for crash in crashes:
        town.crash_at = crash
        while town.crash_at is not None and town.step(3):
            town.now += 1
    town.crash_at = None
    town.run(3)
    check(town)
    town.close()
