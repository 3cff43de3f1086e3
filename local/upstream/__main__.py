"""``python -m local.upstream --home DIR --port N --api-key-env NAME``: the server process.

Prints ``listening on http://127.0.0.1:PORT`` when it is ready, then serves until SIGTERM (or, with
``--exit-with-stdin``, until its standard input ends: a parent that is killed cannot leave it behind).
"""

import argparse
import fcntl
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import IO

from waitress.server import create_server

from local.upstream.app import App, build
from local.upstream.seed import seed_demo

HOST = "127.0.0.1"
# The largest file OpenAI takes, 512 MiB, and room for the form around it.
MAX_BODY_BYTES = 513 * 2**20
THREADS = 16


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local.upstream", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the data folder, made if absent")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--api-key-env", required=True, help="the environment variable that holds the key to require")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    parser.add_argument("--seed-demo", action="store_true", help="create file-abc123 and file-def456 if absent")
    return parser.parse_args(argv)


def lock(home: Path) -> IO[str]:
    """Be the only server of this folder; the lock ends with the process, however it ends."""
    home.mkdir(parents=True, exist_ok=True)
    handle = (home / "lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"another server is using {home}") from None
    return handle


def stop(_signal: int, _frame: object) -> None:
    """Leave the server's loop."""
    raise SystemExit(0)


def stop_with_stdin() -> None:
    """Wait for the end of standard input, then stop as SIGTERM would."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def serve(app: App, port: int) -> None:
    """Serve until stopped."""
    listener = socket.create_server((HOST, port))
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        max_request_body_size=MAX_BODY_BYTES,
        ident=None,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
    )
    sys.stdout.write(f"listening on http://{HOST}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run()


def main() -> None:
    """Run the server."""
    options = arguments(sys.argv[1:])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is what a load test makes
    api_key = os.environ.get(options.api_key_env, "")
    if not api_key:
        raise SystemExit(f"the environment variable {options.api_key_env} is empty")
    # Installed before the promise to be listening: a signal that arrives right after it must stop us cleanly.
    signal.signal(signal.SIGTERM, stop)
    with lock(options.home):
        app = build(options.home, api_key)
        if options.seed_demo:
            seed_demo(app.engine)
        if options.exit_with_stdin:
            threading.Thread(target=stop_with_stdin, daemon=True).start()
        app.start()
        try:
            serve(app, options.port)
        finally:
            app.close()


if __name__ == "__main__":
    main()
