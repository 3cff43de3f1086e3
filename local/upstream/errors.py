"""Every error a caller can see, in OpenAI's envelope.

ApiError
|-- Invalid           400  the request itself is wrong (param and code say where and how)
|-- Unauthorized      401  no key, or not the key
|-- NotFound          404  no such route or object
|-- MethodNotAllowed  405  the route exists, the verb does not
|-- TooLarge          413  the body is over its limit
`-- ServerFailure     500  ours; the cause is in the log, never in the answer
"""

from typing import ClassVar


class ApiError(Exception):
    """A refusal with the four members of OpenAI's error object."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code

    def envelope(self) -> dict[str, object]:
        """The JSON body: all four members, always."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


class Invalid(ApiError):
    """400: the request is wrong."""

    status = 400


class Unauthorized(ApiError):
    """401: no key, or a wrong one."""

    status = 401


class NotFound(ApiError):
    """404: no such route or object."""

    status = 404


class MethodNotAllowed(ApiError):
    """405: the route exists, the verb does not."""

    status = 405


class TooLarge(ApiError):
    """413: the body is over its limit."""

    status = 413


class ServerFailure(ApiError):
    """500: a defect of ours."""

    status = 500
    kind = "server_error"


def no_store(store_id: str) -> NotFound:
    """The store is absent."""
    return NotFound(f"No vector store found with id '{store_id}'.")


def no_file(file_id: str) -> NotFound:
    """The File object is absent, or its life is over."""
    return NotFound(f"No such File object: {file_id}", param="id")


def not_attached(store_id: str, file_id: str) -> NotFound:
    """The file is not in the store."""
    return NotFound(f"No file found with id '{file_id}' in vector store '{store_id}'.")


def no_batch(store_id: str, batch_id: str) -> NotFound:
    """The batch is not in the store."""
    return NotFound(f"No vector store file batch found with id '{batch_id}' in vector store '{store_id}'.")


def files_not_found(file_ids: list[str]) -> NotFound:
    """Files named for attachment do not exist."""
    return NotFound(f"Files [{', '.join(file_ids)}] were not found")


def store_expired(store_id: str) -> Invalid:
    """Expiry is final: an expired store can be read and deleted, nothing else."""
    return Invalid(f"Vector store {store_id} is expired.", param="vector_store_id")


def bad_id(param: str, value: str) -> Invalid:
    """An id with characters no id has: stopped before it can reach a path or a query."""
    return Invalid(
        f"Invalid '{param}': '{value}'. Expected an ID that contains letters, numbers, underscores, or dashes, "
        "but this value contained additional characters.",
        param=param,
        code="invalid_value",
    )


def bad_value(param: str, why: str) -> Invalid:
    """A value of the right type that is not acceptable."""
    return Invalid(f"Invalid '{param}': {why}", param=param, code="invalid_value")


def missing(param: str) -> Invalid:
    """A required parameter is absent."""
    return Invalid(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def unknown(param: str) -> Invalid:
    """A parameter nobody knows."""
    return Invalid(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def unparsable() -> Invalid:
    """The body is not the JSON (or the multipart form) it says it is."""
    return Invalid(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
        "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
    )
