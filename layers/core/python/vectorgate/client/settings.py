"""The SDK's settings in the environment. Read at each call, because programs set keys after they import."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI_URL: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """The SDK's settings, None for what is not set. A blank variable counts as not set, as in openai's SDK."""

    base_url: str | None = None
    api_key: str | None = None
    function: str | None = None
    openai_url: str = OPENAI_URL
    openai_key: str | None = None
    openai_organization: str | None = None
    openai_project: str | None = None
    azure_url: str | None = None
    azure_key: str | None = None
    azure_version: str | None = None
    certificates: str | None = None


def from_environment() -> ClientSettings:
    """The settings of this process."""
    return read(os.environ)


def value_of(name: str) -> str | None:
    """A variable of this process. None for a blank one."""
    return os.environ.get(name, "").strip() or None


def read(environment: Mapping[str, str]) -> ClientSettings:
    """The settings in an environment."""

    def value(name: str) -> str | None:
        return environment.get(name, "").strip() or None

    return ClientSettings(
        base_url=value("VECTORGATE_BASE_URL"),
        api_key=value("VECTORGATE_API_KEY"),
        function=value("VECTORGATE_FUNCTION"),
        openai_url=value("OPENAI_BASE_URL") or OPENAI_URL,
        openai_key=value("OPENAI_API_KEY"),
        openai_organization=value("OPENAI_ORG_ID"),
        openai_project=value("OPENAI_PROJECT_ID"),
        azure_url=value("AZURE_API_BASE"),
        azure_key=value("AZURE_API_KEY"),
        azure_version=value("AZURE_API_VERSION"),
        certificates=value("SSL_CERT_FILE"),
    )


def proxy_for(url: str) -> str | None:
    """The proxy for this URL, as the standard library reads `*_PROXY`, `NO_PROXY` and the system's settings."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - importing the SDK must not cost HTTP

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return None if not proxy or proxy_bypass(parts.netloc) else proxy
