"""The administrator's routes as OpenAPI operations: what each does, and who may call it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.paths import JSON, REFUSALS
from tools.openapi.requests import beginning
from vectorgate.admin.app import ROUTES, TEAM_ROUTES
from vectorgate.api.schemas.fields import ID_MAX
from vectorgate.ids import PATH_KINDS

if TYPE_CHECKING:
    Document: TypeAlias = dict[str, Any]

TAG: Final = "administration"
_OBJECT: Final[Document] = {JSON: {"schema": {"type": "object"}}}
_ANY: Final[Document] = {JSON: {"schema": {}}}


def admin_paths() -> dict[str, Document]:
    """Every route by its path. `docs/api.md` has the fields of each."""
    found: dict[str, Document] = {}
    for (method, path), action in ROUTES.items():
        found.setdefault(path, {})[method.lower()] = _operation(method, path, str(action.__doc__))
    return found


def admin_id(method: str, path: str) -> str:
    """The id of a route's operation: `admin.key.generate.post`."""
    return f"admin.{re.sub(r'[{}]', '', path).strip('/').replace('/', '.')}.{method.lower()}"


def _operation(method: str, path: str, description: str) -> Document:
    who = "or the key of an administrator or of a team's" if (method, path) in TEAM_ROUTES else "or an admin key"
    body = {"requestBody": {"required": True, "content": _OBJECT}} if method == "POST" else {}
    refusals = {status: {"$ref": f"#/components/responses/Error{status}"} for status in REFUSALS}
    return {
        "operationId": admin_id(method, path),
        "tags": [TAG],
        "summary": description.partition(".")[0],
        "description": f"{' '.join(description.split())} With the master key {who}; docs/api.md has the fields.",
        "parameters": [_parameter(name) for name in re.findall(r"{(\w+)}", path)],
        **body,
        "responses": {"200": {"description": "What was done or found.", "content": _ANY}, **refusals},
    }


def _parameter(name: str) -> Document:
    kind = PATH_KINDS[name]
    schema = {"type": "string", "minLength": 1, "maxLength": ID_MAX, "pattern": "^[A-Za-z0-9_-]+$"}
    description = f"The id of a {kind} of any team. {beginning(kind)}"
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
