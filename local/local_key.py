"""The one key that local mode makes by itself: master key and client key of one team.

Its text is a setting, so another one may replace it. The one before is withdrawn then: it would go on opening the
team's stores, and `sk-1234` is published. A file beside the database has the ids of those that are not withdrawn yet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from local.home import read_or_write, write_whole
from local.settings import PUBLISHED_KEY
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ids import KeyId

if TYPE_CHECKING:
    from pathlib import Path

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.clock import Clock

LOCAL_KEY_FILE: Final = "local-key"
TEAM: Final = "one-machine"  # the local key's team, and so its tenant: homes of earlier releases hold this name


def local_key(
    keys: KeyStore, master_key: str, clock: Clock, remembered: Path, *, models: tuple[str, ...] = ()
) -> VirtualKey:
    """The row of the key, with the limits of the one that it replaces. StoreError, CannotStart, OSError.

    `models`: those that it may use when there was no key before, or the demo's, which may use all of the embedded one.
    """
    current = key_id_of(master_key)
    known = [KeyId(line) for line in read_or_write(remembered, f"{key_id_of(PUBLISHED_KEY)}\n").split()]
    earlier = [key_id for key_id in known if key_id != current]
    write_whole(remembered, "".join(f"{key_id}\n" for key_id in [*earlier, current]))  # before any of them changes
    row = keys.key(current)
    if row is None:
        row = _successor(keys, earlier, new_key(current, clock.unix_s(), models))
        keys.add_key(row)
    for key_id in earlier:
        keys.delete_key(key_id)
    write_whole(remembered, f"{current}\n")
    return row


def new_key(key_id: KeyId, unix_s: int, models: tuple[str, ...]) -> VirtualKey:
    """The row of the first key."""
    return VirtualKey(id=key_id, created_at=unix_s, alias=TEAM, team_id=TEAM, models=models)


def _successor(keys: KeyStore, earlier: list[KeyId], key: VirtualKey) -> VirtualKey:
    """The new key, with the limits of the youngest one that it replaces."""
    for former in reversed(earlier):
        row = keys.key(former)
        if row is not None:
            models = key.models if former == key_id_of(PUBLISHED_KEY) else row.models
            return replace(row, id=key.id, created_at=key.created_at, models=models, version=1)
    return key
