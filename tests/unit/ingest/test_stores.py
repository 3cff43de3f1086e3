"""Which vector store an object is attached to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectorgate.ingest.model import (
    CreateRequested,
    RetryLater,
)

if TYPE_CHECKING:
    from tests.harnesses.ingest import IngestHarness


def test_objects_that_come_together_share_one_store(harness: IngestHarness) -> None:
    harness.send(*[harness.bucket.put(f"acme/docs/{number}", b"x") for number in range(30)])
    harness.run(10)
    assert len(harness.provider.vector_stores) == 1
    assert harness.attachments() == harness.expected_attachments()


def test_a_store_is_made_once_by_two_that_do_not_see_each_other(harness: IngestHarness) -> None:
    first, second = harness.bucket.put("acme/docs/1", b"x"), harness.bucket.put("acme/docs/2", b"y")
    execute = harness.provider.execute
    second_outcomes: list[Any] = []

    def meanwhile(request: Any) -> Any:
        done = execute(request)
        if request.url.endswith("/vector_stores") and not second_outcomes:
            second_outcomes.append(harness.process(second))
        return done

    harness.provider.execute = meanwhile  # type: ignore[method-assign]
    harness.process(first)
    assert isinstance(second_outcomes[0], RetryLater)
    harness.send(first, second)
    harness.run()
    assert len(harness.provider.vector_stores) == 1
    assert harness.attachments() == harness.expected_attachments()


def test_an_id_of_ones_own_means_that_store(harness: IngestHarness) -> None:
    harness.process(CreateRequested(event_id="e1", source="crm", body={"name": "mine"}))
    (name,) = harness.provider.vector_stores
    harness.ingest(f"acme/{name}/a.txt")
    assert list(harness.provider.vector_stores) == [name]
    assert len(harness.provider.vector_stores[name].files) == 1


def test_another_teams_id_is_only_a_name(harness: IngestHarness) -> None:
    harness.process(CreateRequested(event_id="e1", source="other", body={"name": "theirs"}))
    (theirs,) = harness.provider.vector_stores
    harness.ingest(f"acme/{theirs}/a.txt")
    assert harness.provider.vector_stores[theirs].files == {}
    assert [store.name for store in harness.provider.vector_stores.values()] == ["theirs", theirs]


def test_teams_have_stores_of_their_own_under_one_name(harness: IngestHarness) -> None:
    harness.ingest("acme/docs/a")
    harness.ingest("other/docs/a")
    assert [len(store.files) for store in harness.provider.vector_stores.values()] == [1, 1]


def test_a_store_that_was_deleted_is_created_again(harness: IngestHarness) -> None:
    harness.ingest("acme/docs/1")
    harness.provider.vector_stores.clear()
    harness.send(harness.bucket.put("acme/docs/2", b"x"), harness.bucket.put("acme/docs/3", b"x"))
    harness.run()
    assert [len(store.files) for store in harness.provider.vector_stores.values()] == [2]
