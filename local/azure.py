"""The Azure providers of the one-machine edition, out of the environment variables that LiteLLM knows.

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
from typing import TYPE_CHECKING

from vectorgate.ids import ProviderName

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDPOINTS = ("AZURE_AI_SEARCH_ENDPOINT", "AZURE_SEARCH_ENDPOINT")
_KEYS = ("AZURE_AI_SEARCH_API_KEY", "AZURE_SEARCH_API_KEY")


def azure_secrets(environment: Mapping[str, str]) -> dict[ProviderName, str]:
    """A secret for each Azure provider of which host and key are given."""
    openai = {
        "base_url": _first(environment, "AZURE_API_BASE"),
        "api_key": _first(environment, "AZURE_API_KEY"),
        "api_version": _first(environment, "AZURE_API_VERSION"),
    }
    search = {"base_url": _first(environment, *_ENDPOINTS), "api_key": _first(environment, *_KEYS)}
    return {
        ProviderName(name): json.dumps({"type": name, **{part: text for part, text in secret.items() if text}})
        for name, secret in (("azure", openai), ("azure_ai", search))
        if secret["base_url"] and secret["api_key"]
    }


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
