"""Operations whose effect shows on the object that they name: what to retrieve, and what it proves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.providers.reader import Document

_CANCELLED: Final = frozenset({"cancelled", "cancelling"})


@dataclass(frozen=True, slots=True)
class Probe:
    """The operation that retrieves the object, and whether what it returns (None: 404) proves the execution."""

    retrieve: str
    proves_execution: Callable[[Document | None], bool]


def _is_absent(document: Document | None) -> bool:
    return document is None


def _is_present(document: Document | None) -> bool:
    return document is not None


def _is_cancelled(document: Document | None) -> bool:
    return document is not None and document.get("status") in _CANCELLED


# By the name of the operation whose outcome is unknown.
PROBES: Final[Mapping[str, Probe]] = {
    "vector_stores.delete": Probe("vector_stores.retrieve", _is_absent),
    "files.delete": Probe("files.retrieve", _is_absent),
    "vector_stores.files.create": Probe("vector_stores.files.retrieve", _is_present),
    "vector_stores.files.delete": Probe("vector_stores.files.retrieve", _is_absent),
    "responses.delete": Probe("responses.retrieve", _is_absent),
    "responses.cancel": Probe("responses.retrieve", _is_cancelled),
    "vector_stores.file_batches.cancel": Probe("vector_stores.file_batches.retrieve", _is_cancelled),
}


def path_ids(row: LedgerEntry, operation: str) -> dict[str, str]:
    """The path parameters of an operation on the row's object."""
    ids = {
        "vector_store_id": row.vector_store_id,
        "file_id": row.file_id,
        "batch_id": row.batch_id,
        "response_id": row.response_id,
    }
    return {name: str(ids[name]) for name in BY_NAME[operation].parameters}


def deletion_answer(row: LedgerEntry) -> Document:
    """What OpenAI answers to the row's operation, a delete."""
    operation = BY_NAME[row.operation]
    if operation.deletes is not None:
        return operation.deletion(path_ids(row, row.operation))
    return {"id": row.file_id, "object": "vector_store.file.deleted", "deleted": True}


def retired_objects(row: LedgerEntry) -> list[ObjectRef]:
    """The object whose ownership ends with the row's operation, if any."""
    operation = BY_NAME[row.operation]
    kind, parameter = operation.deleted_kind, operation.deletes
    if kind is None or parameter is None or row.provider is None:
        return []
    return [ObjectRef(row.provider, kind, ObjectId(path_ids(row, row.operation)[parameter]))]
