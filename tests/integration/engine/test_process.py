"""The process: readiness, durability, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'layers/core/python'}{os.pathsep}{ROOT}"}
STORY = "The lighthouse keeper counted ships. " * 2000


@pytest.fixture
def own(server: Any, tmp_path: Path) -> Iterator[Any]:
    """A server of this test's own."""
    running = type(server)(tmp_path / "home", flags=("--seed-demo",)).start()
    yield running
    running.reap()


def until(done: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_cold_start_indexes_two_files(server: Any, tmp_path: Path) -> None:
    own = type(server)(tmp_path / "home", flags=("--seed-demo",)).start()
    with own.client() as client:
        store = client.vector_stores.create(file_ids=["file-abc123", "file-def456"]).id
        until(lambda: client.vector_stores.retrieve(store).status == "completed")
    own.reap()


def test_a_killed_server_carries_on_where_it_was(own: Any) -> None:
    with own.client() as client:
        files = [client.files.create(file=(f"{n}.txt", STORY.encode()), purpose="assistants").id for n in range(12)]
        store = client.vector_stores.create(name="kept", file_ids=files).id
    own.kill()
    own.start()
    with own.client() as client:
        until(lambda: client.vector_stores.retrieve(store).status == "completed")
        found = client.vector_stores.retrieve(store)
        assert (found.name, found.file_counts.completed, found.file_counts.failed) == ("kept", 12, 0)
        sizes = {file.usage_bytes for file in client.vector_stores.files.list(store)}
        assert len(sizes) == 1
        assert len(client.vector_stores.search(store, query="lighthouse", max_num_results=50).data) == 50


def test_a_server_that_was_stopped_has_kept_everything(own: Any) -> None:
    with own.client() as client:
        store = client.vector_stores.create(metadata={"k": "v"}).id
    own.process.send_signal(signal.SIGTERM)
    assert own.reap() == 0
    own.start()
    with own.client() as client:
        assert client.vector_stores.retrieve(store).metadata == {"k": "v"}


def test_it_dies_with_its_parent(own: Any) -> None:
    own.process.stdin.close()
    assert own.process.wait(timeout=30) == 0


def test_only_loopback_listens(own: Any) -> None:
    port = int(own.base.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.2", port), timeout=2):
        pass


def test_a_folder_has_one_server(own: Any) -> None:
    command = [sys.executable, "-m", "engine", "--home", str(own.home), "--port", "0", "--api-key-env", "K"]
    second = subprocess.run(  # noqa: S603 - this project's server
        command, env=ENVIRONMENT | {"K": "k"}, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "another server is using" in second.stderr


def test_a_key_is_needed_to_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "--home", str(tmp_path), "--port", "0", "--api-key-env", "NONE"]
    refused = subprocess.run(  # noqa: S603 - this project's server
        command, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "NONE is empty" in refused.stderr


def memory(own: Any) -> int:
    """Resident bytes."""
    status = Path(f"/proc/{own.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_stays_flat_while_a_large_file_is_uploaded_and_downloaded(own: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(128 * 2**20)
    with own.client() as client:
        client.vector_stores.list()
        time.sleep(1)
        before = memory(own)
        with large.open("rb") as file:
            uploaded = client.files.create(file=file, purpose="vision")
        with client.files.with_streaming_response.content(uploaded.id) as response:
            assert sum(len(part) for part in response.iter_bytes()) == 128 * 2**20
    assert memory(own) - before < 48 * 2**20


def test_many_clients_at_once(own: Any) -> None:
    with own.client() as client:
        store = client.vector_stores.create().id
        failures: list[Exception] = []

        def use(number: int) -> None:
            try:
                file = client.files.create(file=(f"{number}.txt", f"word{number}".encode()), purpose="assistants")
                client.vector_stores.files.create_and_poll(file.id, vector_store_id=store, poll_interval_ms=50)
                client.vector_stores.search(store, query=f"word{number}")
            except Exception as failure:  # noqa: BLE001 - reported below, by the test's own thread
                failures.append(failure)

        threads = [threading.Thread(target=use, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert client.vector_stores.retrieve(store).file_counts.completed == 12
