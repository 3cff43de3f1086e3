"""The administrator's routes as OpenAPI operations: what each does, and who may call it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.administration_bodies import body_of
from tools.openapi.administration_queries import query_of
from tools.openapi.administration_results import DEFAULT, RESULTS
from tools.openapi.paths import JSON, REFUSALS
from tools.openapi.requests import beginning
from vectorgate.admin.routes import OF_TEAMS, ROUTES, TEAM_ROUTES
from vectorgate.api import errors
from vectorgate.api.schemas.object_ids import ID_MAX
from vectorgate.ids import PATH_KINDS

if TYPE_CHECKING:
    Document: TypeAlias = dict[str, Any]

TAG: Final = "administration"
KEY_IN_PATH: Final = "The key or its hash."
_OWN_KEY: Final = ("GET", "/key/info")
_ANY: Final[Document] = {JSON: {"schema": {}}}
_STATUS: Final = {
    name: kind.status
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ApiError)
}
_ERROR: Final = re.compile(rf"\b({'|'.join(_STATUS)})\b")
_ERRORS_ALONE: Final = re.compile(rf"(?<=\. )(?:{_ERROR.pattern}(?:, |\. ?))+")


def admin_paths() -> dict[str, Document]:
    """Every route by its path."""
    found: dict[str, Document] = {}
    for (method, path), route in ROUTES.items():
        found.setdefault(path, {})[method.lower()] = _operation(method, path, str(route.action().__doc__))
    return found


def admin_id(method: str, path: str) -> str:
    """The id of a route's operation: `admin.key.generate.post`."""
    return f"admin.{re.sub(r'[{}]', '', path).strip('/').replace('/', '.')}.{method.lower()}"


def _callers(route: tuple[str, str]) -> str:
    if route == _OWN_KEY:
        return "With the master key, an admin key, also of a team admin, or the key itself."
    if route in OF_TEAMS:
        return "With the master key, an admin key, or a key of the owner's team."
    return f"With the master key or an admin key{', also of a team admin' if route in TEAM_ROUTES else ''}."


def _described(docstring: str) -> str:
    """A docstring for readers of the API: a status for the name of each error, and no list of errors without reason."""
    text = _ERRORS_ALONE.sub("", " ".join(docstring.split()))
    return _ERROR.sub(lambda found: str(_STATUS[found[1]]), text).strip()


def _operation(method: str, path: str, docstring: str) -> Document:
    description = _described(docstring)
    schema = body_of(path) if method == "POST" else None
    body = {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}} if schema is not None else {}
    refusals = {status: {"$ref": f"#/components/responses/Error{status}"} for status in REFUSALS}
    return {
        "operationId": admin_id(method, path),
        "tags": [TAG],
        "summary": description.partition(".")[0],
        "description": f"{description} {_callers((method, path))}",
        "parameters": [*map(_parameter, re.findall(r"{(\w+)}", path)), *query_of((method, path))],
        **body,
        "responses": {"200": {"description": RESULTS.get(path, DEFAULT), "content": _ANY}, **refusals},
    }


def _parameter(name: str) -> Document:
    if name == "key":
        return {"name": name, "in": "path", "required": True, "description": KEY_IN_PATH, "schema": {"type": "string"}}
    kind = PATH_KINDS[name]
    schema = {"type": "string", "minLength": 1, "maxLength": ID_MAX, "pattern": "^[A-Za-z0-9_-]+$"}
    description = f"The id of a {kind} of any team. {beginning(kind)}"
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
