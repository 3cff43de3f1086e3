"""The fields that restrict a key, as LiteLLM names those that it has. An empty list restricts nothing, as there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StrictBool, StringConstraints

from vectorgate.admin.fields import invalid
from vectorgate.api.schemas.fields import WireModel
from vectorgate.auth.restrictions import GATEWAY_GROUPS, OTHER_GROUPS
from vectorgate.ids import OBJECT_ID

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey

_ROUTE: Final = re.compile(r"/[A-Za-z0-9_./{}-]*\*?", re.ASCII)
_GROUPS: Final = GATEWAY_GROUPS | OTHER_GROUPS

Ids = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=128)]], Field(max_length=100)]
Routes = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=256)]], Field(max_length=100)]
Providers = Annotated[list[Literal["openai", "azure", "azure_ai"]], Field(max_length=3)]


class ObjectPermission(WireModel):
    """LiteLLM's `object_permission`: the vector stores that a key may use."""

    vector_stores: Ids | None = None


class Restrictions(WireModel):
    """What a new or a changed key is restricted to."""

    allowed_routes: Routes | None = None
    allowed_providers: Providers | None = None
    object_permission: ObjectPermission | None = None
    read_only: StrictBool | None = None


def restriction_columns(body: Restrictions) -> dict[str, tuple[str, Any]]:
    """The column and its value for each field. InvalidRequest for a route or an id that there cannot be."""
    permission = body.object_permission
    return {
        "allowed_routes": ("allowed_routes", _routes(body.allowed_routes)),
        "allowed_providers": ("allowed_providers", _distinct(body.allowed_providers)),
        "object_permission": ("vector_stores", _stores(permission.vector_stores) if permission is not None else None),
        "read_only": ("read_only", bool(body.read_only)),
    }


def restriction_fields(row: VirtualKey) -> dict[str, object]:
    """The restrictions of a key."""
    return {
        "allowed_routes": list(row.allowed_routes or ()),
        "allowed_providers": list(row.allowed_providers or ()),
        "object_permission": {"vector_stores": list(row.vector_stores)} if row.vector_stores is not None else None,
        "read_only": row.read_only,
    }


def _routes(names: list[str] | None) -> tuple[str, ...] | None:
    if not all(name in _GROUPS or _ROUTE.fullmatch(name) for name in names or ()):
        raise invalid("allowed_routes", f"paths, which may end in '*', or one of {', '.join(sorted(_GROUPS))}")
    return _distinct(names)


def _stores(names: list[str] | None) -> tuple[str, ...] | None:
    if not all(map(OBJECT_ID.fullmatch, names or ())):
        raise invalid("object_permission", "ids of vector stores")
    return _distinct(names)


def _distinct(names: list[Any] | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(names)) if names else None
