"""What happens after the answer: time, cancellation, crashes; with the clock and the work in our hands."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError

from engine import files, worker
from engine.adapters.filesystem import FolderBlobs
from engine.adapters.sqlite import queue

DAY = 86_400


def chunks(clocked: Any, store: str) -> int:
    """How many chunks are stored for a store."""
    path = Path(clocked.service.engine.index._folder) / f"{store}.db"
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM chunks").fetchone()[0])
    finally:
        connection.close()


def read(blobs: Any, blob_id: str) -> bytes:
    with blobs.open(blob_id) as stream:
        return bytes(stream.read())


def blobs(clocked: Any) -> list[str]:
    return [path.name for path in clocked.service.engine.blobs._files.iterdir()]


def expiring(clocked: Any, days: int = 1) -> str:
    expiry = {"anchor": "last_active_at", "days": days}
    store: str = clocked.client.vector_stores.create(file_ids=[clocked.file()], expires_after=expiry).id
    clocked.work()
    return store


def test_a_store_expires_and_its_chunks_are_released(clocked: Any) -> None:
    store = expiring(clocked)
    assert chunks(clocked, store) == 1
    clocked.clock[0] += DAY
    before_sweep = clocked.client.vector_stores.retrieve(store)
    clocked.later(0)
    after_sweep = clocked.client.vector_stores.retrieve(store)
    assert before_sweep == after_sweep
    assert (after_sweep.status, after_sweep.usage_bytes, after_sweep.file_counts.total) == ("expired", 0, 0)
    assert chunks(clocked, store) == 0


@pytest.mark.parametrize("use", ["search", "update", "attach"])
def test_activity_postpones_the_expiry(clocked: Any, use: str) -> None:
    store = expiring(clocked)
    clocked.later(DAY - 10)
    if use == "search":
        clocked.client.vector_stores.search(store, query="text")
    elif use == "update":
        clocked.client.vector_stores.update(store, name="new")
    else:
        clocked.client.vector_stores.files.create(store, file_id=clocked.file())
    found = clocked.client.vector_stores.retrieve(store)
    assert found.last_active_at == int(clocked.clock[0])
    clocked.later(DAY - 10)
    assert clocked.client.vector_stores.retrieve(store).status != "expired"
    clocked.later(10)
    assert clocked.client.vector_stores.retrieve(store).status == "expired"


def test_reading_is_not_activity(clocked: Any) -> None:
    store = expiring(clocked)
    created = clocked.client.vector_stores.retrieve(store).last_active_at
    clocked.later(100)
    assert clocked.client.vector_stores.retrieve(store).last_active_at == created


def test_an_expired_store_can_only_be_read_and_deleted(clocked: Any) -> None:
    store = expiring(clocked)
    clocked.later(DAY)
    client = clocked.client
    expired = f"Vector store {store} is expired."
    with pytest.raises(BadRequestError, match=expired):
        client.vector_stores.search(store, query="x")
    with pytest.raises(BadRequestError, match=expired):
        client.vector_stores.update(store, expires_after=None)
    with pytest.raises(BadRequestError, match=expired):
        client.vector_stores.files.create(store, file_id=clocked.file())
    assert client.vector_stores.list().data[0].status == "expired"
    assert client.vector_stores.delete(store).deleted


def test_a_file_expires_everywhere(clocked: Any) -> None:
    expiry = {"anchor": "created_at", "seconds": 3600}
    file = clocked.client.files.create(file=("a.txt", b"words"), purpose="user_data", expires_after=expiry).id
    store = clocked.client.vector_stores.create(file_ids=[file]).id
    clocked.work()
    clocked.clock[0] += 3600
    with pytest.raises(NotFoundError):
        clocked.client.files.retrieve(file)
    with pytest.raises(NotFoundError):
        clocked.client.vector_stores.create(file_ids=[file])
    assert clocked.client.files.list().data == []
    clocked.later(0)
    assert clocked.client.vector_stores.retrieve(store).file_counts.total == 0
    assert (blobs(clocked), chunks(clocked, store)) == ([], 0)


def test_cancelling_a_batch_cancels_what_is_not_done(clocked: Any) -> None:
    store = clocked.client.vector_stores.create().id
    files = [clocked.file() for _ in range(3)]
    batch = clocked.client.vector_stores.file_batches.create(store, file_ids=files)
    assert batch.status == "in_progress"
    clocked.service.worker.step()
    cancelled = clocked.client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store)
    assert (cancelled.status, cancelled.file_counts.cancelled, cancelled.file_counts.completed) == ("cancelled", 2, 1)
    clocked.work()
    assert chunks(clocked, store) == 1
    left = clocked.client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store, filter="cancelled")
    assert [file.id for file in left] == files[:0:-1]


def test_cancelling_a_finished_batch_changes_nothing(clocked: Any) -> None:
    store = clocked.client.vector_stores.create().id
    batch = clocked.client.vector_stores.file_batches.create(store, file_ids=[clocked.file()])
    clocked.work()
    assert clocked.client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store).status == "completed"


@pytest.mark.parametrize("act", ["cancel", "detach", "again", "delete_file", "delete_store"])
def test_what_happens_during_a_job_wins(clocked: Any, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """The job has its chunks ready when what it works on changes."""
    store = clocked.client.vector_stores.create().id
    file = clocked.file()
    batch = clocked.client.vector_stores.file_batches.create(store, file_ids=[file]).id
    stores = clocked.client.vector_stores
    acts = {
        "cancel": lambda: stores.file_batches.cancel(batch, vector_store_id=store),
        "detach": lambda: stores.files.delete(file, vector_store_id=store),
        "again": lambda: stores.files.create(store, file_id=file, attributes={"v": "2"}),
        "delete_file": lambda: clocked.client.files.delete(file),
        "delete_store": lambda: stores.delete(store),
    }
    entries = worker.Worker._entries

    def interrupted(self: worker.Worker, job: Any) -> Any:
        found = entries(self, job)
        acts.pop(act, lambda: None)()
        return found

    monkeypatch.setattr(worker.Worker, "_entries", interrupted)
    clocked.work()
    assert chunks(clocked, store) == (1 if act == "again" else 0)
    if act == "again":
        assert [result.attributes for result in stores.search(store, query="text")] == [{"v": "2"}]
    assert clocked.service.engine.queue._claimed == set()


def test_a_job_whose_commit_was_lost_is_done_again(clocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = clocked.client.vector_stores.create(file_ids=[clocked.file()]).id
    with monkeypatch.context() as patched:
        patched.setattr(queue, "COMPLETE", "SELECT crash, here(?, ?)")
        patched.setattr(queue, "FAIL", "SELECT crash, here(?, ?, ?)")
        with pytest.raises(sqlite3.OperationalError):
            clocked.service.worker.step()
    assert chunks(clocked, store) == 1
    assert clocked.client.vector_stores.search(store, query="text").data == []
    clocked.work()
    assert chunks(clocked, store) == 1
    assert clocked.client.vector_stores.retrieve(store).status == "completed"


def test_a_job_that_takes_the_process_down_is_given_up(clocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = clocked.client.vector_stores.create(file_ids=[clocked.file()]).id

    def die(_self: worker.Worker, _job: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(worker.Worker, "_entries", die)
        for _ in range(worker.MAX_TRIES):
            with pytest.raises(KeyboardInterrupt):
                clocked.service.worker.step()
    clocked.work()
    (file,) = clocked.client.vector_stores.files.list(store).data
    assert (file.status, file.last_error.code) == ("failed", "server_error")


def test_a_defect_fails_the_file_and_is_logged(
    clocked: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = clocked.client.vector_stores.create(file_ids=[clocked.file()]).id

    def fail(_self: worker.Worker, _job: Any) -> None:
        raise ZeroDivisionError("the cause")

    monkeypatch.setattr(worker.Worker, "_entries", fail)
    clocked.work()
    (file,) = clocked.client.vector_stores.files.list(store).data
    assert file.last_error.code == "server_error"
    assert "the cause" not in file.last_error.message
    assert "the cause" in caplog.text


def test_too_many_tokens_are_the_files_fault(clocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MAX_TOKENS", 2)
    store = clocked.client.vector_stores.create(file_ids=[clocked.file()]).id
    clocked.work()
    (file,) = clocked.client.vector_stores.files.list(store).data
    assert file.last_error.code == "invalid_file"


def test_usage_is_the_text_and_its_embedding(clocked: Any) -> None:
    store = clocked.client.vector_stores.create(file_ids=[clocked.file("né")]).id
    clocked.work()
    assert clocked.client.vector_stores.retrieve(store).usage_bytes == len("né".encode()) + 256 * 4


def test_seeding_twice_is_seeding_once(clocked: Any) -> None:
    first = files.seed(clocked.service.engine, "file-seed", "a.txt", b"one")
    assert files.seed(clocked.service.engine, "file-seed", "b.txt", b"two") == first
    assert read(clocked.service.engine.blobs, "file-seed") == b"one"
    with pytest.raises(ValueError, match="not an id"):
        files.seed(clocked.service.engine, "../x", "a.txt", b"")


def test_leftovers_of_a_crash_are_cleared(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    (tmp_path / "incoming" / "half").write_bytes(b"x")
    (tmp_path / "files" / "file-unrecorded").write_bytes(b"x")
    (tmp_path / "files" / "file-known").write_bytes(b"x")
    store.clear(frozenset({"file-known"}))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["file-known"]


def test_no_blob_has_a_path_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not an id"):
        FolderBlobs(tmp_path).open("../../etc/passwd")


def test_the_caches_of_forgotten_stores_are_evicted(clocked: Any) -> None:
    clocked.service.engine.index._cached_bytes = 1500
    stores = [expiring(clocked) for _ in range(3)]
    for store in stores:
        assert len(clocked.client.vector_stores.search(store, query="text").data) == 1
    assert list(clocked.service.engine.index._cache) == stores[-1:]


def test_an_index_may_vanish_while_it_is_read(clocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = expiring(clocked)
    index = clocked.service.engine.index.file(store)
    path = index._path
    answers = iter([True, False])
    monkeypatch.setattr(type(path), "exists", lambda _: next(answers))
    path.unlink()
    assert index.texts(1) == []


def test_an_index_that_is_being_made_is_empty(clocked: Any) -> None:
    index = clocked.service.engine.index.file("vs_new")
    index._path.touch()
    assert len(index.load().chunks) == 0
    assert (index.texts(1), index.chunk_texts([1]), index.match('"a"', 1), index.counts(['"a"'])) == ([], {}, [], {})


def test_a_thread_survives_a_full_disk(clocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lone = worker.Worker(clocked.service.engine, 1)
    failures = [sqlite3.OperationalError("disk full")]
    claim = queue.SqliteWorkQueue.claim

    def sometimes(self: queue.SqliteWorkQueue) -> Any:
        if failures:
            raise failures.pop()
        return claim(self)

    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(queue.SqliteWorkQueue, "claim", sometimes)
    store = clocked.client.vector_stores.create(file_ids=[clocked.file()]).id
    lone.start()
    while clocked.client.vector_stores.retrieve(store).status != "completed":
        time.sleep(0.01)
    assert lone.stop()
