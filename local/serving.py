"""Local mode with its settings read: the embedded engine, the gateway and its server, until they are told to stop."""

from __future__ import annotations

import os
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local.access_log import opened
from local.app import LocalMode
from local.banner import ready
from local.engine_process import EngineProcess
from local.home import invoke_credentials, own_master_key
from local.host_check import HostCheck
from local.mistakes import CannotStart, one_line
from local.options import DEMO_SENDERS, Options
from local.provider_settings import openai_secret
from local.server.app import App, Handlers
from local.server.callers import Callers
from local.server.listening import listen
from local.settings import PUBLISHED_KEY, LocalSettings
from vectorgate.api.errors import ApiError
from vectorgate.bootstrap import system_clock, system_random
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED_MODELS: Final = ("*",)  # they cost nothing; of a provider the local key has the models that it is given


@dataclass(frozen=True, slots=True)
class _Keys:
    """What callers are known by."""

    master_key: str
    invoke_credentials: Mapping[str, str]


def run(settings: LocalSettings) -> None:
    """Serve until SystemExit or KeyboardInterrupt. CannotStart says what of the home or the upstream cannot be used."""
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
            Options(
                database=settings.home / "ledger.db",
                secret=secret,
                master_key=keys.master_key,
                others=settings.upstreams.others,
                admin_secret=settings.upstreams.admin_secret,
                trust_invoker=settings.trust_invoker,
                invoke_credentials=keys.invoke_credentials,
                prices=settings.prices,
                store_rules=settings.store_rules,
                meter_seconds=settings.meter_seconds,
                timeout_seconds=settings.timeout_seconds,
                ingest=settings.ingest,
                senders=DEMO_SENDERS if settings.senders is None else settings.senders,
                upstream=settings.upstreams.name,
                models=models,
                exports=settings.exports,
            )
        )
    except (sqlite3.Error, StoreError) as error:
        raise CannotStart(f"ledger.db in VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None


def _give_demo_files(local: LocalMode) -> None:
    try:
        local.give_demo_files()
    except ApiError as error:
        raise CannotStart(f"the embedded engine does not have the demo files: {one_line(error)}") from None
