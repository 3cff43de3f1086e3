"""The reference page's samples as printed, and what a user does next, against local mode as a process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.harnesses.local_process import KEY, ROOT, LocalProcess, alive
from tests.helpers.pinned_packages import pinned
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

FILES = ["file-abc123", "file-def456"]
FIELDS = {
    "id",
    "object",
    "created_at",
    "name",
    "bytes",
    "usage_bytes",
    "file_counts",
    "status",
    "expires_after",
    "expires_at",
    "last_active_at",
    "metadata",
}
PAGE = (ROOT / "tests/integration/client/reference.mdx").read_text("utf-8")


def printed_on_the_page(title: str) -> str:
    """The code of a sample."""
    (code,) = re.findall(rf'```\w+ [^\n]*title="{re.escape(title)}"\n(.*?)```', PAGE, re.DOTALL)
    return str(code)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path_factory.mktemp("process") / "home") as process:
        yield process


@pytest.fixture
def client(process: LocalProcess, http_client: httpx2.Client) -> openai.OpenAI:
    return client_of(process, http_client)


def client_of(process: LocalProcess, http_client: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{process.url}/v1", api_key=KEY, max_retries=0, http_client=http_client)


@pytest.fixture(scope="session")
def old_client() -> Path:
    """`openai` 1.65, hash-pinned, in a folder of its own."""
    return pinned("openai-1.65")


def here(sample: str, process: LocalProcess) -> str:
    return sample.replace("http://0.0.0.0:4000", process.url)


def assert_is_the_pages(store: dict[str, Any], client: openai.OpenAI) -> None:
    """The fields of the page, and two files that are ready within three seconds."""
    assert store.keys() >= FIELDS - {"bytes"}
    assert (store["object"], store["name"]) == ("vector_store", "My Document Store")
    assert store["file_counts"]["total"] == 2
    done = within(30, lambda: ready(client, store["id"]))
    assert (done["file_counts"]["completed"], done["file_counts"]["in_progress"]) == (2, 0)
    assert done["bytes"] == done["usage_bytes"] > 0


def ready(client: openai.OpenAI, store: str) -> dict[str, Any] | None:
    found = client.vector_stores.retrieve(store)
    return found.model_dump() if found.status == "completed" else None


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_pages_curl_runs_as_printed(process: LocalProcess, client: openai.OpenAI) -> None:
    sample = here(printed_on_the_page("Create Vector Store via curl"), process)
    store = json.loads(subprocess.run(["/bin/sh", "-c", sample], check=True, capture_output=True, text=True).stdout)  # noqa: S603
    assert store.keys() >= FIELDS
    assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
    assert store["metadata"] == {"project": "rag-system", "environment": "production"}
    assert_is_the_pages(store, client)


def test_the_pages_sdk_sample_runs_as_printed_with_the_client_of_its_time(
    process: LocalProcess, client: openai.OpenAI, old_client: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(old_client), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", here(printed_on_the_page("OpenAI SDK via LiteLLM Proxy"), process)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout  # noqa: S603
    shown = re.fullmatch(r"VectorStore\(id='(vs_\w+)', (.*)\)\n", printed)
    assert shown is not None, printed
    assert {"id", *re.findall(r"(\w+)=", shown[2])} >= FIELDS - {"bytes"}
    assert "name='My Document Store'" in shown[2]
    assert_is_the_pages(client.vector_stores.retrieve(shown[1]).model_dump(), client)


IN_PARTS = """from openai import OpenAI

