"""An object of each kind that a key's team owns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vectorgate.auth.authenticate import key_id_of
from vectorgate.ids import KeyId, ObjectId, ObjectKind, TenantId
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness

CLIENT_KEY = "sk-Zt5VyCq8HwD2eJmR1oLu"
IDS = {
    "vector_store_id": "vs_own",
    "file_id": "file-own",
    "batch_id": "vsfb_own",
    "upload_id": "upload_own",
    "response_id": "resp_own",
    "model": "gpt-5-mini",
}


def own_all(harness: GatewayHarness) -> None:
    """Give the team of `CLIENT_KEY` an object of each kind."""
    own = {
        ObjectKind.VECTOR_STORE: IDS["vector_store_id"],
        ObjectKind.FILE: IDS["file_id"],
        ObjectKind.BATCH: IDS["batch_id"],
        ObjectKind.UPLOAD: IDS["upload_id"],
        ObjectKind.PART: IDS["file_id"],  # as named in bodies
        ObjectKind.RESPONSE: IDS["response_id"],
    }
    rows = [
        Ownership(
            ref=ObjectRef(next(iter(harness.gateway.providers)), kind, ObjectId(name)),
            tenant=TenantId("team:own"),
            key_id=KeyId(key_id_of(CLIENT_KEY)),
            created_at=1,
            parent=ObjectId(IDS["vector_store_id"]) if kind is ObjectKind.BATCH else None,
            snapshot=json.dumps({"id": name, "object": "file"}),
        )
        for kind, name in own.items()
    ]
    harness.stores.ledger.insert_ownership(rows)  # type: ignore[attr-defined]
