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
from vectorgate.persistence.sqlite import SqliteKeys

if TYPE_CHECKING:
    from pathlib import Path

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.clock import Clock
    from vectorgate.persistence.sqlite import Database

LOCAL_KEY_FILE: Final = "local-key"
TEAM: Final = "one-machine"  # the local key's team, and so its tenant: homes of earlier releases hold this name


class KeysWithModels(SqliteKeys):
    """Keys of which the local one may use these models, unless its row names others.

    They are not in its row: the embedded model costs nothing, but the row may open a provider's at the next start.
    """

    def __init__(self, database: Database, local: KeyId, models: tuple[str, ...]) -> None:
        super().__init__(database)
        self._local = local
        self._models = models

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """As the port says."""
        row = super().key(key_id)
        return (
            replace(row, models=self._models) if row is not None and row.id == self._local and not row.models else row
        )


def local_key(keys: KeyStore, master_key: str, clock: Clock, remembered: Path) -> VirtualKey:
    """The row of the key, with the limits of the one that it replaces. StoreError, CannotStart, OSError."""
    current = key_id_of(master_key)
    known = [KeyId(line) for line in read_or_write(remembered, f"{key_id_of(PUBLISHED_KEY)}\n").split()]
    earlier = [key_id for key_id in known if key_id != current]
    write_whole(remembered, "".join(f"{key_id}\n" for key_id in [*earlier, current]))  # before any of them changes
    row = keys.key(current)
    if row is None:
        row = _successor(keys, earlier, current, clock.unix_s())
        keys.add_key(row)
    for key_id in earlier:
        keys.delete_key(key_id)
    write_whole(remembered, f"{current}\n")
    return row


def _successor(keys: KeyStore, earlier: list[KeyId], key_id: KeyId, unix_s: int) -> VirtualKey:
    for former in reversed(earlier):
        row = keys.key(former)
        if row is not None:
            return replace(row, id=key_id, created_at=unix_s, version=1)
    return VirtualKey(id=key_id, created_at=unix_s, alias=TEAM, team_id=TEAM)
