"""Every refusal, as one tree.

::

    ApiError                      what a client may see: status, type, code, param, message
    ├── InvalidRequest            400  the request itself is wrong; `code` says how
    ├── Unauthenticated           401  no key, or one that is not (or no longer) valid
    ├── PermissionDenied          403  a valid key without the right
    ├── NotFound                  404  absent, or somebody else's: the same bytes for both
    ├── MethodNotAllowed          405  a known path, asked in a way that it does not have
    ├── Conflict                  409  in flight elsewhere; safe to ask again
    ├── PayloadTooLarge           413  over a limit; the message says what to do instead
    ├── Unprocessable             422  an idempotency key that was used for another body
    ├── TooManyRequests           429  a limit of ours
    │   └── BudgetExceeded        429  a budget of ours, which no retry mends
    ├── UpstreamError                  what a call to the provider came to: its status and type are given
    │   ├── UpstreamRefused       4xx  the provider's own refusal: nothing was executed
    │   ├── UpstreamFailed        5xx  the provider failed, on an operation that is safe to ask again
    │   └── OutcomeUnknown    502/504  the provider may have executed it: not to be repeated blindly
    ├── BadGateway                502  the provider could not be reached, or refuses our credential
    └── Unavailable               503  a part of ours is away; nothing was executed

A defect of ours is 500: `lambda_http.InternalError`, which stands where defects are caught and is raised by nobody.

The envelope and its four keys are OpenAI's: `{"error": {"message", "type", "param", "code"}}`. The official clients
choose their exception class by the status alone, and read `x-should-retry` before they retry.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID_REQUEST = "invalid_request_error"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
DO_NOT_RETRY: Mapping[str, str] = MappingProxyType({"x-should-retry": "false"})
RETRY: Mapping[str, str] = MappingProxyType({"x-should-retry": "true"})


class ApiError(Exception):
    """An answer with OpenAI's error envelope. `status` is the HTTP status; `headers` go out with it."""

    status: int = 500
    type: str = "server_error"
    default_headers: ClassVar[Mapping[str, str]] = NO_HEADERS

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.headers = {**self.default_headers, **headers}

    def envelope(self) -> dict[str, dict[str, str | None]]:
        """The body that the client receives; all four keys are always there."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class InvalidRequest(ApiError):
    """400: the request is wrong in a way that its sender can mend."""

    status = 400
    type = INVALID_REQUEST


class Unauthenticated(ApiError):
    """401: nobody we know."""

    status = 401
    type = INVALID_REQUEST


class PermissionDenied(ApiError):
    """403: somebody we know, without this right."""

    status = 403
    type = INVALID_REQUEST


class NotFound(ApiError):
    """404: absent or foreign, and nothing in the answer tells which."""

    status = 404
    type = INVALID_REQUEST


class MethodNotAllowed(ApiError):
    """405: the path exists, the method on it does not."""

    status = 405
    type = INVALID_REQUEST


class Conflict(ApiError):
    """409: the same thing is being done elsewhere at this moment."""

    status = 409
    type = INVALID_REQUEST
    default_headers = RETRY


class PayloadTooLarge(ApiError):
    """413: over a limit."""

    status = 413
    type = INVALID_REQUEST


class Unprocessable(ApiError):
    """422: an idempotency key that was seen with another body."""

    status = 422
    type = INVALID_REQUEST


class TooManyRequests(ApiError):
    """429: a limit of ours. `type` is `insufficient_quota` when it is a budget, which no retry mends."""

    status = 429
    type = "rate_limit_error"


class BudgetExceeded(TooManyRequests):
    """429 as OpenAI answers an exhausted account."""

    type = "insufficient_quota"
    default_headers = DO_NOT_RETRY


class UpstreamError(ApiError):
    """An error that the provider reported, re-emitted field by field: never its raw body.

    `details`, pairs of code and message, are in Azure's form of errors alone.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,  # noqa: A002 - the envelope's own name
        code: str | None = None,
        param: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(message, code=code, param=param, headers=headers)
        self.status = status
        self.type = type
        self.details = details


class UpstreamRefused(UpstreamError):
    """The provider refused (4xx): nothing came into being."""


class UpstreamFailed(UpstreamError):
    """The provider failed (5xx) at something that is safe to ask again."""


class OutcomeUnknown(UpstreamError):
    """502 or 504: it may have been executed. A client that repeats it could create a second store."""

    default_headers = DO_NOT_RETRY


class BadGateway(ApiError):
    """502: nothing was executed, and it is not the client's doing."""

    status = 502


class Unavailable(ApiError):
    """503: a part of ours is away."""

    status = 503
    type = "service_unavailable_error"
