"""The watched folder of local mode: files in, searchable documents out, whatever happens in between."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from openai import OpenAI

from tests.harnesses.local_process import KEY, LocalProcess
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from pathlib import Path

    from openai.types import VectorStore

SECONDS = 20
OLD = 1_600_000_000


def client_of(process: LocalProcess) -> OpenAI:
    """With the local key."""
    return OpenAI(api_key=KEY, base_url=f"{process.url}/v1", max_retries=0)


def put(process: LocalProcess, key: str, text: str, at: int = OLD) -> Path:
    """A file that is complete."""
    path = process.home / "ingest" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    part.write_text(text)
    os.utime(part, (at, at))
    return part.rename(path)


def found(client: OpenAI, name: str, query: str, text: str) -> VectorStore | None:
    """The store of that name, once its only document says that."""
    stores = [store for store in client.vector_stores.list().data if store.name == name]
    if not stores or stores[0].file_counts.completed != 1:
        return None
    hits = client.vector_stores.search(stores[0].id, query=query).data
    return stores[0] if [hit.content[0].text for hit in hits] == [text] else None


def test_files_are_ingested_replaced_and_removed_across_a_crash(tmp_path: Path) -> None:
    with LocalProcess(tmp_path / "home") as process:
        client = client_of(process)
        put(process, "demo/Terms/refunds.md", "Refunds take thirty days.")
        store = within(SECONDS, lambda: found(client, "Terms", "refunds", "Refunds take thirty days."))
        path = put(process, "demo/Terms/refunds.md", "Refunds take sixty days.", at=OLD + 1)
        process.kill()
    with LocalProcess(tmp_path / "home") as process:
        client = client_of(process)
        again = within(SECONDS, lambda: found(client, "Terms", "refunds", "Refunds take sixty days."))
        assert again.id == store.id
        within(SECONDS, lambda: len(client.files.list().data) == 3)  # the two demo files, and the newest version
        path.unlink()
        within(SECONDS, lambda: client.vector_stores.retrieve(store.id).file_counts.total == 0)
        assert [each.name for each in client.vector_stores.list().data] == ["Terms"]


def test_a_file_that_is_refused_is_told_of_once_and_not_at_each_start(tmp_path: Path) -> None:
    with LocalProcess(tmp_path / "home") as process:
        for key in ("demo/store/bad.exe", "unmapped/store/a.md", "demo/without-a-store.md"):
            put(process, key, "MZ")
        within(SECONDS, lambda: len(failed(process)) == 4)  # a file of no team has no event
        told = failed(process)
    assert [name for name in ("bad.exe", "unmapped", "without-a-store") if name not in "".join(told)] == []
    with LocalProcess(tmp_path / "home") as process:
        put(process, "demo/store/good.md", "text")
        within(SECONDS, lambda: any(line.startswith("File Indexed") for line in process.lines()))
        assert failed(process) == []
        put(process, "demo/without-a-store.md", "other")
        within(SECONDS, lambda: failed(process))


def failed(process: LocalProcess) -> list[str]:
    """The lines about files that were not ingested."""
    return [line for line in process.lines() if line.startswith(("not ingested", "File Failed"))]


def test_a_folder_without_a_sender_is_ignored(tmp_path: Path) -> None:
    with LocalProcess(tmp_path / "home") as process:
        put(process, "other/store/a.md", "text")
        put(process, "demo/store/b.md", "text")
        client = client_of(process)
        within(SECONDS, lambda: found(client, "store", "text", "text"))
        assert len(client.vector_stores.list().data) == 1
