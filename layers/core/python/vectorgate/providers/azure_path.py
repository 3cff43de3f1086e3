"""The two forms of Azure OpenAI's paths, for the gateway and for the SDK when it calls Azure directly. Pure."""

from __future__ import annotations

from typing import Final

_UNDATED: Final = frozenset({"", "v1", "preview", "latest"})


def path_prefix(version: str) -> str:
    """The prefix of operations' paths at this `api-version` ("": none): dated versions have another one."""
    return "/openai/v1" if version in _UNDATED else "/openai"
