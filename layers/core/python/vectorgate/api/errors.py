"""The errors of the API, as one tree.

::

    ApiError                      what a client may see: status, type, code, param, message
    ├── InvalidRequest            400  the request is malformed or invalid; `code` says how
    ├── Unauthenticated           401  no key, or an invalid or expired one
    ├── PermissionDenied          403  a blocked key, team or end user, or a key without the permission
    ├── NotFound                  404  absent, or another tenant's: the same bytes for both
    ├── MethodNotAllowed          405  a known path with another method
    ├── Conflict                  409  in progress elsewhere; may be retried
    ├── PayloadTooLarge           413  over a limit; the message names the alternative
    ├── Unprocessable             422  an idempotency key that was used with another body
    ├── TooManyRequests           429  a limit of the gateway
    │   ├── BudgetExceeded        429  a budget of the gateway; retrying does not help
    │   └── RateLimited           429  a rate limit of the gateway; `retry-after` says when it ends
    ├── UpstreamError                  an error of the provider, with a status and type of its own
    │   ├── UpstreamRefused       4xx  the provider refused the request: nothing was executed
    │   ├── UpstreamFailed        5xx  the provider failed, at an operation that may be retried
    │   └── OutcomeUnknown    502/504  the provider may have executed it: not to be retried blindly
    ├── BadGateway                502  the provider is unreachable, or refuses the gateway's credential
    └── Unavailable               503  a component of the gateway is unavailable; nothing was executed

A defect of the gateway is a 500, `lambda_http.InternalError`: the response to an unexpected exception, never raised.

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
    """An error response. `status` is the HTTP status, `headers` are sent with it."""

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
        """OpenAI's error body; all four keys are always present."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class InvalidRequest(ApiError):
    """400: the request is invalid, and its sender can correct it."""

    status = 400
    type = INVALID_REQUEST


class Unauthenticated(ApiError):
    """401: the request presents no valid key."""

    status = 401
    type = INVALID_REQUEST


class PermissionDenied(ApiError):
    """403: the key is valid, but lacks the permission."""

    status = 403
    type = INVALID_REQUEST


class NotFound(ApiError):
    """404: absent, or another tenant's; the response does not tell which."""

    status = 404
    type = INVALID_REQUEST


class MethodNotAllowed(ApiError):
    """405: the path exists, but not with this method."""

    status = 405
    type = INVALID_REQUEST


class Conflict(ApiError):
    """409: the same request is in progress elsewhere, or the object has changed."""

    status = 409
    type = INVALID_REQUEST
    default_headers = RETRY


class PayloadTooLarge(ApiError):
    """413: the body is over a limit."""

    status = 413
    type = INVALID_REQUEST


class Unprocessable(ApiError):
    """422: the idempotency key was used with another body."""

    status = 422
    type = INVALID_REQUEST


class TooManyRequests(ApiError):
    """429: a limit of the gateway."""

    status = 429
    type = "rate_limit_error"


class BudgetExceeded(TooManyRequests):
    """429: a budget is exhausted, answered as OpenAI answers an exhausted account."""

    type = "insufficient_quota"
    default_headers = DO_NOT_RETRY


class RateLimited(TooManyRequests):
    """429: a rate limit is reached, answered as OpenAI answers: `unit`, its type, is `requests` or `tokens`."""

    def __init__(self, message: str, *, unit: str, headers: Mapping[str, str]) -> None:
        super().__init__(message, code="rate_limit_exceeded", headers=headers)
        self.type = unit


class UpstreamError(ApiError):
    """An error of the provider, rebuilt field by field: its raw body is never passed on.

    `details`, pairs of code and message, exist in Azure's format only.
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
    """The provider refused the request (4xx): nothing was executed."""


class UpstreamFailed(UpstreamError):
    """The provider failed (5xx) at an operation that may be retried."""


class OutcomeUnknown(UpstreamError):
    """502 or 504: the provider may have executed the request. Retrying it could create a second object.

    `transient`: another attempt may succeed, as the official clients try it. `delay`: seconds after which the provider
    says that it can be asked again, or None. `upstream_status`: of the provider's answer; None if the answer was lost.
    """

    default_headers = DO_NOT_RETRY
    transient: bool = False
    delay: float | None = None
    upstream_status: int | None = None


class BadGateway(ApiError):
    """502: the provider cannot be used; nothing was executed."""

    status = 502


class Unavailable(ApiError):
    """503: a component of the gateway is unavailable; nothing was executed."""

    status = 503
    type = "service_unavailable_error"
