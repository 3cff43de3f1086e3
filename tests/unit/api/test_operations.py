"""The properties of the table's rows."""

from __future__ import annotations

import pytest

from vectorgate.api.operations import BY_NAME, OPERATIONS
from vectorgate.ids import ObjectKind


def test_stores_files_and_responses_are_what_can_be_deleted() -> None:
    deleted = {operation.name: operation.deleted_kind for operation in OPERATIONS if operation.deletes is not None}
    assert deleted == {
        "vector_stores.delete": ObjectKind.VECTOR_STORE,
        "files.delete": ObjectKind.FILE,
        "responses.delete": ObjectKind.RESPONSE,
    }
    assert BY_NAME["vector_stores.files.delete"].deleted_kind is None  # the attachment is deleted, and the file remains


def test_a_deletion_is_answered_in_openai_s_words() -> None:
    ids = {"vector_store_id": "vs_1", "file_id": "file-1", "response_id": "resp_1"}
    names = ("vector_stores.delete", "files.delete", "responses.delete")
    store, file, response = (BY_NAME[name].deletion(ids) for name in names)
    assert store == {"id": "vs_1", "object": "vector_store.deleted", "deleted": True}
    assert response == {"id": "resp_1", "object": "response", "deleted": True}
    assert file == {"id": "file-1", "object": "file", "deleted": True}
    with pytest.raises(ValueError, match=r"^files\.retrieve deletes nothing$"):
        BY_NAME["files.retrieve"].deletion(ids)
