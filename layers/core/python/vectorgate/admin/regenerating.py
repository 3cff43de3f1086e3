"""`POST /key/regenerate`: another secret for a key, which keeps its id, budget, records and objects.

::

    add_reference   hash of the new secret -> id        opens nothing yet: no key has this secret
    replace_key     secret = that hash, former = the one before, until the grace period ends
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import iso_time, read_body
from vectorgate.admin.keys import (
    Duration,
    PresentedKey,
    described,
    find_key,
    key_id_in,
    new_secret,
    seconds_of,
)
from vectorgate.api import schemas
from vectorgate.api.schemas.fields import WireModel
from vectorgate.auth.authenticate import key_id_of

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey


class RegenerateKey(WireModel):
    """`POST /key/regenerate`. `grace_period`: how long the secret before stays valid, such as `24h`; none by default.

    `duration`: when the key ends, counted from now; without it that does not change.
    """

    key: PresentedKey
    grace_period: Duration | None = None
    duration: Duration | None = None


def regenerate(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give a key another secret, shown once. Another one before it that was still in its grace period ends now."""
    body = schemas.validate(RegenerateKey, read_body(request))
    now = deps.clock.unix_s()
    former_until = now + seconds_of("grace_period", body.grace_period) if body.grace_period is not None else None
    ends = now + seconds_of("duration", body.duration) if body.duration is not None else None
    id_ = find_key(key_id_in(body.key), deps).id
    secret = new_secret(deps.randomness)
    deps.stores.keys.add_reference(key_id_of(secret), id_)

    def replace_row() -> VirtualKey:
        before = find_key(id_, deps)
        row = replace(
            before,
            secret=key_id_of(secret),
            former=before.secret or before.id,
            former_until=former_until if former_until is not None else now,
            expires_at=ends if ends is not None else before.expires_at,
            version=before.version + 1,
        )
        deps.stores.keys.replace_key(row)
        return row

    row = retry_on_conflict("key", replace_row)
    return {"key": secret, "former_key_until": iso_time(former_until), **described(row, deps)}
