"""`python -m engine --home DIR --port N --api-key-env NAME`: the engine as a process.

It prints `listening on http://127.0.0.1:PORT` when it is ready, then serves until SIGTERM; with `--exit-with-stdin`
also until its standard input ends, so that it does not outlive a parent that is killed.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvicorn import Config, Server

from engine.bootstrap import build
from engine.demo import seed_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

HOST: Final = "127.0.0.1"
IDLE_SECONDS: Final = 120  # longer than a client's pool keeps a connection: what it sends must not meet a closed one
GRACE_SECONDS: Final = 5
MAX_HEADER_BYTES: Final = 256 * 1024


def main() -> None:
    """Run the server."""
    options = _arguments(sys.argv[1:])
    api_key = os.environ.get(options.api_key_env, "")
    if not api_key:
        raise SystemExit(f"the environment variable {options.api_key_env} is empty")
    signal.signal(signal.SIGTERM, _stop)
    with _locked(options.home):
        _serve(options, api_key)


def _serve(options: argparse.Namespace, api_key: str) -> None:
    service = build(options.home, api_key)
    # Uploads are spooled on the disk of the data; the system's temporary folder may be in memory.
    tempfile.tempdir = str(options.home / "incoming")
    if options.seed_demo:
        seed_demo(service.engine)
    if options.exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    service.start()
    try:
        _listen(service.app, options.port)
    finally:
        service.close()


def _listen(app: ASGIApp, port: int) -> None:
    """Serve until a signal."""
    server_socket = listener(port)
    config = Config(
        app,
        interface="asgi3",
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )
    _AnnouncedServer(config).run([server_socket])


class _AnnouncedServer(Server):
    """A server that prints the ready line once it handles signals: one that arrives right after it is in order."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        for each in sockets or []:
            sys.stdout.write(f"listening on http://{HOST}:{each.getsockname()[1]}\n")
        sys.stdout.flush()


def listener(port: int) -> socket.socket:
    """A socket that listens on the port; 0 chooses a free one."""
    # Its protocol is named: only then does asyncio turn off Nagle's algorithm, which delays each answer by 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port))
    listening.listen()
    return listening


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the data folder, created if absent")
    parser.add_argument("--port", type=int, required=True, help="0 chooses a free one")
    parser.add_argument("--api-key-env", required=True, help="the environment variable that holds the key to require")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    parser.add_argument("--seed-demo", action="store_true", help="create file-abc123 and file-def456 if absent")
    return parser.parse_args(argv)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Be the only server of this folder; the lock ends with the process, however it ends."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another server is using {home}") from None
        yield


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def _stop_with_stdin() -> None:
    """Wait for the end of standard input, then stop as SIGTERM would."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