client = OpenAI(base_url="http://0.0.0.0:4000/v1", api_key="sk-1234", max_retries=0)
text = b"# Bees\\n\\nBees make honey.\\n" + b"Filler of no weight. " * 300_000
upload = client.uploads.upload_file_chunked(
    file=text, filename="bees.md", bytes=len(text), mime_type="text/markdown", purpose="assistants", part_size=4_000_000
)
print(upload.to_json(indent=None))
"""


def test_the_old_client_sends_a_file_in_parts(process: LocalProcess, client: openai.OpenAI, old_client: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(old_client), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", here(IN_PARTS, process)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)  # noqa: S603 - this test's command
    upload = json.loads(done.stdout)
    assert (upload["status"], upload["bytes"]) == ("completed", upload["file"]["bytes"])
    assert client.files.retrieve(upload["file"]["id"]).filename == "bees.md"


@pytest.mark.parametrize("suffix", ["", "/v1"])
def test_the_newest_client_creates_with_and_without_v1(
    process: LocalProcess, client: openai.OpenAI, http_client: httpx2.Client, suffix: str
) -> None:
    newest = openai.OpenAI(base_url=process.url + suffix, api_key=KEY, http_client=http_client)
    store = newest.vector_stores.create(name="My Document Store", file_ids=FILES)
    assert_is_the_pages(store.model_dump(), client)


def test_upload_create_retrieve_list_delete_by_hand(client: openai.OpenAI) -> None:
    file = client.files.create(file=("notes.md", b"# Bees\n\nBees make honey."), purpose="assistants")
    store = client.vector_stores.create(name="bees", file_ids=[file.id])
    within(30, lambda: ready(client, store.id))
    assert store.id in [listed.id for listed in client.vector_stores.list()]
    assert client.files.retrieve(file.id).filename == "notes.md"
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(store.id)
    assert client.files.delete(file.id).deleted
    assert file.id not in [listed.id for listed in client.files.list()]


def test_the_same_with_the_async_client(process: LocalProcess) -> None:
    async def flow() -> None:
        async with openai.AsyncOpenAI(base_url=process.url, api_key=KEY, max_retries=0) as client:
            file = await client.files.create(file=("notes.txt", b"plain"), purpose="assistants")
            store = await client.vector_stores.create(name="async", file_ids=[file.id])
            assert (await client.vector_stores.retrieve(store.id)).id == store.id
            assert store.id in [listed.id async for listed in client.vector_stores.list()]
            assert (await client.vector_stores.delete(store.id)).deleted

    asyncio.run(flow())


def test_each_request_is_a_settled_record_within_two_seconds(tmp_path: Path, http_client: httpx2.Client) -> None:
    with LocalProcess(tmp_path / "home") as process:
        client = client_of(process, http_client)
        store = client.vector_stores.create(name="x").id
        client.vector_stores.retrieve(store)
        client.vector_stores.delete(store)
        with pytest.raises(openai.NotFoundError):
            client.vector_stores.retrieve(store)
        rows = within(30, lambda: settled(client, process, 4))
        assert {row["spend"] for row in rows} == {0}
        assert all(row["price_id"] for row in rows)


def settled(client: openai.OpenAI, process: LocalProcess, count: int) -> list[dict[str, Any]]:
    """All rows, once there are that many and none waits."""
    rows: Any = client.get(f"{process.url}/spend/logs", cast_to=object)
    done = [row for row in rows if row["state"] in {"settled", "voided"}]
    assert len(rows) <= count
    return done if len(done) == count else []


def test_the_demo_files_are_listed_as_they_are_retrieved(client: openai.OpenAI) -> None:
    listed = {file.id: file for file in client.files.list() if file.id in FILES}
    assert listed == {name: client.files.retrieve(name) for name in FILES}
    assert all(file.bytes for file in listed.values())


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_what_was_made_is_there_after_a_restart(tmp_path: Path, http_client: httpx2.Client, ending: str) -> None:
    home = tmp_path / "home"
    with LocalProcess(home) as first:
        client = client_of(first, http_client)
        file = client.files.create(file=("notes.md", b"kept"), purpose="assistants").id
        store = client.vector_stores.create(name="kept", file_ids=[file]).id
        upstreams = first.children()
        assert upstreams
        status = getattr(first, ending)()
    assert status == (0 if ending == "stop" else -9)
    with LocalProcess(home, first.port) as second:
        client = client_of(second, http_client)
        assert client.vector_stores.retrieve(store).name == "kept"
        assert client.files.retrieve(file).id == file
        assert store in [listed.id for listed in client.vector_stores.list()]
        within(30, lambda: made(store, client, second)["state"] == "settled")
        within(30, lambda: not [pid for pid in upstreams if alive(pid)])


def made(store: str, client: openai.OpenAI, process: LocalProcess) -> dict[str, Any]:
    """The row of a store's create."""
    rows: Any = client.get(f"{process.url}/spend/logs", cast_to=object)
    (row,) = [row for row in rows if (row["vector_store_id"], row["call_type"]) == (store, "vector_stores.create")]
    return dict(row)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_that_it_prints_when_it_is_ready_can_be_pasted(process: LocalProcess, client: openai.OpenAI) -> None:
    pasted = process.printed.partition("\n\n")[2].rstrip()
    assert pasted.startswith("curl ")
    command = f"{pasted} -w '\\n%{{http_code}}'"
    done = subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, text=True)  # noqa: S603 - this test's command
    body, _, status = done.stdout.rpartition("\n")
    assert status == "200", body
    assert_is_the_pages(json.loads(body), client)
