"""Render the response of a call that has ended: the provider's headers that clients may see, and the gateway's own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import EVENT_STREAM, JSON, Body, Response, encode_json
from vectorgate.budgets.service import budget_headers
from vectorgate.clock import MILLISECONDS
from vectorgate.pricing.book import STORAGE, MissingPrice
from vectorgate.pricing.money import ZERO, NanoUSD, format_usd

if TYPE_CHECKING:
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import ByteStream
    from vectorgate.gateway.context import RequestContext
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Answer

# The operations that answer with one store, whose storage is charged by the day.
_OF_A_STORE: Final = frozenset({"vector_stores.create", "vector_stores.retrieve", "vector_stores.update"})


def render(context: RequestContext, book: PriceBook, now: float) -> Response:
    """Render a call that has ended. `now` in monotonic seconds; ValueError for a call that has not ended."""
    if context.error is not None:
        return error(context.error, context, now)
    if context.replay is not None:
        return replay(context.replay, context, now)
    if context.answer is None or context.entry is None:
        raise ValueError("the call has not ended")
    if context.stream is not None:
        return streamed(context.answer, context, context.stream, now)
    answer = success(context.answer, context, book.charge_for(context.entry).spend, now)
    return replace(answer, headers={**answer.headers, **_storage_price(context, book)})


def success(answer: Answer, context: RequestContext, spend: NanoUSD, now: float) -> Response:
    """The provider's answer, with the call's cost."""
    headers = {**_own_headers(context, spend, now), **answer.headers}
    if answer.document is None:
        return Response(status=answer.status, headers=headers, body=answer.body)
    return Response.of_json(answer.status, answer.document, headers)


def streamed(answer: Answer, context: RequestContext, stream: ByteStream, now: float) -> Response:
    """The provider's events as they arrive. What they cost is not known yet."""
    own = {name: value for name, value in _own_headers(context, ZERO, now).items() if not name.endswith("-cost")}
    return Response(status=answer.status, headers={**own, **answer.headers}, body=stream)


def replay(record: IdempotencyRecord, context: RequestContext, now: float) -> Response:
    """The answer to the first of identical requests, byte for byte."""
    headers = {**_own_headers(context, ZERO, now), "content-type": JSON, "idempotency-replayed": "true"}
    if record.status is None or record.body is None:
        raise ValueError("the record holds no answer")
    if context.command is not None and context.command.streamed:
        events = Body.of(b"".join(replayed_events(record.body)))
        return Response(status=record.status, headers={**headers, "content-type": EVENT_STREAM}, body=events)
    return Response(status=record.status, headers=headers, body=Body.of(record.body.encode()))


def replayed_events(document: str) -> list[bytes]:
    """The first and the last event of a stream whose response is known: what a client needs to read it."""
    response = json.loads(document)
    first = {"type": "response.created", "response": {**response, "status": "in_progress", "output": [], "usage": None}}
    last = {"type": f"response.{response.get('status', 'completed')}", "response": response}
    return [
        f"event: {event['type']}\ndata: ".encode() + encode_json({**event, "sequence_number": number}) + b"\n\n"
        for number, event in enumerate((first, last))
    ]


def error(failure: ApiError, context: RequestContext, now: float) -> Response:
    """An error, in the envelope of the API that was called."""
    headers = {**_own_headers(context, ZERO, now), **failure.headers}
    return Response.of_json(failure.status, context.surface.envelope(failure), headers)


def _storage_price(context: RequestContext, book: PriceBook) -> dict[str, str]:
    """The price in force for the store's content, so that a client needs no price book."""
    if context.operation not in _OF_A_STORE or context.provider is None:
        return {}
    try:
        per_gib_day = book.price(context.provider, STORAGE, context.started_ms).per_gib_day
    except MissingPrice:
        return {}
    return {} if per_gib_day is None else {"x-vectorgate-storage-usd-per-gib-day": format_usd(per_gib_day)}


def _own_headers(context: RequestContext, spend: NanoUSD, now: float) -> dict[str, str]:
    """Headers under LiteLLM's names."""
    return {
        "x-request-id": context.id,
        "x-litellm-call-id": context.id,
        "x-litellm-response-cost": format_usd(spend),
        **(budget_headers(context.budgets, spend) if context.budgets else {}),
        **_durations(context, now),
    }


def _durations(context: RequestContext, now: float) -> dict[str, str]:
    """Milliseconds in all, and without the time at the provider. Microseconds would tell foreign from absent objects.

    The gateway's own errors have no durations; those of a list, which begins at any cursor, are whole milliseconds.
    """
    if context.error is not None and not context.upstream_seconds:
        return {}
    elapsed = now - context.began
    overhead = max(0.0, elapsed - context.upstream_seconds)
    decimals = 3 if context.command is None or context.command.operation.lists is None else 0
    return {
        "x-litellm-response-duration-ms": f"{elapsed * MILLISECONDS:.{decimals}f}",
        "x-litellm-overhead-duration-ms": f"{overhead * MILLISECONDS:.{decimals}f}",
    }
