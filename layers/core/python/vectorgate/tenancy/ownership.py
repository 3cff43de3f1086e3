"""An ownership row: the only evidence that a tenant may touch an object. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import KeyId, ObjectId, ProviderName, TenantId

# The column of the ledger row that names an object of each kind.
OWNED_COLUMN: Final[Mapping[ObjectKind, str]] = {
    ObjectKind.VECTOR_STORE: "vector_store_id",
    ObjectKind.FILE: "file_id",
    ObjectKind.BATCH: "batch_id",
    ObjectKind.UPLOAD: "upload_id",
    ObjectKind.PART: "part_id",
}
# The path's parameter that names the parent of an object.
PARENT_PARAMETER: Final[Mapping[ObjectKind, str]] = {ObjectKind.BATCH: "vector_store_id", ObjectKind.PART: "upload_id"}
MAX_CREATED_AT = 9_999_999_999  # ten digits, by which DynamoDB's lists are sorted as text; the year 2286


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """An object at a provider. Ids are unique within a kind at one provider, not across providers."""

    provider: ProviderName
    kind: ObjectKind
    id: ObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """`ref` belongs to `tenant`. Written once, when the object comes into being, and never given to another.

    `created_at` is the object's own (Unix seconds), by which lists are ordered. `parent` is the store of a batch, or
    the upload of a part. `snapshot` is the object as the provider described it when it came into being (JSON), kept for
    files, of which only the status changes, and for uploads, which announce one.
    `retired_at` (Unix seconds): the object was deleted; the row stays so that its id cannot be claimed again.
    """

    ref: ObjectRef
    tenant: TenantId
    key_id: KeyId
    created_at: int
    end_user: str | None = None
    parent: ObjectId | None = None
    snapshot: str | None = None
    retired_at: int | None = None

    def held_by(self, tenant: TenantId) -> bool:
        """Whether `tenant` may touch it now."""
        return self.tenant == tenant and self.retired_at is None
