"""Errors of Azure, and the gateway's for them."""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """An error of Azure, and the gateway's error for it."""

    status: int
    document: object
    fields: tuple[str, str | None, str]


ERRORS = [
    Said(400, {"error": {"code": "400", "message": "bad"}}, ("invalid_request_error", None, "bad")),
    Said(400, {"error": {"code": "BadRequest", "message": "bad"}}, ("invalid_request_error", "BadRequest", "bad")),
    Said(404, {"statusCode": 404, "message": "gone"}, ("invalid_request_error", None, "gone")),
    Said(404, {"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, ("t", "c", "m")),
    Said(422, {"error": "just words"}, ("invalid_request_error", None, "just words")),
    Said(429, {"error": {"code": "429", "message": "slow"}}, ("rate_limit_error", "rate_limit_exceeded", "slow")),
    Said(500, {"error": {"code": "InternalError", "message": "oh"}}, ("server_error", "InternalError", "oh")),
    Said(413, ["no object"], ("invalid_request_error", None, "The provider answered with status 413.")),
    Said(429, {"message": "slow"}, ("rate_limit_error", "rate_limit_exceeded", "slow")),
    Said(503, {"statusCode": 503, "message": "oh"}, ("server_error", None, "oh")),
]
