"""An object of the largest size goes through in little memory: measured on a process, against a real socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.ingest_town import Town
from vectorgate.ingest.model import Kind, Place, Poison
from vectorgate.ingest.uploads import MAX_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ingest.store import StoredObject

ROOT: Final = Path(__file__).parents[3]
MIB: Final = 1024 * 1024
MOST_MEMORY: Final = 256 * MIB
ANSWERS: Final = {
    "/v1/files": {"id": "file-1", "object": "file", "created_at": 1_772_600_767},
    "/v1/vector_stores": {"id": "vs_1", "object": "vector_store", "created_at": 1_772_600_767},
    "/v1/vector_stores/vs_1/file_batches": {"id": "vsfb_1", "object": "vector_store.files_batch"},
}


class Counting:
    """A provider that reads what it is sent, counts it, and keeps none of it."""

    def __init__(self) -> None:
        self.received: dict[str, int] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(60)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in `accept`
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb", buffering=MIB) as stream:
                while line := stream.readline():
                    path = line.split()[1].decode()
                    headers = dict(self._headers(stream))
                    self.received[path] = self._drained(stream, int(headers["content-length"]))
                    body = json.dumps(ANSWERS[path]).encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    @staticmethod
    def _headers(stream: object) -> Iterator[tuple[str, str]]:
        while (line := stream.readline()) not in (b"\r\n", b""):  # type: ignore[attr-defined]
            name, _, value = line.decode("latin-1").partition(":")
            yield name.lower(), value.strip()

    @staticmethod
    def _drained(stream: object, length: int) -> int:
        space, left = bytearray(MIB), length
        while left and (count := stream.readinto(memoryview(space)[: min(left, MIB)])):  # type: ignore[attr-defined]
            left -= count
        return length - left


@pytest.fixture
def upstream() -> Iterator[Counting]:
    provider = Counting()
    yield provider
    provider.close()


def test_an_object_of_512_mib_takes_less_than_256_mib_of_memory(upstream: Counting) -> None:
    done = subprocess.run(  # noqa: S603 - our own lines, our own interpreter
        [sys.executable, "-m", "tests.support.large_object", str(upstream.port), str(MAX_OBJECT)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'layers/core/python'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST_MEMORY, f"{int(done.stdout) // MIB} MiB"
    form = upstream.received["/v1/files"] - MAX_OBJECT
    assert 0 < form < 1024, "all of it, and a form around it"


def test_an_object_beyond_the_providers_limit_is_set_aside_unread() -> None:
    town = Town()
    change, opened = town.put("acme/docs/huge.bin", b"x"), town.open

    def huge(place: Place, version: str | None) -> StoredObject | None:
        found = opened(place, version)
        return None if found is None else replace(found, size=MAX_OBJECT + 1)

    town.open = huge  # type: ignore[method-assign]
    (outcome,) = town.ingestor.take([change])
    assert isinstance(outcome, Poison)
    assert str(MAX_OBJECT) in outcome.reason
    assert "POST files" not in town.calls
    assert [event.kind for event in town.events] == [Kind.FILE_FAILED]
    town.close()
