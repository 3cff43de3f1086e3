"""The settings of local mode, read from the environment. One that makes no sense ends the start with one line.

Azure's providers are configured by the variables that LiteLLM knows:

=========  ====================================================================  ==========================
provider   needs                                                                 may have
=========  ====================================================================  ==========================
azure      `AZURE_API_KEY`, `AZURE_API_BASE`                                     `AZURE_API_VERSION`
azure_ai   `AZURE_AI_SEARCH_API_KEY` or `AZURE_SEARCH_API_KEY`,                  --
           `AZURE_AI_SEARCH_ENDPOINT` or `AZURE_SEARCH_ENDPOINT`
=========  ====================================================================  ==========================
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

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
_SEARCH_ENDPOINTS: Final = ("AZURE_AI_SEARCH_ENDPOINT", "AZURE_SEARCH_ENDPOINT")
_SEARCH_KEYS: Final = ("AZURE_AI_SEARCH_API_KEY", "AZURE_SEARCH_API_KEY")


class CannotStart(Exception):
    """A mistake of the operator's. The message is the line that is printed, and never holds a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The settings. `openai_key` None: the embedded upstream replaces OpenAI.

    `others` are the secrets of further providers. `ingest` is the watched folder, `senders` the teams by the names of
    the folders in it (None: the demo's own).
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
    def read(cls, environment: Mapping[str, str]) -> LocalSettings:
        """The settings that the README lists, with their defaults. CannotStart names the one that cannot be used."""
        key, url = environment.get("OPENAI_API_KEY") or None, environment.get("OPENAI_BASE_URL") or OPENAI_URL
        if key is not None:
            _check_openai(key, url)
        others = azure_secrets(environment)
        _check_others(others)
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


def azure_secrets(environment: Mapping[str, str]) -> dict[ProviderName, str]:
    """A secret for each Azure provider whose host and key are set."""
    openai = {
        "base_url": _first(environment, "AZURE_API_BASE"),
        "api_key": _first(environment, "AZURE_API_KEY"),
        "api_version": _first(environment, "AZURE_API_VERSION"),
    }
    search = {"base_url": _first(environment, *_SEARCH_ENDPOINTS), "api_key": _first(environment, *_SEARCH_KEYS)}
    return {
        ProviderName(name): json.dumps({"type": name, **{field: text for field, text in secret.items() if text}})
        for name, secret in (("azure", openai), ("azure_ai", search))
        if secret["base_url"] and secret["api_key"]
    }


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")


def openai_secret(base_url: str, api_key: str) -> str:
    """The default provider's secret."""
    return json.dumps({"type": OPENAI, "base_url": base_url, "api_key": api_key})


def origin(url: str) -> str:
    """`scheme://host[:port]` of a URL that was checked."""
    split = urlsplit(url.strip())
    return f"{split.scheme}://{split.netloc}"


def _check_openai(key: str, url: str) -> None:
    advice = "OPENAI_BASE_URL should be an http(s) URL, without a user or a query"
    _check(openai_secret(url, "-"), OPENAI, advice)
    _check(openai_secret(OPENAI_URL, key), OPENAI, "OPENAI_API_KEY should be printable ASCII without spaces")


def _check_others(secrets: Mapping[ProviderName, str]) -> None:
    for provider, secret in secrets.items():
        advice = f"the key or the endpoint of provider {provider} cannot be used: the README names their settings"
        _check(secret, provider, advice)


def _check(secret: str, provider: ProviderName, advice: str) -> None:
    fields = json.loads(secret)
    try:
        for text in (fields["base_url"].strip(), fields["api_key"].strip()):
            if not text.isascii() or not text.isprintable() or " " in text:
                raise CannotStart(advice)
        read_credential(secret, provider, plain_http=True)
        if urlsplit(fields["base_url"].strip()).port == 0:
            raise CannotStart(advice)
    except (MalformedSecret, ValueError):
        raise CannotStart(advice) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT):
        raise CannotStart(f"PORT is {text!r}, and should be a number from 0 to {MAX_PORT}")
    return int(text)


def _prices(setting: str | None) -> str | None:
    try:
        price_book(setting)
    except (OSError, ValueError, RecursionError) as error:
        raise CannotStart(f"VECTORGATE_PRICES cannot be used: {one_line(error)}") from None
    return setting


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
    """The message of an error, on one line."""
    return " ".join(str(error).split())
