"""An object of the largest size is ingested in little memory, measured on a process and over a socket."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from tests.factories.secrets import secret_text
from tests.harnesses.ingest import IngestHarness
from tests.harnesses.large_object import BUCKET
from vectorgate.ingest.model import DetailType, ObjectLocation, PermanentFailure
from vectorgate.ingest.uploads import MAX_OBJECT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ingest.ports import StoredObject

ROOT: Final = Path(__file__).parents[3]
MIB: Final = 1024 * 1024
MOST_MEMORY: Final = 128 * MIB  # the function has 1024
KEY: Final = "red/docs/large.txt"
PIECE: Final = bytes(range(256)) * 4096
PROVIDERS: Final[dict[str, dict[str, Any]]] = {
    "/v1/files": {"id": "file-1", "object": "file", "created_at": 1_772_600_767},
    "/v1/vector_stores": {"id": "vs_1", "object": "vector_store", "created_at": 1_772_600_767},
    "/v1/vector_stores/vs_1/file_batches": {"id": "vsfb_1", "object": "vector_store.file_batch"},
}


class Counting(BaseHTTPRequestHandler):
    """The services of the function: a bucket with one large object, a queue, a secret, and a provider.

    The bytes of requests are counted and not kept.
    """

    protocol_version = "HTTP/1.1"
    received: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        """Answer GetObject."""
        assert self.path.startswith(f"/{BUCKET}/{KEY}?versionId="), self.path
        self.send_response(200)
        self.send_header("content-length", str(MAX_OBJECT_BYTES))
        self.end_headers()
        for _ in range(MAX_OBJECT_BYTES // len(PIECE)):
            self.wfile.write(PIECE)

    def do_POST(self) -> None:
        """Answer SendMessage, GetSecretValue, or a call of the provider."""
        name = self.headers.get("x-amz-target", self.path)
        self.received[name] = self._drained(int(self.headers["content-length"]))
        body = json.dumps(self._answer(name)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, name: str) -> dict[str, Any]:
        if name == "secretsmanager.GetSecretValue":
            return {"SecretString": secret_text(f"http://{self.headers['host']}/v1")}
        if name == "AmazonSQS.SendMessage":
            return {"MessageId": "1"}
        return PROVIDERS[name]

    def _drained(self, length: int) -> int:
        space, left = bytearray(MIB), length
        while left and (count := self.rfile.readinto(memoryview(space)[: min(left, MIB)])):
            left -= count
        return length - left

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Log nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    Counting.received.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


def test_an_object_of_512_mib_takes_less_than_128_mib_of_memory(endpoint: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own lines, our own interpreter
        [sys.executable, "-m", "tests.harnesses.large_object", endpoint, KEY],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'layers/core/python'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "AmazonSQS.SendMessage" in Counting.received, "attached, and to be looked after"
    form = Counting.received["/v1/files"] - MAX_OBJECT_BYTES
    assert 0 < form < 1024, "all of it, and a form around it"
    peak = int(done.stdout.splitlines()[-1])
    assert peak < MOST_MEMORY, f"{peak // MIB} MiB"


def test_an_object_beyond_the_providers_limit_is_set_aside_unread() -> None:
    harness = IngestHarness()
    change, opened = harness.bucket.put("acme/docs/huge.bin", b"x"), harness.bucket.open

    def huge(place: ObjectLocation, version: str | None) -> StoredObject | None:
        found = opened(place, version)
        return None if found is None else replace(found, size=MAX_OBJECT_BYTES + 1)

    harness.bucket.open = huge  # type: ignore[method-assign]
    (outcome,) = harness.ingestor.process([change])
    assert isinstance(outcome, PermanentFailure)
    assert str(MAX_OBJECT_BYTES) in outcome.reason
    assert "POST files" not in harness.provider.calls
    assert [event.detail_type for event in harness.events] == [DetailType.FILE_FAILED]
    harness.close()
