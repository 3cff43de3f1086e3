"""Providers: their API dialects, credentials, HTTP adapter, and the registry of their names.

A provider's module is imported when it is configured, so that a cold start imports no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vectorgate.ids import ProviderName
    from vectorgate.providers.base import Provider


def configured_providers(names: Iterable[ProviderName]) -> Mapping[ProviderName, Provider]:
    """The provider of each name, in their order. ValueError for an unknown name, and for none at all."""
    providers = {name: _provider(name) for name in names}
    if not providers:
        raise ValueError("no provider is configured")
    return providers


def _provider(name: ProviderName) -> Provider:
    match name:
        case "openai":
            from vectorgate.providers.openai import OpenAI  # noqa: PLC0415 - see the module

            return OpenAI(name)
        case "azure":
            from vectorgate.providers.azure_openai import AzureOpenAI  # noqa: PLC0415 - see the module

            return AzureOpenAI(name)
        case "azure_ai":
            from vectorgate.providers.azure_search import AzureAISearch  # noqa: PLC0415 - see the module

            return AzureAISearch(name)
    raise ValueError(f"unknown provider: {name}")
