"""One operation from its parameters to its result: the flow that every method is made of.

mock_response? -> destination -> attempts (attempts.py) -> result with its cost
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, cast

from vectorgate.api.operations import BY_NAME, Media, Operation
from vectorgate.api.safety import Safety
from vectorgate.client.attempts import Attempts, json_object
from vectorgate.client.encoding import Call
from vectorgate.client.file_inputs import file_source
from vectorgate.client.messages import RequestLine
from vectorgate.client.resource import CallInfo, cost_in
from vectorgate.client.retry import RetryPolicy
from vectorgate.client.streams import GivenPieces, RawStream

if TYPE_CHECKING:
    from vectorgate.client.attempts import Timing
    from vectorgate.client.destinations import Destination
    from vectorgate.client.file_inputs import FileInput
    from vectorgate.client.flow import Flow
    from vectorgate.client.messages import HttpResponse, Pieces
    from vectorgate.client.options import Options
    from vectorgate.pricing.book import PriceBook

MOCK: Final = "mock"


class Caller(Protocol):
    """What a flow needs to know of its client."""

    @property
    def timing(self) -> Timing: ...  # noqa: D102 - clocks, sleep and randomness
    @property
    def timeout(self) -> float | None: ...  # noqa: D102 - seconds for a call that names none; None: see Options.limit
    @property
    def max_retries(self) -> int: ...  # noqa: D102 - for a call that names none

    def destination(self, options: Options) -> Destination:
        """The destination of a call with these options."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """An operation's own parameters."""

    operation: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    file: FileInput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """A success: its JSON object, or its bytes."""

    document: Mapping[str, object]
    content: bytes
    info: CallInfo


def perform(caller: Caller, parameters: Parameters, options: Options) -> Flow[Success]:
    """The success. An APIError otherwise; SettingsError, TypeError or ValueError for a call that cannot be sent."""
    if options.mock_response is not None:
        return _mocked(options)
    attempts, call = _prepared(caller, parameters, options)
    response = yield from attempts.run(call, options.limit(caller.timeout))
    document = {} if attempts.operation.binary else json_object(response)
    info = _info(response, attempts, options)
    return Success(document=document or {}, content=response.content, info=info)


def open_stream(caller: Caller, parameters: Parameters, options: Options) -> Flow[RawStream]:
    """The stream of events that the call is answered with. It raises as `perform` does."""
    if options.mock_response is not None:
        return _mocked_stream(options)
    attempts, call = _prepared(caller, parameters, options, streams=True)
    response = yield from attempts.run(call, options.limit(caller.timeout))
    request = attempts.destination.request(call).line
    return RawStream(cast("Pieces", response.pieces), _info(response, attempts, options), request)


def _prepared(
    caller: Caller, parameters: Parameters, options: Options, *, streams: bool = False
) -> tuple[Attempts, Call]:
    operation = BY_NAME[parameters.operation]
    destination = caller.destination(options)
    is_create = operation.safety is Safety.CREATE
    call = _call(operation, parameters, options, has_key=is_create and destination.replays)
    repeatable = not is_create or (destination.replays and operation.media is Media.JSON)
    attempts = Attempts(
        operation=operation,
        destination=destination,
        policy=RetryPolicy(options.retries(caller.max_retries), repeatable),
        timing=caller.timing,
        http_client=options.http_client,
        streams=streams,
    )
    return attempts, call


def _info(response: HttpResponse, attempts: Attempts, options: Options) -> CallInfo:
    destination, cost = attempts.destination, cost_in(response.headers)
    if cost is None:
        cost = _listed_cost(destination.provider, attempts.operation.name, attempts.timing.wall())
    return CallInfo(
        provider=destination.provider or options.custom_llm_provider,
        api_base=destination.api_base,
        headers=response.headers,
        cost=cost,
        user=options.user,
    )


def _call(operation: Operation, parameters: Parameters, options: Options, *, has_key: bool) -> Call:
    """`has_key`: the destination recognises a repetition by an Idempotency-Key, so the call gets one."""
    headers = {name.lower(): value for name, value in (options.extra_headers or {}).items()}
    own_key = headers.pop("idempotency-key", None) or options.idempotency_key
    query = {**parameters.query, **(options.extra_query or {})}
    return Call(
        operation=operation,
        ids=parameters.ids,
        query={name: _query_text(name, value) for name, value in query.items()},
        body=_body(operation, parameters, options),
        file=file_source(parameters.file) if parameters.file is not None else None,
        headers=headers,
        provider=options.custom_llm_provider,
        user=options.user,
        tags=tuple(options.tags or ()),
        idempotency_key=own_key or (secrets.token_urlsafe(24) if has_key else ""),
        boundary=secrets.token_hex(16) if operation.media is Media.MULTIPART else "",
    )


def _body(operation: Operation, parameters: Parameters, options: Options) -> dict[str, object] | None:
    body = dict(parameters.body) if parameters.body is not None else None
    if not options.extra_body:
        return body
    if operation.media is Media.NONE:
        raise ValueError(f"{operation.name} has no body for extra_body")
    return {**(body or {}), **options.extra_body}


def _query_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"{name} cannot be sent in a query: {type(value).__name__}")


def _mocked(options: Options) -> Success:
    """The response that the caller passed in. Nothing is sent, there is no pause, and the cost is 0."""
    mock = options.mock_response
    if isinstance(mock, BaseException):
        raise mock
    info = CallInfo(provider=options.custom_llm_provider or MOCK, cost=Decimal(0), user=options.user)
    if isinstance(mock, bytes):
        return Success(document={}, content=mock, info=info)
    document = json.loads(mock) if isinstance(mock, str) else mock
    if not isinstance(document, Mapping):
        raise TypeError("mock_response must be the answer's dict, its JSON text, bytes for a file, or an error")
    return Success(document=dict(document), content=b"", info=info)


def _mocked_stream(options: Options) -> RawStream:
    """The stream that the caller passed in as its bytes."""
    mock = _mocked(options)
    if not mock.content:
        raise TypeError("the mock_response of a stream must be its bytes (`event: ...`), or an error")
    return RawStream(GivenPieces(mock.content), mock.info, RequestLine("POST", MOCK))


def _listed_cost(provider: str | None, operation: str, unix_s: float) -> Decimal | None:
    """The price book's cost of a call that no gateway priced; None for a provider that is not known here."""
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
