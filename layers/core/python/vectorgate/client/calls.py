"""One operation from its parameters to its answer: the flow that every method is made of.

mock_response? -> destination -> attempt -> readable success? -> answer
                                    ^---- pause, if retry.py says so ----+---> error
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.operations import BY_NAME, Media, Operation, Safety
from vectorgate.client.destinations import Call
from vectorgate.client.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    read_json,
)
from vectorgate.client.exchange import HttpReply, HttpRequest, NotSent, RequestLine, ResponseLost, Send, Wait
from vectorgate.client.resources import CallInfo, cost_in
from vectorgate.client.retry import Policy, may_be_executed
from vectorgate.providers.http.multipart import upload_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.client.destinations import Destination
    from vectorgate.client.errors import APIError
    from vectorgate.client.exchange import Flow, Outcome
    from vectorgate.client.options import Options
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.http.multipart import FileInput

MOCK: Final = "mock"
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time and chance, handed in so that a test can own them. Seconds; `fraction` in [0, 1)."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], None]
    fraction: Callable[[], float]


class Caller(Protocol):
    """What a flow has to know of the client whose call it is."""

    @property
    def timing(self) -> Timing: ...  # noqa: D102 - time and chance
    @property
    def timeout(self) -> float: ...  # noqa: D102 - the total for a call that names none
    @property
    def max_retries(self) -> int: ...  # noqa: D102 - the same for retries

    def destination(self, options: Options) -> Destination:
        """Where the call goes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operation's own parameters."""

    operation: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    file: FileInput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A success: its JSON object, or its bytes."""

    document: Mapping[str, object]
    content: bytes
    info: CallInfo


def ask(caller: Caller, asked: Asked, options: Options) -> Flow[Received]:
    """The success. An APIError otherwise; SettingsError, TypeError or ValueError when it cannot be asked at all."""
    if options.mock_response is not None:
        return _mocked(options)
    operation = BY_NAME[asked.operation]
    destination = caller.destination(options)
    call = _call(operation, asked, options, creates=destination.replays and operation.safety is Safety.CREATE)
    repeatable = operation.safety is not Safety.CREATE or (destination.replays and operation.media is Media.JSON)
    attempts = _Attempts(caller, operation, Policy(options.retries(caller.max_retries), repeatable), destination)
    reply = yield from attempts.run(call, options.seconds(caller.timeout))
    cost = cost_in(reply.headers)
    if cost is None:
        cost = _listed_cost(destination.provider, operation.name, caller.timing.wall())
    info = CallInfo(
        provider=destination.provider or options.custom_llm_provider,
        api_base=destination.api_base,
        headers=reply.headers,
        cost=cost,
        user=options.user,
    )
    document = {} if operation.binary else _document(reply)
    return Received(document=document or {}, content=reply.content, info=info)


@dataclass(frozen=True, slots=True)
class _Attempts:
    caller: Caller
    operation: Operation
    policy: Policy
    destination: Destination

    def run(self, call: Call, seconds: float) -> Flow[HttpReply]:
        """The reply of the attempt that succeeded. The error of the last one otherwise."""
        timing = self.caller.timing
        deadline = timing.monotonic() + seconds
        retries, unknown_before = 0, False
        while True:
            request = self.destination.request(call)
            left = deadline - timing.monotonic()
            outcome: Outcome = ResponseLost("deadline", timed_out=True) if left <= 0 else (yield Send(request, left))
            if isinstance(outcome, HttpReply):
                outcome = self.destination.reply(outcome)
                if self._succeeded(outcome):
                    return outcome
                if unknown_before and outcome.status_code == _NOT_FOUND and self.operation.deletes:
                    # An attempt whose answer was lost had done it: this is what success looks like now.
                    deleted = json.dumps(self.operation.deletion(call.ids))
                    return HttpReply(200, outcome.headers, deleted.encode())
            pause = self.policy.pause(outcome, retries, unix_s=timing.wall(), fraction=timing.fraction())
            if pause is None or pause >= deadline - timing.monotonic():
                raise self._failure(request, outcome, unknown_before=unknown_before)
            unknown_before = unknown_before or may_be_executed(outcome)
            retries += 1
            yield Wait(pause)

    def _succeeded(self, reply: HttpReply) -> bool:
        success = 200 <= reply.status_code < 300  # noqa: PLR2004 - the class of successes
        return success and (self.operation.binary or _document(reply) is not None)

    def _failure(self, request: HttpRequest, outcome: Outcome, *, unknown_before: bool) -> APIError:
        line = request.line
        if isinstance(outcome, NotSent):
            return self._unanswered(line, timed_out=outcome.reason.endswith("Timeout"), unknown=unknown_before)
        if isinstance(outcome, ResponseLost):
            return self._unanswered(line, timed_out=outcome.timed_out, unknown=True)
        if outcome.status_code < 300:  # noqa: PLR2004 - a success that cannot be read
            return APIResponseValidationError(request=line, response=outcome)
        return APIStatusError.of(line, outcome)

    def _unanswered(self, line: RequestLine, *, timed_out: bool, unknown: bool) -> APIConnectionError:
        unknown = unknown and self.operation.safety is not Safety.READ
        advice = " It may have been executed: look before you repeat it." if unknown else ""
        if timed_out:
            return APITimeoutError(f"Request timed out.{advice}", request=line, outcome_unknown=unknown)
        return APIConnectionError(f"Connection error.{advice}", request=line, outcome_unknown=unknown)


def _call(operation: Operation, asked: Asked, options: Options, *, creates: bool) -> Call:
    body = dict(asked.body) if asked.body is not None else None
    if options.extra_body:
        if operation.media is Media.NONE:
            raise ValueError(f"{operation.name} has no body for extra_body")
        body = {**(body or {}), **options.extra_body}
    headers = {name.lower(): value for name, value in (options.extra_headers or {}).items()}
    own_key = headers.pop("idempotency-key", None) or options.idempotency_key
    return Call(
        operation=operation,
        ids=asked.ids,
        query={name: _spelled(name, value) for name, value in {**asked.query, **(options.extra_query or {})}.items()},
        body=body,
        upload=upload_of(asked.file) if asked.file is not None else None,
        headers=headers,
        provider=options.custom_llm_provider,
        user=options.user,
        tags=tuple(options.tags or ()),
        idempotency_key=own_key or (secrets.token_urlsafe(24) if creates else ""),
        boundary=secrets.token_hex(16) if operation.media is Media.MULTIPART else "",
    )


def _spelled(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"{name} cannot stand in a query: {type(value).__name__}")


def _document(reply: HttpReply) -> Mapping[str, object] | None:
    document = read_json(reply.content)
    return document if isinstance(document, dict) else None


def _mocked(options: Options) -> Received:
    """The answer that was handed in. Nothing is sent, nothing is waited for, and it costs nothing."""
    mock = options.mock_response
    if isinstance(mock, BaseException):
        raise mock
    info = CallInfo(provider=options.custom_llm_provider or MOCK, cost=Decimal(0), user=options.user)
    if isinstance(mock, bytes):
        return Received(document={}, content=mock, info=info)
    document = json.loads(mock) if isinstance(mock, str) else mock
    if not isinstance(document, Mapping):
        raise TypeError("mock_response must be the answer's dict, its JSON text, bytes for a file, or an error")
    return Received(document=dict(document), content=b"", info=info)


def _listed_cost(provider: str | None, operation: str, unix_s: float) -> Decimal | None:
    """What the price book asks for a call that no gateway priced; None when the provider is not known here."""
    from vectorgate.pricing.book import MissingPrice  # noqa: PLC0415 - the same
    from vectorgate.pricing.money import format_usd  # noqa: PLC0415 - calls through a gateway are priced already

    if provider is None:
        return None
    try:
        price = _book().price(provider, operation, int(unix_s * 1000))
    except MissingPrice:
        return None
    return Decimal(format_usd(price.per_call))


@cache
def _book() -> PriceBook:
    from vectorgate.pricing.book import PriceBook, shipped_prices  # noqa: PLC0415 - see _listed_cost

    return PriceBook(shipped_prices())
