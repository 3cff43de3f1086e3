"""`python -m local`: the gateway on this machine. `--help` lists its settings."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local.access_log import opened
from local.app import LocalMode
from local.banner import HELP, ready
from local.engine_process import EngineProcess
from local.front import HostCheck
from local.home import invoke_credentials, locked, own_master_key
from local.mistakes import CannotStart, one_line
from local.provider_settings import openai_secret
from local.server.app import App, Handlers
from local.server.callers import Callers
from local.server.listening import listen, raise_file_limit
from local.settings import PUBLISHED_KEY, LocalSettings
from vectorgate.api.errors import ApiError
from vectorgate.bootstrap import system_clock, system_random
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED_MODELS: Final = ("*",)  # they cost nothing; of a provider the local key has the models that it is given
SWITCH_SECONDS: Final = 0.0005  # the default of 5 ms is what a request would wait for the thread that settles
PRIVATE: Final = 0o077  # the databases and the files are for their user alone


@dataclass(frozen=True, slots=True)
class _Keys:
    """What callers are known by."""

    master_key: str
    invoke_credentials: Mapping[str, str]


class _Parser(argparse.ArgumentParser):
    """Prints our own help."""

    def format_help(self) -> str:
        return HELP


def main() -> None:
    """Serve until SIGTERM or SIGINT. A mistake of the operator's is one line, and exit status 1."""
    _Parser(prog="python -m local").parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _stop)
    os.umask(PRIVATE)
    raise_file_limit()
    try:
        settings = LocalSettings.read(os.environ, socket.gethostname())
        with locked(settings.home):
            _run(settings)
    except CannotStart as mistake:
        sys.exit(f"vectorgate: {mistake}")


def _run(settings: LocalSettings) -> None:
    keys = _keys(settings)
    embedded = settings.upstreams.openai_key is None
    upstream = EngineProcess(settings.home / "upstream", os.environ) if embedded else None
    try:
        _serve(settings, keys, upstream)
    finally:
        if upstream is not None:
            upstream.stop()


def _keys(settings: LocalSettings) -> _Keys:
    """A folder that has a key of its own keeps it, also for the demo: records of a provider may be in it by now."""
    randomness = system_random()
    own = own_master_key(settings.home, randomness, make=not settings.is_demo)
    return _Keys(settings.master_key or own or PUBLISHED_KEY, invoke_credentials(settings.home, randomness))


def _serve(settings: LocalSettings, keys: _Keys, upstream: EngineProcess | None) -> None:
    if upstream is None:
        secret = openai_secret(settings.upstreams.openai_url, settings.upstreams.openai_key or "")
    else:
        secret = openai_secret(upstream.base_url, upstream.api_key)
    with opened(settings.access_log, system_clock()) as log:
        local = _local_mode(settings, secret, keys, models=EMBEDDED_MODELS if upstream is not None else ())
        try:
            if upstream is not None:
                _give_demo_files(local)
            handlers = Handlers(api=local.api, admin=local.admin, invoke=local.invoke)
            callers, admit = Callers(local.authenticator), HostCheck(settings.hosts)
            app = App(handlers, callers, admit=admit, answered=log, cross_origin=settings.cross_origin)
            run, port = listen(app, settings.host, settings.port, drain_seconds=settings.drain_seconds)
            sys.stdout.write(ready(settings, port, keys.master_key))
            sys.stdout.flush()
            run()
        finally:
            local.close()


def _local_mode(settings: LocalSettings, secret: str, keys: _Keys, *, models: tuple[str, ...]) -> LocalMode:
    try:
        return LocalMode(
            database=settings.home / "ledger.db",
            secret=secret,
            master_key=keys.master_key,
            others=settings.upstreams.others,
            trust_invoker=settings.trust_invoker,
            invoke_credentials=keys.invoke_credentials,
            prices=settings.prices,
            meter_seconds=settings.meter_seconds,
            timeout_seconds=settings.timeout_seconds,
            ingest=settings.ingest,
            senders=settings.senders,
            upstream=settings.upstreams.name,
            models=models,
        )
    except (sqlite3.Error, StoreError) as error:
        raise CannotStart(f"ledger.db in VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None


def _give_demo_files(local: LocalMode) -> None:
    try:
        local.give_demo_files()
    except ApiError as error:
        raise CannotStart(f"the embedded upstream does not have the demo files: {one_line(error)}") from None


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
