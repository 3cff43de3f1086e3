"""A proxy between the deployed functions and their provider, which can fail one call in five.

A failure ends with the next attempt: 429 before anything was executed, or, for reads alone, 500 and a connection that
breaks. A change whose outcome is unknown takes a minute to resolve: tests/integration/ingest has those.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from bisect import bisect_left
from collections import Counter
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_IN: Final = 5
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


class FaultyProxy:
    """The proxy. `attached`: how often each file was to be attached. `attach_times`: of the requests that attach."""

    def __init__(self, provider_url: str) -> None:
        self.to = urlsplit(provider_url)
        self.attached: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.attach_times: list[float] = []
        self.url = ""
        self._failing = False
        self._numbers = count(1)
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Fail one call in five, until the block ends."""
        self._failing = True
        try:
            yield
        finally:
            self._failing = False

    def fault(self, method: str, path: str) -> str | None:
        """Return the fault that a call meets, or None."""
        if not self._failing or path.endswith("/file_batches"):
            return None
        with self._lock:
            number = next(self._numbers)
            if number % ONE_IN:
                return None
            kind = "429" if method != "GET" else ("500", "lost")[number // ONE_IN % 2]
            self.failed[kind] += 1
            return kind

    def record_attach(self, path: str, body: bytes) -> None:
        """Count the files that a batch attaches."""
        if path.endswith("/file_batches"):
            asked = json.loads(body)
            with self._lock:
                self.attach_times.append(time.monotonic())
                self.attached.update(asked.get("file_ids") or [each["file_id"] for each in asked["files"]])

    def most_attaches(self, seconds: float) -> int:
        """Return the most requests that attach within so many seconds."""
        return max(
            (bisect_left(self.attach_times, began + seconds) - place for place, began in enumerate(self.attach_times)),
            default=0,
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultyProxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        match self.proxy.fault(self.command, self.path.partition("?")[0]):
            case None:
                if self.command == "POST":
                    self.proxy.record_attach(self.path, body)
                self._answer(*self._asked(body))
            case "429":
                self._answer(429, {"retry-after-ms": "50"}, b'{"error": {"message": "slow", "type": "requests"}}')
            case "500":
                self._answer(500, {}, b'{"error": {"message": "broken", "type": "server_error"}}')
            case _:
                self.close_connection = True

    do_GET = do_POST = do_DELETE = _pass  # noqa: N815 - the names that the base looks for

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        with contextlib.closing(
            HTTPConnection(str(self.proxy.to.hostname), self.proxy.to.port, timeout=60)
        ) as provider:
            provider.request(self.command, self.path, body or None, dict(self.headers))
            answer = provider.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            return answer.status, kept, answer.read()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Log nothing."""


@contextlib.contextmanager
def run_proxy(provider_url: str) -> Iterator[FaultyProxy]:
    """Run a proxy to a provider, on a port of its own, until the block ends."""
    proxy = FaultyProxy(provider_url)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy})) as server:
        proxy.url = f"http://127.0.0.1:{server.server_port}{proxy.to.path}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join(5)
