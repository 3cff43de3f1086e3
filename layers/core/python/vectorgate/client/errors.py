"""The errors of a call, with the names and attributes of `openai`'s, without depending on it.

::

    VectorGateError
    ├── SettingsError                  no destination, no key, or contradictory settings; nothing was sent
    └── APIError                       message, request, body, code, param, type
        ├── APIResponseValidationError a success whose content cannot be read
        ├── APIConnectionError         no response; `outcome_unknown`: it may have been executed
        │   └── APITimeoutError        the call's `timeout` is over
        └── APIStatusError             a response that is not a success: status_code, response, request_id
            ├── BadRequestError 400            ├── ConflictError 409
            ├── AuthenticationError 401        ├── UnprocessableEntityError 422
            ├── PermissionDeniedError 403      ├── RateLimitError 429
            ├── NotFoundError 404              └── InternalServerError >= 500

`body` is the field `error` of the response's JSON; without that field all of the JSON, and without JSON the text.
`__cause__` of an APIConnectionError is httpx's own exception, where there is one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.messages import HttpResponse, RequestLine

SERVER_ERRORS: Final = 500


class VectorGateError(Exception):
    """The base of all errors of the SDK."""


class SettingsError(VectorGateError, ValueError):
    """The call cannot be sent with these settings. Nothing was sent."""


class APIError(VectorGateError):
    """A call that did not end in a success."""

    def __init__(self, message: str, *, request: RequestLine, body: object = None) -> None:
        super().__init__(message)
        fields: Mapping[str, object] = body if isinstance(body, dict) else {}
        self.message = message
        self.request = request
        self.body = body
        self.code = _text(fields.get("code"))
        self.param = _text(fields.get("param"))
        self.type = _text(fields.get("type"))


class APIConnectionError(APIError):
    """A call without a response. With `outcome_unknown` it may have been executed: check before you repeat a create."""

    def __init__(
        self, message: str = "Connection error.", *, request: RequestLine, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message, request=request)
        self.outcome_unknown = outcome_unknown


class APITimeoutError(APIConnectionError):
    """The call's total time is over."""

    def __init__(
        self, message: str = "Request timed out.", *, request: RequestLine, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message, request=request, outcome_unknown=outcome_unknown)


class APIResponseValidationError(APIError):
    """A success whose body is not a JSON object. Whether the operation was executed is unknown."""

    def __init__(self, *, request: RequestLine, response: HttpResponse) -> None:
        super().__init__("Data returned by API invalid for expected schema.", request=request)
        self.response = response
        self.status_code = response.status_code


class APIStatusError(APIError):
    """A response whose status is not a success."""

    def __init__(self, message: str, *, request: RequestLine, response: HttpResponse, body: object) -> None:
        super().__init__(message, request=request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("x-request-id")

    @classmethod
    def of(cls, request: RequestLine, response: HttpResponse) -> Self:
        """The error of this response, of the class for its status."""
        text = response.content.decode("utf-8", "replace").strip()
        document = read_json(response.content)
        body = text if document is None else document
        if isinstance(body, dict):
            body = body.get("error", body)
        reason = body.get("message") if isinstance(body, dict) else None
        message = f"Error code: {response.status_code}"
        if isinstance(reason, str) and reason:
            message = f"{message} - {reason}"
        kind = _BY_STATUS.get(response.status_code)
        if kind is None:
            kind = InternalServerError if response.status_code >= SERVER_ERRORS else APIStatusError
        return kind(message, request=request, response=response, body=body)  # type: ignore[return-value]


class BadRequestError(APIStatusError):
    """400."""


class AuthenticationError(APIStatusError):
    """401."""


class PermissionDeniedError(APIStatusError):
    """403."""


class NotFoundError(APIStatusError):
    """404: absent, or owned by another account."""


class ConflictError(APIStatusError):
    """409."""


class UnprocessableEntityError(APIStatusError):
    """422."""


class RateLimitError(APIStatusError):
    """429: over a rate limit, or with type `insufficient_quota` over a budget."""


class InternalServerError(APIStatusError):
    """500 and above."""


_BY_STATUS: Final[Mapping[int, type[APIStatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def read_json(content: bytes) -> object:
    """The JSON document, or None for content that is not JSON."""
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document


def _text(value: object) -> str | None:
    return None if value is None else str(value)
