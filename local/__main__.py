"""`python -m local`: the gateway on this machine. See the README for what it serves and `Options` for its settings."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sqlite3
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from local.edition import LocalMode
from local.embedded import EmbeddedUpstream
from local.options import CannotStart, Options, one_line, openai_secret, origin
from local.server import WsgiApp, listen, raise_file_limit
from vectorgate.api.errors import ApiError
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MASTER_KEY: Final = "sk-1234"
SWITCH_SECONDS: Final = 0.0005  # the default of 5 ms is what a request would wait for the thread that books
PRIVATE: Final = 0o077  # the databases and the files are the user's alone


def main() -> None:
    """Serve until SIGTERM or SIGINT. A mistake of the operator's is one line, and exit status 1."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is what a load test makes
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _stop)
    os.umask(PRIVATE)
    raise_file_limit()
    try:
        options = Options.read(os.environ)
        with _held(options.home):
            _run(options)
    except CannotStart as mistake:
        sys.exit(f"vectorgate: {mistake}")


@contextmanager
def _held(home: Path) -> Iterator[None]:
    """Be the only edition of this folder; the lock ends with the process, however it ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"another one is running on VECTORGATE_HOME {str(home)!r}") from None
        yield


def _run(options: Options) -> None:
    upstream = EmbeddedUpstream(options.home / "upstream", os.environ) if options.openai_key is None else None
    try:
        _serve(options, upstream)
    finally:
        if upstream is not None:
            upstream.stop()


def _serve(options: Options, upstream: EmbeddedUpstream | None) -> None:
    if upstream is None:
        secret = openai_secret(options.openai_url, options.openai_key or "")
    else:
        secret = openai_secret(upstream.base_url, upstream.api_key)
    edition = _edition(options, secret)
    try:
        if upstream is not None:
            _give_demo_files(edition)
        front = WsgiApp(edition.api, edition.admin, edition.invoke)
        run, port = listen(front, options.host, options.port)
        sys.stdout.write(_ready(options, port, demo=upstream is not None))
        sys.stdout.flush()
        run()
    finally:
        edition.close()


def _edition(options: Options, secret: str) -> LocalMode:
    try:
        return LocalMode(
            database=options.home / "ledger.db",
            secret=secret,
            master_key=MASTER_KEY,
            others=options.others,
            trust_invoker=options.trust_invoker,
            prices=options.prices,
            meter_seconds=options.meter_seconds,
            ingest=options.ingest,
            senders=options.senders,
        )
    except (sqlite3.Error, StoreError) as error:
        raise CannotStart(f"ledger.db in VECTORGATE_HOME cannot be used: {one_line(error)}") from None


def _give_demo_files(edition: LocalMode) -> None:
    try:
        edition.give_demo_files()
    except ApiError as error:
        raise CannotStart(f"the embedded upstream does not show the demo files: {one_line(error)}") from None


def _ready(options: Options, port: int, *, demo: bool) -> str:
    upstream = "the embedded upstream" if demo else origin(options.openai_url)
    host = f"[{options.host}]" if ":" in options.host else options.host
    files = ', "file_ids": ["file-abc123", "file-def456"]' if demo else ""
    return f"""vectorgate is ready on http://{host}:{port} (upstream: {upstream})
'{MASTER_KEY}' is master key and client key, in this edition only: do not expose it. Try:

curl -s -X POST 'http://{host}:{port}/v1/vector_stores' -H 'Authorization: Bearer {MASTER_KEY}' \\
  -H 'Content-Type: application/json' -d '{{"name": "My Document Store"{files}}}'

"""


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
