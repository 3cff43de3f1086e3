"""`POST /key/regenerate`: another secret for a key, which keeps its id, budget, records and objects.

::

    add_reference   hash of the new secret -> id        opens nothing yet: no key has this secret
    replace_key     secret = that hash, former = the one before, until the grace period ends
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.admin.aliases import claims_of
from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import invalid, iso_time, read_body
from vectorgate.admin.keys import (
    Duration,
    UpdateKey,
    described,
    find_key,
    key_id_in,
    new_secret,
    seconds_of,
    updated_key,
)
from vectorgate.admin.store_paths import key_in
from vectorgate.api import schemas
from vectorgate.auth.authenticate import key_id_of

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey


class RegenerateKey(UpdateKey):
    """`POST /key/regenerate`. `grace_period`: how long the secret before stays valid, such as `24h`; none by default.

    The fields of an update change as there, except that null for `duration` leaves the key's end as it is.
    """

    grace_period: Duration | None = None


def regenerate(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give a key another secret, shown once, and change the fields that are sent.

    The secret before ends at once, or after `grace_period`; another one before it that was in its own ends now.
    """
    return _regenerated(schemas.validate(RegenerateKey, read_body(request)), deps)


def regenerate_named(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give the key that the path names, itself or its hash, another secret, as `/key/regenerate` does.

    The body may be absent, and name no other key.
    """
    named, sent = key_in(request.path), read_body(request) if request.body.size else {}
    if sent.get("key", named) != named:
        raise invalid("key", "the key in the path")
    return _regenerated(schemas.validate(RegenerateKey, {**sent, "key": named}), deps)


def _regenerated(body: RegenerateKey, deps: AdminDeps) -> dict[str, object]:
    now = deps.clock.unix_s()
    former_until = now + seconds_of("grace_period", body.grace_period) if body.grace_period is not None else None
    named = find_key(key_id_in(body.key), deps)
    claims_of(named, updated_key(named, body, now), deps)  # what is refused leaves no reference
    id_ = named.id
    secret = new_secret(deps.randomness)
    deps.stores.keys.add_reference(key_id_of(secret), id_)

    def replace_row() -> VirtualKey:
        before = find_key(id_, deps)
        changed = updated_key(before, body, now)
        row = replace(
            changed,
            secret=key_id_of(secret),
            former=before.secret or before.id,
            former_until=former_until if former_until is not None else now,
            expires_at=changed.expires_at if body.duration is not None else before.expires_at,
        )
        deps.stores.keys.replace_key(row, claims=claims_of(before, row, deps))
        return row

    row = retry_on_conflict("key", replace_row)
    return {"key": secret, "former_key_until": iso_time(former_until), **described(row, deps)}
