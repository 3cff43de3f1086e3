"""The store that a name means: one for each team and name, however many objects ask for it at once.

::

    named row   --> that store; whether it still lives, its use tells
    none        --> `vs_...` that the team owns: itself
                --> created under a key made of (team, name, generation): whoever comes meanwhile waits or is replayed
    it is gone  --> the next generation, named after the store that it replaces
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.gateway.policy import Policy
from vectorgate.ids import ObjectId, is_object_id
from vectorgate.ingest.model import Postponed
from vectorgate.ingest.team_client import AGAIN, SOON, step_key
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.ingest.team_client import TeamClient

OPERATION: Final = "vector_stores.create"
_PREFIX: Final = "vs_"
_FIRST: Final = "first"


@dataclass(frozen=True, slots=True)
class StoreResolver:
    """Names of stores, over their rows."""

    store: IngestStore

    def resolve(self, client: TeamClient, name: str) -> ObjectId:
        """The store of that name or id, made if it is not there. Postponed or Rejected."""
        noted = self.store.named_store(client.team, name)
        if noted is not None:
            return noted
        if name.startswith(_PREFIX) and is_object_id(name) and is_there(client, name):
            return self._noted(client.team, name, ObjectId(name), None)
        return self._noted(client.team, name, _created(client, name, _FIRST), None)

    def replace(self, client: TeamClient, name: str, gone: ObjectId) -> None:
        """Make another one in place of a store that was deleted. Postponed or Rejected."""
        if self.store.named_store(client.team, name) == gone:
            self._noted(client.team, name, _created(client, name, gone), gone)

    def _noted(self, team: str, name: str, store_id: ObjectId, instead_of: ObjectId | None) -> ObjectId:
        try:
            self.store.name_store(team, name, store_id, instead_of=instead_of)
        except StateConflict:
            raise Postponed(SOON, "Another object named the store at the same moment.") from None
        return store_id


def is_there(client: TeamClient, store_id: str) -> bool:
    """Whether the team has such a store."""
    return client.find("vector_stores.retrieve", vector_store_id=store_id) is not None


def _created(client: TeamClient, name: str, generation: str) -> ObjectId:
    key = step_key("store", client.team, name, generation)
    made = client.created(OPERATION, key)
    if made is None:
        client.call(OPERATION, body={"name": name}, policy=Policy(idempotency_key=key))
        made = client.created(OPERATION, key)
    if made is None:
        raise Postponed(AGAIN, "The store's record is not written yet.")
    return made.id
