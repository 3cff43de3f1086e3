"""What a key may use beside its tenant's objects: models, and the tools and features of responses. Pure.

A key has no model until its `models` names one, so that a key made before there were models may do what it could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import PermissionDenied
from vectorgate.api.schemas.error_messages import clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.api.command import Command
    from vectorgate.auth.keys.model import VirtualKey

# Tools that run at the caller, and those of the provider that reach nothing but the web and the tenant's own objects.
DEFAULT_TOOLS: Final = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "custom",
        "file_search",
        "function",
        "local_shell",
        "namespace",
        "programmatic_tool_calling",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
ANY: Final = "*"


def check_permissions(key: VirtualKey, command: Command) -> None:
    """Check that a key may use the model and every feature that a command names. PermissionDenied (403) otherwise."""
    model = command.model
    if model is not None and not may_use_model(key, model):
        raise PermissionDenied(
            f"This key may not use the model '{clip(model)}': its 'models' does not list it.",
            code="model_not_allowed",
            param="model",
        )
    for feature in command.features:
        if not _may_use(key, feature.name):
            raise PermissionDenied(
                f"This key may not use '{clip(feature.name)}': its 'allowed_tools' does not list it.",
                code="tool_not_allowed",
                param=feature.param,
            )


def may_use_model(key: VirtualKey, model: str) -> bool:
    """Whether one of the key's `models` is this one, or ends in `*` and begins like it."""
    return _matches(model, key.models)


def _may_use(key: VirtualKey, feature: str) -> bool:
    allowed = key.allowed_tools
    return feature in DEFAULT_TOOLS if allowed is None else ANY in allowed or feature in allowed


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name.startswith(each[:-1]) if each.endswith(ANY) else name == each for each in patterns)
