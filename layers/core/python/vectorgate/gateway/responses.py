"""From an answer or an error to what the client receives: the provider's headers that may pass, and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.http import JSON, Body, Response
from vectorgate.budgets.service import budget_headers
from vectorgate.pricing.money import ZERO, format_usd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.errors import ApiError
    from vectorgate.gateway.context import RequestContext
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.pricing.charge import Charge
    from vectorgate.pricing.money import NanoUSD
    from vectorgate.providers.base import Answer


def replied(answer: Answer, context: RequestContext, charge: Charge) -> Response:
    """A success, with what it costs."""
    headers = {**_own_headers(context, charge.spend), **answer.headers}
    if answer.document is None:
        return Response(status=answer.status, headers=headers, body=answer.body)
    return Response.of_json(answer.status, answer.document, headers)


def repeated(idempotency: IdempotencyRecord, context: RequestContext) -> Response:
    """The kept answer, byte for byte."""
    headers = {**_own_headers(context, ZERO), "content-type": JSON, "idempotency-replayed": "true"}
    if idempotency.status is None or idempotency.body is None:
        raise ValueError("there is nothing to replay")
    return Response(status=idempotency.status, headers=headers, body=Body.of(idempotency.body.encode()))


def refused(error: ApiError, context: RequestContext, envelope: Mapping[str, object]) -> Response:
    """An error, in the envelope of the API that was asked."""
    return Response.of_json(error.status, envelope, {**_own_headers(context, ZERO), **error.headers})


def _own_headers(context: RequestContext, spend: NanoUSD) -> dict[str, str]:
    """LiteLLM's names. The overhead is what the request took less the time that the provider had it."""
    elapsed_us = context.elapsed_us()
    upstream_us = context.entry.upstream_us or 0
    return {
        "x-request-id": context.entry.id,
        "x-litellm-call-id": context.entry.id,
        "x-litellm-response-cost": format_usd(spend),
        **budget_headers(context.budgets, spend),
        "x-litellm-response-duration-ms": _milliseconds(elapsed_us),
        "x-litellm-overhead-duration-ms": _milliseconds(max(0, elapsed_us - upstream_us)),
    }


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:.3f}"
