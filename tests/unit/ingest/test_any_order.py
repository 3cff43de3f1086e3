"""Events in any order, repeated, with faults and crashes: in the end the stores are as the bucket is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.bucket import BUCKET
from tests.harnesses.ingest import IngestHarness
from vectorgate.ingest.attachment import ATTACHES_PER_MINUTE
from vectorgate.ingest.model import DetailType, ObjectChange, ObjectLocation

if TYPE_CHECKING:
    import random

KEYS = ("acme/docs/a.txt", "acme/docs/deep/b.txt", "acme/wiki/c.txt", "acme/docs/x/a.txt")
ACTIONS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["put", "put", "remove", "purge"])), min_size=1, max_size=10
)


def change_and_send(harness: IngestHarness, actions: list[tuple[str, str]], order: random.Random) -> None:
    """Change the bucket, and send the events: some twice, in random order and at several times."""
    events: list[ObjectChange] = []
    for number, (key, action) in enumerate(actions):
        if action == "put":
            # All of one length: lost uploads are matched by name and size, and these are alike.
            events.append(harness.bucket.put(key, f"content {number:04d}".encode(), metadata={"number": str(number)}))
        elif action == "remove":
            events.append(harness.bucket.remove(key))
        else:
            kept = harness.bucket.objects.get(ObjectLocation(BUCKET, key), [])
            if kept:
                events.append(harness.bucket.purge(key, order.choice(kept).version))
    doubled = events + [event for event in events if order.random() < 0.4]
    order.shuffle(doubled)
    for event in doubled:
        harness.send(event, after=order.choice([0, 0, 0, 1, 70, 700]))


def check(harness: IngestHarness) -> None:
    """Check that the stores are as the bucket is, and that nothing else is left."""
    assert harness.failures == []
    assert harness.attachments() == harness.expected_attachments()
    stores = Counter(store.name for store in harness.provider.vector_stores.values())
    assert all(count == 1 for count in stores.values()), stores
    attached = {name for store in harness.provider.vector_stores.values() for name in store.files}
    assert set(harness.provider.files) == attached, "a file that is not attached"
    assert max(harness.provider.attach_counts.values(), default=0) <= 1, "attached twice"
    assert harness.provider.most_attaches() <= ATTACHES_PER_MINUTE
    indexed = {event.detail["file_id"] for event in harness.events if event.detail_type is DetailType.FILE_INDEXED}
    assert attached <= indexed, "a result is missing"


@pytest.mark.parametrize("fault_rate", [0.0, 0.2])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=ACTIONS, seed=st.integers(0, 2**32), crashes=st.lists(st.integers(0, 60), max_size=4))
def test_the_stores_end_up_as_the_bucket_is(
    fault_rate: float, actions: list[tuple[str, str]], seed: int, crashes: list[int]
) -> None:
    harness = IngestHarness(seed, fault_rate=fault_rate)
    change_and_send(harness, actions, harness.rng)
    for crash in crashes:
        harness.crash_at = crash
        while harness.crash_at is not None and harness.step(3):
            harness.now += 1
    harness.crash_at = None
    harness.run(3)
    check(harness)
    harness.close()
