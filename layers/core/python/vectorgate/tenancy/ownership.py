"""The ownership row, the only evidence that a tenant may use an object. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import encode_json
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
    ObjectKind.RESPONSE: "response_id",
}
# The path parameter that names the parent of an object.
PARENT_PARAMETER: Final[Mapping[ObjectKind, str]] = {ObjectKind.BATCH: "vector_store_id", ObjectKind.PART: "upload_id"}
# The fields of a store that a snapshot holds where they differ from these values, which therefore never change. They
# describe a store of which nothing else is known.
UNKNOWN_STORE: Final[Mapping[str, object]] = {
    "name": None,
    "description": None,
    "usage_bytes": 0,
    "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
    "status": "in_progress",
    "expires_after": None,
    "expires_at": None,
    "last_active_at": None,
    "metadata": {},
}
MAX_SNAPSHOT: Final = 100 * 1024  # characters; DynamoDB refuses items above 400 KB
MAX_CREATED_AT = 9_999_999_999  # ten digits, because DynamoDB sorts lists by them as text; the year 2286


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """An object at a provider. Ids are unique within a kind at one provider, not across providers."""

    provider: ProviderName
    kind: ObjectKind
    id: ObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """`tenant` owns `ref`. Written once, when the object is created; the owner never changes.

    `created_at` (Unix seconds) is the object's own, and orders lists. `parent` is the store of a batch, or the upload
    of a part. `snapshot` is what `snapshot_of` keeps of the provider's description: for files, of which only the status
    changes later, and for uploads, which create a file, the whole one of their creation; for stores, the last one that
    the gateway wrote down. Rows of early releases have none for stores.
    `retired_at` (Unix seconds): the object was deleted. The row remains, so that its id cannot get another owner.
    """

    ref: ObjectRef
    tenant: TenantId
    key_id: KeyId
    created_at: int
    end_user: str | None = None
    parent: ObjectId | None = None
    snapshot: str | None = None
    retired_at: int | None = None

    def accessible_to(self, tenant: TenantId) -> bool:
        """Whether `tenant` may use the object now."""
        return self.tenant == tenant and self.retired_at is None


def snapshot_of(kind: ObjectKind, document: Mapping[str, object]) -> str | None:
    """What an ownership row keeps of the provider's description of an object, as JSON; None if nothing."""
    if kind is ObjectKind.VECTOR_STORE:
        return _store_snapshot(document)
    return encode_json(document).decode("ascii") if kind in {ObjectKind.FILE, ObjectKind.UPLOAD} else None


def _store_snapshot(document: Mapping[str, object]) -> str | None:
    kept = {name: document[name] for name in UNKNOWN_STORE if name in document}
    differing = {name: value for name, value in kept.items() if value != UNKNOWN_STORE[name]}
    text = encode_json(differing).decode("ascii")
    return text if len(text) <= MAX_SNAPSHOT else None


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
