"""The two forms of Azure OpenAI's path, for the gateway and for the SDK that goes there directly. Pure."""

from __future__ import annotations

from typing import Final

_UNDATED: Final = frozenset({"", "v1", "preview", "latest"})


def path_form(version: str) -> str:
    """What an operation's path stands below at this `api-version`, "" for none: dates have a form of their own."""
    return "/openai/v1" if version in _UNDATED else "/openai"
