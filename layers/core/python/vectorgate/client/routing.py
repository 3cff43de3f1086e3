"""Which destination a call has, by its options and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vectorgate.client.destinations import Azure, Gateway, OpenAI
from vectorgate.client.errors import SettingsError
from vectorgate.client.lambda_function import LambdaFunction

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.client.destinations import Destination
    from vectorgate.client.lambda_function import Signer
    from vectorgate.client.options import Options
    from vectorgate.client.settings import ClientSettings


def destination_of(options: Options, settings: ClientSettings, signer: Callable[[], Signer]) -> Destination:
    """See the table in `destinations`. SettingsError for contradictions, and for a key that is missing."""
    if options.api_base is None and (settings.base_url or settings.function):
        return _gateway(options, settings, signer)
    if options.custom_llm_provider in {None, "openai"}:
        return _openai(options, settings)
    if options.custom_llm_provider == "azure":
        return _azure(options, settings)
    raise SettingsError(
        f"custom_llm_provider={options.custom_llm_provider!r} needs a gateway (VECTORGATE_BASE_URL); "
        "without one, use 'openai' or 'azure'"
    )


def _gateway(options: Options, settings: ClientSettings, signer: Callable[[], Signer]) -> Destination:
    if settings.base_url and settings.function:
        raise SettingsError("VECTORGATE_BASE_URL and VECTORGATE_FUNCTION are both set: unset one of them")
    if options.api_version is not None:
        raise SettingsError("api_version is a setting of the gateway, which takes none from clients")
    key = _key(options.api_key or settings.api_key, "VECTORGATE_API_KEY")
    if settings.function:
        return LambdaFunction(name=settings.function, api_key=key, signer=signer())
    return Gateway(api_base=checked_base(str(settings.base_url)), api_key=key)


def _openai(options: Options, settings: ClientSettings) -> Destination:
    account = {"openai-organization": settings.openai_organization, "openai-project": settings.openai_project}
    return OpenAI(
        api_base=checked_base(options.api_base or settings.openai_url),
        api_key=_key(options.api_key or settings.openai_key, "OPENAI_API_KEY"),
        extra={name: value for name, value in account.items() if value is not None},
    )


def _azure(options: Options, settings: ClientSettings) -> Destination:
    base = options.api_base or settings.azure_url
    if base is None:
        raise SettingsError("no Azure resource: pass api_base, or set AZURE_API_BASE")
    key = _key(options.api_key or settings.azure_key, "AZURE_API_KEY")
    return Azure(api_base=checked_base(base), api_key=key, version=options.api_version or settings.azure_version)


def _key(key: str | None, variable: str) -> str:
    """The key without the line end that files and shells add. SettingsError when there is none."""
    if key is None or not key.strip():
        raise SettingsError(f"no key: pass api_key, or set {variable}")
    return key.strip()


def checked_base(url: str) -> str:
    """A base URL without its trailing slash. SettingsError for a text that is none."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"not a base URL: {url!r}")
    return url.strip().rstrip("/")
