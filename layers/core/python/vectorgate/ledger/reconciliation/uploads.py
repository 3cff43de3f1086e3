"""What an upload announced about the file that its parts become: kept in the upload's ownership row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vectorgate.ids import ObjectKind
from vectorgate.ledger.fuzzy_fingerprint import fuzzy_fingerprint_of
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import ObjectId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.providers.reader import Document
    from vectorgate.tenancy.ports import OwnershipStore


def announced_uploads(rows: Sequence[LedgerEntry], ownership: OwnershipStore) -> Mapping[ObjectId | None, Document]:
    """The uploads that the rows name, by id, as the provider described them when they were created. StoreError."""
    refs = {
        ObjectRef(row.provider, ObjectKind.UPLOAD, row.upload_id)
        for row in rows
        if row.provider is not None and row.upload_id is not None
    }
    owned = ownership.owners(refs).values() if refs else ()
    return {row.ref.id: json.loads(row.snapshot) for row in owned if row.snapshot is not None}


def with_announced_fingerprints(rows: Sequence[LedgerEntry], ownership: OwnershipStore) -> list[LedgerEntry]:
    """The rows; those that complete an upload with the fingerprint of the file that it announced. StoreError."""
    fingerprints = {
        upload_id: fuzzy_fingerprint_of(ObjectKind.FILE, document)
        for upload_id, document in announced_uploads(rows, ownership).items()
    }
    return [row.changed(fuzzy_fingerprint=fingerprints.get(row.upload_id, row.fuzzy_fingerprint)) for row in rows]
