"""The store that a name means: one for each team and name, however many objects name it at once.

::

    the name has a row   --> its store; whether that still exists is known once it is used
    it has none          --> the name is `vs_...`, a store of the team: that store
                         --> created under an idempotency key of (team, name, generation): concurrent attempts wait for
                             the first one, or get its answer
    the store is deleted --> the next generation, named after the store that it replaces
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ObjectId, is_object_id
from vectorgate.ingest.model import RetryLaterError
from vectorgate.ingest.team_client import RETRY_SECONDS, SHORT_RETRY_SECONDS, step_key
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.ingest.team_client import TeamClient

OPERATION: Final = "vector_stores.create"
_PREFIX: Final = "vs_"
_FIRST: Final = "first"


@dataclass(frozen=True, slots=True)
class StoreResolver:
    """Resolves names of stores, and keeps their rows."""

    store: IngestStore

    def resolve(self, client: TeamClient, name: str) -> ObjectId:
        """The store of that name or id, created if there is none. RetryLaterError or PermanentFailureError."""
        named = self.store.named_store(client.team, name)
        if named is not None:
            return named
        if name.startswith(_PREFIX) and is_object_id(name) and store_exists(client, name):
            return self._name(client.team, name, ObjectId(name), None)
        return self._name(client.team, name, _create(client, name, _FIRST), None)

    def replace(self, client: TeamClient, name: str, deleted: ObjectId) -> None:
        """Create another store in place of a deleted one. RetryLaterError or PermanentFailureError."""
        if self.store.named_store(client.team, name) == deleted:
            self._name(client.team, name, _create(client, name, deleted), deleted)

    def _name(self, team: str, name: str, store_id: ObjectId, replacing: ObjectId | None) -> ObjectId:
        try:
            self.store.name_store(team, name, store_id, replacing=replacing)
        except StateConflict:
            raise RetryLaterError(SHORT_RETRY_SECONDS, "Another object named the store at the same moment.") from None
        return store_id


def store_exists(client: TeamClient, store_id: str) -> bool:
    """Whether the team has this store."""
    return client.find("vector_stores.retrieve", vector_store_id=store_id) is not None


def _create(client: TeamClient, name: str, generation: str) -> ObjectId:
    key = step_key("store", client.team, name, generation)
    created = client.created(OPERATION, key)
    if created is None:
        client.call(OPERATION, body={"name": name}, policy=Policy(idempotency_key=key))
        created = client.created(OPERATION, key)
    if created is None:
        raise RetryLaterError(RETRY_SECONDS, "The store's record is not written yet.")
    return created.id
