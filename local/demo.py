"""The files of the reference page's samples: the embedded engine has them, and the local key owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vectorgate.api.http import encode_json
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import ProviderName
    from vectorgate.persistence.sqlite import SqliteLedger
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.reader import ProviderReader

DEMO_FILES: Final = (ObjectId("file-abc123"), ObjectId("file-def456"))


def give_demo_files(stores: Stores, key: VirtualKey, provider: ProviderName, reader: ProviderReader) -> None:
    """Make `key` their owner, as the upstream describes them. One that it owned and deleted stays deleted.

    ApiError when the upstream does not have them.
    """
    refs = [ObjectRef(provider, ObjectKind.FILE, file_id) for file_id in DEMO_FILES]
    owned = stores.ownership.owners(refs)
    given = [_described(ref, key, reader) for ref in refs if ref not in owned]
    cast("SqliteLedger", stores.ledger).insert_ownership(given)


def _described(ref: ObjectRef, key: VirtualKey, reader: ProviderReader) -> Ownership:
    document = reader.get(ref.provider, "files.retrieve", ids={"file_id": ref.id})
    return Ownership(
        ref=ref,
        tenant=key.tenant,
        key_id=key.id,
        created_at=int(str(document["created_at"])),
        snapshot=encode_json(document).decode("ascii"),
    )
