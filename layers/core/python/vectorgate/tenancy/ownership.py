"""The ownership row, the only evidence that a tenant may use an object. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from vectorgate.classes import dataclass
from vectorgate.ids import ObjectKind
from vectorgate.providers.openai import UNKNOWN_STORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import KeyId, ObjectId, OperationId, ProviderName, TenantId

# The column of the ledger row that names an object of each kind.
OWNED_COLUMN: Final[Mapping[ObjectKind, str]] = {
    ObjectKind.VECTOR_STORE: "vector_store_id",
    ObjectKind.FILE: "file_id",
    ObjectKind.BATCH: "batch_id",
    ObjectKind.UPLOAD: "upload_id",
    ObjectKind.PART: "part_id",
    ObjectKind.RESPONSE: "response_id",
}
LISTED_KINDS: Final = frozenset({ObjectKind.VECTOR_STORE, ObjectKind.FILE})  # which a provider's lists show whole
# The path parameter that names the parent of an object.
PARENT_PARAMETER: Final[Mapping[ObjectKind, str]] = {ObjectKind.BATCH: "vector_store_id", ObjectKind.PART: "upload_id"}
MAX_CREATED_AT = 9_999_999_999  # ten digits, because DynamoDB sorts lists by them as text; the year 2286


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """An object at a provider. Ids are unique within a kind at one provider, not across providers."""

    provider: ProviderName
    kind: ObjectKind
    id: ObjectId


class Named(NamedTuple):
    """An object that a command names. `param`: its place in the body of a response, None elsewhere.

    `kept`: the tenant's own also after it was deleted. `in_store`: it is named as a part of the store in the path.
    """

    kind: ObjectKind
    id: ObjectId
    param: str | None = None
    kept: bool = False
    in_store: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """`tenant` owns `ref`. Written when the object is created or adopted; only a transfer changes the owner.

    `created_at` (Unix seconds) is the object's own, and orders lists. `parent` is the store of a batch, or the upload
    of a part. `snapshot` is what `providers.openai.snapshot_of` keeps of the provider's description: for files, of
    which only the status changes later, and for uploads, which create a file, the whole one of their creation; for
    stores, the last one that the gateway wrote down. Rows of early releases have none for stores.
    `holders`: of an adopted or transferred object, as `tenancy.holders` reads them. `shares`: with which other teams
    the store is shared, as `tenancy.sharing` reads them; None for most. `key_id`: the key that made it, or
    None for an object that was given to a team as such.
    `retired_at` (Unix seconds): the object was deleted. The row remains, so that its id cannot get another owner.
    `operation_id`: the call that created it, whose ledger row may not be answered yet; None in rows of early releases.
    """

    ref: ObjectRef
    tenant: TenantId
    key_id: KeyId | None = None
    created_at: int
    end_user: str | None = None
    parent: ObjectId | None = None
    snapshot: str | None = None
    retired_at: int | None = None
    holders: str | None = None
    shares: str | None = None
    operation_id: OperationId | None = None

    def accessible_to(self, tenant: TenantId) -> bool:
        """Whether `tenant` may use the object now as its owner."""
        return self.tenant == tenant and self.retired_at is None


def last_known_store(row: Ownership, now: int) -> dict[str, object]:
    """A store as its row describes it, as OpenAI's object. `now` in Unix seconds: an expiry that has passed counts."""
    known: dict[str, object] = {**UNKNOWN_STORE, **json.loads(row.snapshot or "{}")}
    expires_at = known["expires_at"]
    if isinstance(expires_at, int) and expires_at <= now:
        known["status"] = "expired"
    return {
        "id": row.ref.id,
        "object": "vector_store",
        "created_at": row.created_at,
        **known,
        "bytes": known["usage_bytes"],
    }
