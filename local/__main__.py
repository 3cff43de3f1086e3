"""`python -m local`: the gateway on this machine. `local.settings` lists its settings."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sqlite3
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from local.app import LocalMode
from local.engine_process import EngineProcess
from local.server import WsgiApp, listen, raise_file_limit
from local.settings import CannotStart, LocalSettings, one_line, openai_secret, origin
from vectorgate.api.errors import ApiError
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MASTER_KEY: Final = "sk-1234"
SWITCH_SECONDS: Final = 0.0005  # the default of 5 ms is what a request would wait for the thread that settles
PRIVATE: Final = 0o077  # the databases and the files are for their user alone


def main() -> None:
    """Serve until SIGTERM or SIGINT. A mistake of the operator's is one line, and exit status 1."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every queue, which a load test fills
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _stop)
    os.umask(PRIVATE)
    raise_file_limit()
    try:
        settings = LocalSettings.read(os.environ)
        with _locked(settings.home):
            _run(settings)
    except CannotStart as mistake:
        sys.exit(f"vectorgate: {mistake}")


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Be the only process on this folder; the lock ends with the process, however it ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"another process is running on VECTORGATE_HOME {str(home)!r}") from None
        yield


def _run(settings: LocalSettings) -> None:
    upstream = EngineProcess(settings.home / "upstream", os.environ) if settings.openai_key is None else None
    try:
        _serve(settings, upstream)
    finally:
        if upstream is not None:
            upstream.stop()


def _serve(settings: LocalSettings, upstream: EngineProcess | None) -> None:
    if upstream is None:
        secret = openai_secret(settings.openai_url, settings.openai_key or "")
    else:
        secret = openai_secret(upstream.base_url, upstream.api_key)
    local = _local_mode(settings, secret)
    try:
        if upstream is not None:
            _give_demo_files(local)
        run, port = listen(WsgiApp(local.api, local.admin, local.invoke), settings.host, settings.port)
        sys.stdout.write(_ready(settings, port, demo=upstream is not None))
        sys.stdout.flush()
        run()
    finally:
        local.close()


def _local_mode(settings: LocalSettings, secret: str) -> LocalMode:
    try:
        return LocalMode(
            database=settings.home / "ledger.db",
            secret=secret,
            master_key=MASTER_KEY,
            others=settings.others,
            trust_invoker=settings.trust_invoker,
            prices=settings.prices,
            meter_seconds=settings.meter_seconds,
            ingest=settings.ingest,
            senders=settings.senders,
        )
    except (sqlite3.Error, StoreError) as error:
        raise CannotStart(f"ledger.db in VECTORGATE_HOME cannot be used: {one_line(error)}") from None


def _give_demo_files(local: LocalMode) -> None:
    try:
        local.give_demo_files()
    except ApiError as error:
        raise CannotStart(f"the embedded upstream does not have the demo files: {one_line(error)}") from None


def _ready(settings: LocalSettings, port: int, *, demo: bool) -> str:
    upstream = "the embedded upstream" if demo else origin(settings.openai_url)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    files = ', "file_ids": ["file-abc123", "file-def456"]' if demo else ""
    return f"""vectorgate is ready on http://{host}:{port} (upstream: {upstream})
'{MASTER_KEY}' is master key and client key, in local mode only: do not expose it. Try:

curl -s -X POST 'http://{host}:{port}/v1/vector_stores' -H 'Authorization: Bearer {MASTER_KEY}' \\
  -H 'Content-Type: application/json' -d '{{"name": "My Document Store"{files}}}'

"""


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
