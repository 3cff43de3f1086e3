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


def no_response(response_id: str) -> NotFound:
    """The response is absent, expired, or was not stored."""
    return NotFound(f"Response with id '{response_id}' not found.")


def no_previous_response(response_id: str) -> InvalidRequest:
    """The response that is to be continued is absent, expired, or was not stored."""
    return InvalidRequest(
        f"Previous response with id '{response_id}' not found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def previous_under_way(response_id: str, status: str) -> InvalidRequest:
    """The response that is to be continued has not ended well."""
    return InvalidRequest(f"Previous response with id '{response_id}' is {status}.", param="previous_response_id")


def no_item(item_id: str) -> NotFound:
    """An item that the input refers to is absent."""
    return NotFound(
        f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input.",
        param="input",
    )


def no_conversation(conversation_id: str) -> NotFound:
    """The engine stores no conversations."""
    return NotFound(f"Conversation with id '{conversation_id}' not found.", param="conversation")


def no_prompt(prompt_id: str) -> NotFound:
    """The engine stores no prompts."""
    return NotFound(f"Prompt with id '{prompt_id}' not found.", param="prompt")


def no_model(model: str) -> NotFound:
    """The model is absent, and was asked for by its path."""
    return NotFound(f"The model '{model}' does not exist", param="model", code="model_not_found")


def unknown_model(model: str) -> InvalidRequest:
    """The model is absent, and was asked for in a body."""
    return InvalidRequest(f"The requested model '{model}' does not exist.", param="model", code="model_not_found")


def unsupported(param: str, reason: str) -> InvalidRequest:
    """The model cannot do what a parameter asks for; `reason` says why, of the model as `it`."""
    return InvalidRequest(
        f"Unsupported parameter: '{param}' is not supported with this model: {reason}.",
        param=param,
        code="unsupported_parameter",
    )


def missing_input() -> InvalidRequest:
    """The error of a request without an input."""
    return InvalidRequest(
        "Missing required parameter: one of 'input' or 'previous_response_id' must be provided.",
        param="input",
        code="missing_required_parameter",
    )


def background_needs_store() -> InvalidRequest:
    """A response that is not stored could not be asked for later."""
    return InvalidRequest("Background mode requires 'store' to be true.", param="background", code="invalid_value")


def not_in_background(response_id: str) -> InvalidRequest:
    """Only what runs in the background can be cancelled by its id."""
    return InvalidRequest(f"Cannot cancel a synchronous response: '{response_id}' was not created in the background.")


def tool_not_given(choice: str) -> InvalidRequest:
    """The tool choice names a tool that is not among the tools."""
    return InvalidRequest(
        f"Tool choice '{choice}' not found in 'tools' parameter.", param="tool_choice", code="invalid_value"
    )
