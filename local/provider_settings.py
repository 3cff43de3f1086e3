"""Where local mode forwards requests to, and why, by the environment. CannotStart for contradictory settings.

`VECTORGATE_UPSTREAM` decides: `embedded` forwards nothing, whatever keys are set; `openai` forwards to OpenAI; without
it a key does. Azure's providers are configured by the variables that LiteLLM knows:

=========  ====================================================================  ==========================
provider   needs                                                                 may have
=========  ====================================================================  ==========================
azure      `AZURE_API_KEY`, `AZURE_API_BASE`                                     `AZURE_API_VERSION`
azure_ai   `AZURE_AI_SEARCH_API_KEY` or `AZURE_SEARCH_API_KEY`,                  --
           `AZURE_AI_SEARCH_ENDPOINT` or `AZURE_SEARCH_ENDPOINT`
=========  ====================================================================  ==========================
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from local.mistakes import CannotStart
from vectorgate.ids import ProviderName
from vectorgate.providers.credentials import MalformedSecret, read_credential
from vectorgate.settings import OPENAI_ADMIN

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI: Final = ProviderName("openai")
OPENAI_URL: Final = "https://api.openai.com/v1"
EMBEDDED: Final = "embedded"
UPSTREAM: Final = "VECTORGATE_UPSTREAM"
_OPENAI_KEY: Final = "OPENAI_API_KEY"
_ADMIN_KEY: Final = "OPENAI_ADMIN_KEY"
_PROJECT: Final = "OPENAI_PROJECT_ID"
_SEARCH_ENDPOINTS: Final = ("AZURE_AI_SEARCH_ENDPOINT", "AZURE_SEARCH_ENDPOINT")
_SEARCH_KEYS: Final = ("AZURE_AI_SEARCH_API_KEY", "AZURE_SEARCH_API_KEY")
# No other process needs them: the embedded engine is started without.
CREDENTIALS: Final = (
    _OPENAI_KEY,
    _ADMIN_KEY,
    "AZURE_API_KEY",
    *_SEARCH_KEYS,
    "VECTORGATE_MASTER_KEY",
    "VECTORGATE_EXPORT_WEBHOOK_KEY",
    "VECTORGATE_EXPORT_OTLP_HEADERS",
    "VECTORGATE_EXPORT_SLACK",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """Where requests go. `openai_key` None: the embedded engine replaces OpenAI.

    `others` are the secrets of further providers, `admin_secret` that of OpenAI's reports of usage and costs, if they
    are to be compared. `reason` is the setting by which requests are forwarded to OpenAI, or
    by which they are not although `OPENAI_BASE_URL` is set ("" where there is nothing to explain).
    """

    openai_key: str | None
    openai_url: str
    others: Mapping[ProviderName, str]
    reason: str
    admin_secret: str | None = None

    @property
    def is_embedded_alone(self) -> bool:
        """Whether nothing is forwarded to a provider."""
        return self.openai_key is None and not self.others

    @property
    def name(self) -> str:
        """Where requests for the default provider go: an origin, or `embedded`."""
        return EMBEDDED if self.openai_key is None else origin(self.openai_url)

    def explanation(self) -> list[str]:
        """A line for each destination that requests are forwarded to; or one that says why the base URL is not used."""
        lines = [
            f"{name}: forwarded to {origin(json.loads(secret)['base_url'])}, because its AZURE_... settings are set"
            for name, secret in self.others.items()
        ]
        if self.openai_key is not None:
            lines.insert(0, f"openai: forwarded to {origin(self.openai_url)}, because {self.reason}")
        elif self.reason:
            lines.append(self.reason)
        return lines


def read_upstreams(environment: Mapping[str, str], host: str, port: int) -> Upstreams:
    """The upstreams of a gateway that listens on this host and port."""
    choice = environment.get(UPSTREAM) or None
    if choice not in {None, EMBEDDED, OPENAI}:
        raise CannotStart(f"{UPSTREAM} is {choice!r}, and should be '{EMBEDDED}' or '{OPENAI}'")
    if choice == EMBEDDED:
        return Upstreams(openai_key=None, openai_url=OPENAI_URL, others={}, reason="")
    others = azure_secrets(environment)
    _check_others(others)
    key, url = environment.get(_OPENAI_KEY) or None, environment.get("OPENAI_BASE_URL") or OPENAI_URL
    if choice is None and key is None:
        unused = "OPENAI_BASE_URL is not used, because OPENAI_API_KEY is not set"
        return Upstreams(
            openai_key=None, openai_url=OPENAI_URL, others=others, reason=unused if url != OPENAI_URL else ""
        )
    if key is None:
        raise CannotStart(f"{UPSTREAM} is '{OPENAI}', which needs {_OPENAI_KEY}")
    _check_openai(key, url, host, port)
    reason = f"{_OPENAI_KEY} is set" if choice is None else f"{UPSTREAM} is '{OPENAI}'"
    admin_secret = _admin_secret(environment, url)
    return Upstreams(openai_key=key, openai_url=url, others=others, reason=reason, admin_secret=admin_secret)


def _admin_secret(environment: Mapping[str, str], url: str) -> str | None:
    """The secret of the admin key in `OPENAI_ADMIN_KEY`, of the project in `OPENAI_PROJECT_ID` if that is set."""
    key = environment.get(_ADMIN_KEY) or None
    if key is None:
        return None
    secret = {"type": OPENAI_ADMIN, "base_url": url, "api_key": key}
    project = environment.get(_PROJECT)
    text = json.dumps(secret | ({"project_ids": project} if project else {}))
    _check(text, OPENAI_ADMIN, f"{_ADMIN_KEY} should be printable ASCII without spaces")
    return text


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


def is_loopback(host: str) -> bool:
    """Whether a server on this host serves its own machine alone. A name but `localhost` may mean any address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_openai(key: str, url: str, host: str, port: int) -> None:
    advice = "OPENAI_BASE_URL should be an http(s) URL, without a user or a query"
    _check(openai_secret(url, "-"), OPENAI, advice)
    _check(openai_secret(OPENAI_URL, key), OPENAI, f"{_OPENAI_KEY} should be printable ASCII without spaces")
    split = urlsplit(url.strip())
    if split.port == port and (split.hostname == host or (is_loopback(str(split.hostname)) and is_loopback(host))):
        raise CannotStart(f"OPENAI_BASE_URL is this gateway's own address: unset it, or set {UPSTREAM}={EMBEDDED}")


def _check_others(secrets: Mapping[ProviderName, str]) -> None:
    for provider, secret in secrets.items():
        advice = f"the key or the endpoint of provider {provider} cannot be used: see `make run ARGS=--help`"
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
