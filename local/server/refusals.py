"""The server's own refusals, in the envelope of all others. The gateway's are `vectorgate.api.errors`."""

from __future__ import annotations

from vectorgate.api.errors import DO_NOT_RETRY, INVALID_REQUEST, RETRY, ApiError


class RequestTimeout(ApiError):
    """408: the request does not arrive in time."""

    status = 408
    type = INVALID_REQUEST
    default_headers = RETRY


class HeadTooLarge(ApiError):
    """431: the request line and the headers are longer than is read."""

    status = 431
    type = INVALID_REQUEST


class UnsupportedTransferCoding(ApiError):
    """501: a transfer coding other than chunked."""

    status = 501
    type = INVALID_REQUEST


class NoRoom(ApiError):
    """503: the disk does not take the body, or there are too many connections. Nothing was executed."""

    status = 503
    default_headers = RETRY


class Stopping(ApiError):
    """503: the gateway stops before the provider has answered. Whether the call was executed is unknown."""

    status = 503
    default_headers = DO_NOT_RETRY
