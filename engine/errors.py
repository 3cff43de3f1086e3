"""The engine's refusals, in OpenAI's words, where the gateway's schemas have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence


def no_store(store_id: str) -> NotFound:
    """The store is absent."""
    return NotFound(f"No vector store found with id '{store_id}'.")


def no_file(file_id: str) -> NotFound:
    """The file is absent or expired."""
    return NotFound(f"No such File object: {file_id}", param="id")


def no_upload(upload_id: str) -> NotFound:
    """The upload is absent."""
    return NotFound(f"No such Upload object: {upload_id}", param="upload_id")


def not_attached(store_id: str, file_id: str) -> NotFound:
    """The file is not in the store."""
    return NotFound(f"No file found with id '{file_id}' in vector store '{store_id}'.")


def no_batch(store_id: str, batch_id: str) -> NotFound:
    """The batch is not in the store."""
    return NotFound(f"No vector store file batch found with id '{batch_id}' in vector store '{store_id}'.")


def files_not_found(file_ids: Sequence[str]) -> NotFound:
    """Files that are to be attached do not exist."""
    return NotFound(f"Files [{', '.join(file_ids)}] were not found")


def store_expired(store_id: str) -> InvalidRequest:
    """Expiry is final: an expired store can be read and deleted, nothing else."""
    return InvalidRequest(f"Vector store {store_id} is expired.", param="vector_store_id")


def upload_ended(upload_id: str, status: str) -> InvalidRequest:
    """The upload takes no more parts."""
    return InvalidRequest(f"Upload {upload_id} is {status}.", param="upload_id")


def not_downloadable(purpose: str) -> InvalidRequest:
    """Files that a model reads cannot be downloaded."""
    return InvalidRequest(f"Not allowed to download files of purpose: {purpose}")
