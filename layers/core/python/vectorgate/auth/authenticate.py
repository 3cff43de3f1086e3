"""Who is calling. It ends in a principal, in 401, or in 503: there is no anonymous principal to fall through to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import Unauthenticated
from vectorgate.auth.keys.model import Principal
from vectorgate.ids import key_id_of

if TYPE_CHECKING:
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.ports import Keys

MAX_KEY = 512
_BEARER = "bearer "


def presented_key(request: Request) -> str | None:
    """The secret in `Authorization: Bearer` or, as Azure's clients send it, in `api-key`."""
    authorization = request.header("authorization")
    if authorization is not None and authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip() or None
    return request.header("api-key")


def identify(request: Request, keys: Keys, unix_s: int) -> Principal:
    """The principal whose key was presented. The answer never holds any of what was presented."""
    secret = presented_key(request)
    if secret is None:
        raise Unauthenticated(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using "
            "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    key = keys.key(key_id_of(secret)) if len(secret) <= MAX_KEY else None
    if key is None or not key.usable_at(unix_s):
        raise Unauthenticated("Incorrect API key provided.", code="invalid_api_key")
    return Principal(key=key)
