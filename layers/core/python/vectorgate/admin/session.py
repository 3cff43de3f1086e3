"""`GET /admin/session`: whose key was presented, for the dashboard's sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import iso_time
from vectorgate.admin.lists import refuse_unknown
from vectorgate.version import __version__

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

MASTER_ROLE: Final = "master"


def session(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The caller's role, name and team, when its key ends, and the gateway's version and default provider."""
    refuse_unknown(request.query, ())
    key = deps.actor.key
    return {
        "role": key.role if key is not None else MASTER_ROLE,
        "key_alias": deps.actor.alias,
        "team_id": deps.actor.team_id,
        "expires": iso_time(key.expires_at) if key is not None else None,
        "version": __version__,
        "default_provider": deps.default_provider,
    }
