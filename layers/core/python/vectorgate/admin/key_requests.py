"""Make a virtual key: 256 random bits, shown once, kept as their SHA-256."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas.fields import WireModel
from vectorgate.auth.keys.model import IndexPermission, VirtualKey
from vectorgate.budgets.model import budget_amount, budget_duration, new_limit
from vectorgate.ids import LABEL, key_id_of

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Random

KEY_BITS: Final = 256
MAX_METADATA: Final = 2_048
MAX_SECONDS: Final = 100 * 365 * 86_400  # a longer wish is granted as a century: no date of a calendar overflows
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w|mo)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 30 * 86_400}

Label = Annotated[str, StringConstraints(max_length=128)]


class IndexGrant(WireModel):
    """One index that the key may use, and how (LiteLLM's `allowed_vector_store_indexes`)."""

    index_name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    index_permissions: Annotated[list[Annotated[str, StringConstraints(max_length=16)]], Field(max_length=2)]


class GenerateKey(WireModel):
    """`POST /key/generate`: LiteLLM's names for what a key is and may do."""

    key_alias: Label | None = None
    team_id: Label | None = None
    user_id: Label | None = None
    duration: Annotated[str, StringConstraints(max_length=16)] | None = None
    allowed_vector_store_indexes: Annotated[list[IndexGrant], Field(max_length=100)] | None = None
    metadata: dict[str, object] | None = None
    max_budget: StrictInt | StrictFloat | None = None
    soft_budget: StrictInt | StrictFloat | None = None
    budget_duration: Annotated[str, StringConstraints(max_length=16)] | None = None


class UpdateKey(WireModel):
    """`POST /key/update`: fields that are not sent stay, null takes away. What a key belongs to does not change."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    key_alias: Label | None = None
    user_id: Label | None = None
    duration: Annotated[str, StringConstraints(max_length=16)] | None = None
    blocked: StrictBool | None = None
    allowed_vector_store_indexes: Annotated[list[IndexGrant], Field(max_length=100)] | None = None
    metadata: dict[str, object] | None = None
    max_budget: StrictInt | StrictFloat | None = None
    soft_budget: StrictInt | StrictFloat | None = None
    budget_duration: Annotated[str, StringConstraints(max_length=16)] | None = None


def updated_key(row: VirtualKey, wish: UpdateKey, now: int) -> VirtualKey:
    """The key's next row. InvalidRequest for what cannot be granted."""
    asked: dict[str, tuple[str, Any]] = {
        "key_alias": ("alias", label("key_alias", wish.key_alias)),
        "user_id": ("user_id", label("user_id", wish.user_id)),
        "duration": ("expires_at", now + _seconds(wish.duration) if wish.duration is not None else None),
        "blocked": ("blocked", bool(wish.blocked)),
        "allowed_vector_store_indexes": ("indexes", _grants(wish.allowed_vector_store_indexes)),
        "metadata": ("metadata", metadata_text(wish.metadata)),
        "max_budget": ("max_budget", budget_amount("max_budget", wish.max_budget)),
        "soft_budget": ("soft_budget", budget_amount("soft_budget", wish.soft_budget)),
        "budget_duration": ("budget_duration", budget_duration(wish.budget_duration)),
    }
    changes = dict(asked[name] for name in asked if name in wish.model_fields_set)
    return replace(row, **changes, version=row.version + 1)


def new_key(wish: GenerateKey, clock: Clock, randomness: Random) -> tuple[str, VirtualKey]:
    """The secret, to be shown now and never again, and the row to keep. InvalidRequest for what cannot be granted."""
    secret = "sk-" + base64.urlsafe_b64encode(randomness.bits(KEY_BITS).to_bytes(KEY_BITS // 8, "big")).decode().rstrip(
        "="
    )
    now = clock.unix_s()
    limit = new_limit(wish.max_budget, wish.soft_budget, wish.budget_duration, now)
    row = VirtualKey(
        id=key_id_of(secret),
        created_at=now,
        alias=label("key_alias", wish.key_alias),
        team_id=label("team_id", wish.team_id),
        user_id=label("user_id", wish.user_id),
        expires_at=now + _seconds(wish.duration) if wish.duration is not None else None,
        indexes=_grants(wish.allowed_vector_store_indexes),
        metadata=metadata_text(wish.metadata),
        max_budget=limit.max_budget if limit is not None else None,
        soft_budget=limit.soft_budget if limit is not None else None,
        budget_duration=limit.duration if limit is not None else None,
    )
    return secret, row


def label(param: str, text: str | None) -> str | None:
    """A name that an administrator gives. InvalidRequest for one that cannot be a part of a key."""
    if text is not None and not LABEL.fullmatch(text):
        raise InvalidRequest(
            f"Invalid '{param}': expected 1 to 128 printable characters without '#'.", code="invalid_value", param=param
        )
    return text


def _seconds(duration: str) -> int:
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise InvalidRequest(
            "Invalid 'duration': expected a number and a unit, such as '30s', '30m', '30h', '30d', '1w' or '1mo'.",
            code="invalid_value",
            param="duration",
        )
    return min(int(match[1]) * _SECONDS[match[2]], MAX_SECONDS)


def _grants(wished: list[IndexGrant] | None) -> dict[str, frozenset[IndexPermission]]:
    return {grant.index_name: _permissions(grant) for grant in wished or ()}


def _permissions(grant: IndexGrant) -> frozenset[IndexPermission]:
    try:
        return frozenset(IndexPermission(permission) for permission in grant.index_permissions)
    except ValueError:
        raise InvalidRequest(
            "Invalid value in 'index_permissions'. Supported values are: 'read' and 'write'.",
            code="invalid_value",
            param="allowed_vector_store_indexes",
        ) from None


def metadata_text(metadata: dict[str, object] | None) -> str | None:
    """What an administrator notes of somebody, as JSON. InvalidRequest when it is too much."""
    if metadata is None:
        return None
    text = json.dumps(metadata, separators=(",", ":"))
    if len(text) > MAX_METADATA:
        raise InvalidRequest(
            f"Invalid 'metadata': expected at most {MAX_METADATA} characters of JSON.",
            code="string_above_max_length",
            param="metadata",
        )
    return text
