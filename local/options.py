"""What the environment tells the one-machine edition. Whatever makes no sense ends the start with one line."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from local.azure import azure_secrets
from vectorgate.bootstrap import price_book
from vectorgate.ids import ProviderName
from vectorgate.providers.credentials import MalformedSecret, read_credential
from vectorgate.settings import parse_senders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = TypeVar("Value")

OPENAI: Final = ProviderName("openai")
OPENAI_URL: Final = "https://api.openai.com/v1"
ROOT: Final = Path(__file__).resolve().parent.parent
MAX_PORT: Final = 65_535
METER_SECONDS: Final = 60.0
METER_SETTING: Final = "VECTORGATE_METER_SECONDS"


class CannotStart(Exception):
    """A mistake of the operator's. The message is the line that they read, and never holds a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the environment says. `openai_key` None: the embedded upstream stands in for OpenAI.

    `ingest` is the watched folder, `senders` whose its folders are (None: the edition's own).
    """

    host: str
    port: int
    home: Path
    openai_key: str | None
    openai_url: str
    others: Mapping[ProviderName, str]
    trust_invoker: bool
    prices: str | None
    meter_seconds: float
    ingest: Path
    senders: Mapping[str, str] | None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Options:
        """The settings that the README lists, with their defaults. CannotStart names the one that cannot be used."""
        key, url = environment.get("OPENAI_API_KEY") or None, environment.get("OPENAI_BASE_URL") or OPENAI_URL
        if key is not None:
            _check(
                openai_secret(url, "-"), OPENAI, "OPENAI_BASE_URL should be an http(s) URL, without a user or a query"
            )
            _check(openai_secret(OPENAI_URL, key), OPENAI, "OPENAI_API_KEY should be printable ASCII without spaces")
        others = azure_secrets(environment)
        for provider, secret in others.items():
            advice = f"the key or the endpoint of provider {provider} cannot be used: the README names their settings"
            _check(secret, provider, advice)
        home = Path(environment.get("VECTORGATE_HOME") or ROOT / ".vectorgate").absolute()
        return cls(
            host=environment.get("HOST") or "127.0.0.1",
            port=_port(environment.get("PORT") or "4000"),
            home=home,
            openai_key=key,
            openai_url=url,
            others=others,
            trust_invoker=environment.get("VECTORGATE_TRUST_INVOKER") == "1",
            prices=_prices(environment.get("VECTORGATE_PRICES") or None),
            meter_seconds=_checked(seconds_in, environment),
            ingest=Path(environment.get("VECTORGATE_INGEST") or home / "ingest").absolute(),
            senders=_checked(_senders, environment),
        )


def openai_secret(base_url: str, api_key: str) -> str:
    """The default provider's secret."""
    return json.dumps({"type": OPENAI, "base_url": base_url, "api_key": api_key})


def origin(url: str) -> str:
    """`scheme://host[:port]` of a URL that was checked."""
    parts = urlsplit(url.strip())
    return f"{parts.scheme}://{parts.netloc}"


def _check(secret: str, provider: ProviderName, advice: str) -> None:
    parts = json.loads(secret)
    try:
        for part in (parts["base_url"].strip(), parts["api_key"].strip()):
            if not part.isascii() or not part.isprintable() or " " in part:
                raise CannotStart(advice)
        read_credential(secret, provider, plain_http=True)
        if urlsplit(parts["base_url"].strip()).port == 0:
            raise CannotStart(advice)
    except (MalformedSecret, ValueError):
        raise CannotStart(advice) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT):
        raise CannotStart(f"PORT is {text!r}, and should be a number from 0 to {MAX_PORT}")
    return int(text)


def _prices(own: str | None) -> str | None:
    try:
        price_book(own)
    except (OSError, ValueError, RecursionError) as error:
        raise CannotStart(f"VECTORGATE_PRICES cannot be used: {one_line(error)}") from None
    return own


def seconds_in(environment: Mapping[str, str]) -> float:
    """The pause between two ticks of the meter. ValueError for what is not a positive number of seconds."""
    text = environment.get(METER_SETTING, str(METER_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ValueError(f"{METER_SETTING} is {text!r}, and should be a number of seconds")
    return seconds


def _senders(environment: Mapping[str, str]) -> Mapping[str, str] | None:
    text = environment.get("VECTORGATE_INGEST_SENDERS")
    return parse_senders(text) if text else None


def _checked(read: Callable[[Mapping[str, str]], Value], environment: Mapping[str, str]) -> Value:
    try:
        return read(environment)
    except ValueError as error:
        raise CannotStart(one_line(error)) from None


def one_line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())
