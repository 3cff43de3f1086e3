"""Whether one key may do more than another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.auth.permissions import ANY, DEFAULT_TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.auth.keys.model import VirtualKey

# Fields whose value is a bound (None for no bound), by the name under which an administrator sends them.
BOUNDS: Final[Mapping[str, str]] = {
    "max_budget": "max_budget",
    "max_output_tokens": "max_output_tokens",
    "tpm_limit": "tpm_limit",
    "rpm_limit": "rpm_limit",
    "max_parallel_requests": "max_parallel_requests",
}
# Fields that name all that a key may use, None for any.
SELECTIONS: Final[Mapping[str, str]] = {
    "allowed_routes": "allowed_routes",
    "allowed_providers": "allowed_providers",
    "vector_stores": "object_permission",
}
# Fields that grant something, each compared in its own way.
GRANTS: Final[Mapping[str, str]] = {
    "indexes": "allowed_vector_store_indexes",
    "models": "models",
    "allowed_tools": "allowed_tools",
    "budget_duration": "budget_duration",
    "read_only": "read_only",
    **SELECTIONS,
}
_BUDGET: Final = ("max_budget", "budget_duration")


def gains(before: VirtualKey, after: VirtualKey) -> bool:
    """Whether a key opens again, or for longer, or to the one who changed it, whatever else it may do."""
    if before.secret != after.secret or (before.blocked and not after.blocked):
        return True
    return before.expires_at is not None and (after.expires_at is None or after.expires_at > before.expires_at)


def exceeding(key: VirtualKey, holder: VirtualKey, before: VirtualKey | None) -> str | None:
    """The first field by which `key` may do more than `holder`, under an administrator's name; None if there is none.

    With `before`, only fields count that differ from it.
    """
    for name, param in {**BOUNDS, **GRANTS}.items():
        if before is not None and not _differs(name, before, key):
            continue
        if not (_within_bound(name, key, holder) if name in BOUNDS else _is_granted(name, key, holder)):
            return param
    return None


def bounds_of(holder: VirtualKey, key: VirtualKey) -> dict[str, object]:
    """The holder's bounds for a new key that has none of its own, by field."""
    bounds = {name: getattr(holder, name) for name in (*BOUNDS, *SELECTIONS) if getattr(key, name) is None}
    bounds["read_only"] = key.read_only or holder.read_only
    if key.max_budget is None:
        bounds["budget_duration"] = holder.budget_duration
    if key.allowed_tools is None:
        bounds["allowed_tools"] = holder.allowed_tools
    return bounds


def _differs(name: str, before: VirtualKey, after: VirtualKey) -> bool:
    """Whether a field differs; amount and period of a budget are one field."""
    names = _BUDGET if name in _BUDGET else (name,)
    return any(getattr(before, each) != getattr(after, each) for each in names)


def _within_bound(name: str, key: VirtualKey, holder: VirtualKey) -> bool:
    own, most = getattr(key, name), getattr(holder, name)
    return most is None or (own is not None and own <= most)


def _is_granted(name: str, key: VirtualKey, holder: VirtualKey) -> bool:
    match name:
        case "indexes":
            return all(allowed <= holder.indexes.get(index, frozenset()) for index, allowed in key.indexes.items())
        case "models":
            return all(any(_covers(model, each) for each in holder.models) for model in key.models)
        case "allowed_tools":
            tools = _tools(holder)
            return ANY in tools or _tools(key) <= tools
        case "read_only":
            return key.read_only or not holder.read_only
        case name if name in SELECTIONS:
            own, most = getattr(key, name), getattr(holder, name)
            return most is None or (own is not None and frozenset(own) <= frozenset(most))
        case _:  # a budget that is given more often is a larger one; one that never resets is not
            return holder.max_budget is None or key.budget_duration in (None, holder.budget_duration)


def _covers(pattern: str, holders: str) -> bool:
    return pattern.startswith(holders[:-1]) if holders.endswith(ANY) else pattern == holders


def _tools(key: VirtualKey) -> frozenset[str]:
    return DEFAULT_TOOLS if key.allowed_tools is None else frozenset(key.allowed_tools)
