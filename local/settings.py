"""The settings of local mode, read from the environment. An invalid one ends the start with one line."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from local.exports import Exports
from local.hosts import AllowedHosts
from local.mistakes import CannotStart, one_line
from local.provider_settings import Upstreams, is_loopback, read_upstreams
from vectorgate.api.cors import CrossOrigin
from vectorgate.bootstrap import price_book
from vectorgate.settings import parse_senders, parse_store_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = TypeVar("Value")

ROOT: Final = Path(__file__).resolve().parent.parent
PUBLISHED_KEY: Final = "sk-1234"
MIN_MASTER_KEY: Final = 16  # characters
MAX_MASTER_KEY: Final = 512  # as the authenticator takes
MAX_PORT: Final = 65_535
METER_SECONDS: Final = 60.0
METER_SETTING: Final = "VECTORGATE_METER_SECONDS"
TIMEOUT_SECONDS: Final = 600.0  # as openai's clients wait by default
MASTER_KEY_SETTING: Final = "VECTORGATE_MASTER_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The settings.

    `master_key` None: the home's own, or the published one. `cross_origin`: whose pages may call the gateway.
    `access_log` None: none is written. `ingest` is the watched folder, `senders` the teams by the names of the folders
    in it (None: the demo's own). `timeout_seconds`: for a provider's answer; `drain_seconds`: for the calls that were
    begun before SIGTERM. `exports`: where settled rows go.
    """

    host: str
    port: int
    home: Path
    upstreams: Upstreams
    master_key: str | None
    hosts: AllowedHosts
    cross_origin: CrossOrigin | None
    access_log: str | None
    trust_invoker: bool
    prices: str | None
    store_rules: Mapping[str, int] | None
    meter_seconds: float
    timeout_seconds: float
    drain_seconds: float
    ingest: Path
    senders: Mapping[str, str] | None
    exports: Exports

    @classmethod
    def read(cls, environment: Mapping[str, str], hostname: str = "") -> LocalSettings:
        """The settings that the help lists, with their defaults. CannotStart names the one that cannot be used.

        `hostname` is this machine's name.
        """
        home = Path(environment.get("VECTORGATE_HOME") or ROOT / ".vectorgate").absolute()
        host, port = environment.get("HOST") or "127.0.0.1", _port(environment.get("PORT") or "4000")
        timeout_seconds = _seconds(environment, "VECTORGATE_TIMEOUT_SECONDS", TIMEOUT_SECONDS)
        settings = cls(
            host=host,
            port=port,
            home=home,
            upstreams=read_upstreams(environment, host, port),
            master_key=environment.get(MASTER_KEY_SETTING) or None,
            hosts=_hosts(environment, host, hostname),
            cross_origin=_checked(_cross_origin, environment),
            access_log=environment.get("VECTORGATE_ACCESS_LOG") or None,
            trust_invoker=environment.get("VECTORGATE_TRUST_INVOKER") == "1",
            prices=_prices(environment.get("VECTORGATE_PRICES") or None),
            store_rules=_checked(
                lambda known: parse_store_rules(known.get("VECTORGATE_STORE_RULES") or None), environment
            ),
            meter_seconds=_checked(seconds_in, environment),
            timeout_seconds=timeout_seconds,
            drain_seconds=_seconds(environment, "VECTORGATE_DRAIN_SECONDS", timeout_seconds),
            ingest=Path(environment.get("VECTORGATE_INGEST") or home / "ingest").absolute(),
            senders=_checked(_senders, environment),
            exports=Exports.read(environment),
        )
        _check_master_key(settings)
        return settings

    @property
    def is_demo(self) -> bool:
        """Whether nothing but the embedded engine is served, and to this machine alone."""
        return self.upstreams.is_embedded_alone and is_loopback(self.host)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT):
        raise CannotStart(f"PORT is {text!r}, and should be a number from 0 to {MAX_PORT}")
    return int(text)


def _hosts(environment: Mapping[str, str], *own: str) -> AllowedHosts:
    """Those of the setting, and this machine's own names. One of the latter that no header can hold is left out."""
    try:
        return AllowedHosts.of(environment.get("VECTORGATE_ALLOWED_HOSTS", "").split(",")).with_own(own)
    except ValueError as error:
        raise CannotStart(f"VECTORGATE_ALLOWED_HOSTS: {one_line(error)}") from None


def _cross_origin(environment: Mapping[str, str]) -> CrossOrigin | None:
    try:
        return CrossOrigin.of(environment.get("VECTORGATE_CORS_ORIGINS", "").split(","))
    except ValueError as error:
        raise ValueError(f"VECTORGATE_CORS_ORIGINS: {error}") from None


def _check_master_key(settings: LocalSettings) -> None:
    key = settings.master_key
    if key is None:
        return
    if not key.isascii() or not key.isprintable() or " " in key or len(key) > MAX_MASTER_KEY:
        raise CannotStart(f"{MASTER_KEY_SETTING} should be printable ASCII without spaces")
    if not settings.is_demo and (key == PUBLISHED_KEY or len(key) < MIN_MASTER_KEY):
        raise CannotStart(
            f"{MASTER_KEY_SETTING} should be a secret of at least {MIN_MASTER_KEY} characters where more is served "
            "than the embedded engine to this machine; unset it to have one generated"
        )


def _prices(setting: str | None) -> str | None:
    try:
        price_book(setting)
    except (OSError, ValueError, RecursionError) as error:
        raise CannotStart(f"VECTORGATE_PRICES cannot be used: {one_line(error)}") from None
    return setting


def seconds_in(environment: Mapping[str, str], name: str = METER_SETTING, default: float = METER_SECONDS) -> float:
    """A setting in seconds: the pause between two ticks of the meter. ValueError unless it is a positive number."""
    text = environment.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ValueError(f"{name} is {text!r}, and should be a number of seconds")
    return seconds


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    return _checked(lambda known: seconds_in(known, name, default), environment)


def _senders(environment: Mapping[str, str]) -> Mapping[str, str] | None:
    text = environment.get("VECTORGATE_INGEST_SENDERS")
    return parse_senders(text) if text else None


def _checked(read: Callable[[Mapping[str, str]], Value], environment: Mapping[str, str]) -> Value:
    try:
        return read(environment)
    except ValueError as error:
        raise CannotStart(one_line(error)) from None
