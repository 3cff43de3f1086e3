"""What a key is restricted to: routes, reading, providers, and stores. Pure. Loaded by the first restricted key.

Routes are LiteLLM's: a path, a prefix (`/v1/vector_stores/*`), a template (`/vector_stores/{vector_store_id}/search`)
or a group. They count with and without `/v1` and Azure's prefixes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import PermissionDenied
from vectorgate.api.safety import Safety
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import ProviderName

GATEWAY_GROUPS: Final = frozenset({"llm_api_routes", "openai_routes"})  # LiteLLM's groups with what is served here
OTHER_GROUPS: Final = frozenset({"info_routes", "management_routes"})  # and those with the administrator's routes
_PREFIX: Final = re.compile(r"^(?:/openai)?(?:/v1)?(?=/|\*|$)")
_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")


def check_restrictions(key: VirtualKey, prefix: str, command: Command) -> None:
    """Check that a key may make this call. PermissionDenied (403) otherwise. `prefix`: of the API that serves it."""
    operation, route = command.operation, prefix + command.operation.path
    if key.read_only and operation.safety is not Safety.READ:
        raise PermissionDenied("This key may only read.", code="read_only_key")
    if key.vector_stores is not None and operation.creates is ObjectKind.VECTOR_STORE:
        raise PermissionDenied(
            "This key may use the vector stores of its 'object_permission' only, and create no other.",
            code="vector_store_not_allowed",
        )
    if key.allowed_routes is not None and not GATEWAY_GROUPS.intersection(key.allowed_routes):
        check_route(key, route, command.ids)


def check_route(key: VirtualKey, route: str, ids: Mapping[str, str]) -> None:
    """Check that the key's `allowed_routes` name a route, whatever groups they name. PermissionDenied (403)."""
    if key.allowed_routes is not None and not any(_matches(each, route, ids) for each in key.allowed_routes):
        raise PermissionDenied(
            f"This key may not call '{route}': its 'allowed_routes' has to name it.", code="route_not_allowed"
        )


def allowed_providers(key: VirtualKey, command: Command, providers: Sequence[ProviderName]) -> Sequence[ProviderName]:
    """The providers that the key may use. PermissionDenied (403) when the call names another, or none is left."""
    allowed = [name for name in providers if key.allowed_providers is None or name in key.allowed_providers]
    if not allowed or (command.provider is not None and command.provider not in allowed):
        raise PermissionDenied(
            "This key may not use this provider: its 'allowed_providers' has to name it.",
            code="provider_not_allowed",
            param="custom_llm_provider",
        )
    return allowed


def _matches(allowed: str, route: str, ids: Mapping[str, str]) -> bool:
    pattern, path = _PREFIX.sub("", allowed), _PARAMETER.sub(lambda name: ids[name[0][1:-1]], route)
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return pattern.rstrip("/") == path or _PARAMETER.sub("{}", pattern) == _PARAMETER.sub("{}", route)
