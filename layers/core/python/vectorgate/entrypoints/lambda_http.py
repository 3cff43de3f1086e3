"""Convert API Gateway HTTP API events (payload format 2.0) to requests, and responses to the events' results."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeAlias, TypedDict, TypeVar, cast
from urllib.parse import unquote

from vectorgate.api.errors import ApiError, InvalidRequest, PayloadTooLarge
from vectorgate.api.http import EMPTY, JSON, MAX_LAMBDA_RESPONSE, Body, Request, Response, buffered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.entrypoints.function import Event, Renewable
    from vectorgate.settings import Settings
    from vectorgate.telemetry import Telemetry

    class _Http(TypedDict, total=False):
        method: str

    class _Context(TypedDict, total=False):
        http: _Http | None
        requestId: object
        timeEpoch: object

    class _HttpEvent(TypedDict, total=False):
        """The fields of API Gateway's payload format 2.0 that are read; the sender is AWS, or local mode."""

        rawPath: str
        requestContext: _Context | None
        headers: Mapping[str, str] | None
        queryStringParameters: Mapping[str, str] | None
        rawQueryString: str | None
        body: object
        isBase64Encoded: bool


LambdaResponse: TypeAlias = dict[str, object]

# An event with the class `Body` under this name is answered with the body itself. No event from JSON can contain it.
UNENCODED_BODY: Final = "vectorgate.body_as_it_is"
_ESCAPED_SLASH: Final = "%2[fF]"
_REQUEST_ID: Final = re.compile(r"[\w=-]{1,64}", re.ASCII)
_TEXTUAL: Final = ("application/json", "text/")
_WORST_ESCAPE: Final = 6  # JSON encodes a byte of text as at most six bytes: \u00XX


class InternalError(ApiError):
    """500: a defect of the gateway. The client sees no details."""


class Handler(Protocol):
    """An application that handles requests: the gateway, or the admin app."""

    @property
    def telemetry(self) -> Telemetry:
        """Its logs and metrics."""
        ...

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


def started(app: Renewable, settings: Settings) -> None:
    """Say that a function has started: where Lambda runs copies of it from now on, each renews `app` as it begins."""
    if settings.from_snapshot:
        from vectorgate.entrypoints.snapshots import register  # noqa: PLC0415 - for SnapStart alone

        register(app)


App = TypeVar("App", bound=Handler)


def serve(handler: Handler, event: Event, telemetry: Telemetry, context: object = None) -> LambdaResponse:
    """Answer one event. The client gets OpenAI's error envelope for any error, and a defect is reported."""
    of_api = cast("_HttpEvent", event).get("requestContext") or {}
    telemetry.invoked(request_id_in(getattr(context, "aws_request_id", None)), request_id_in(of_api.get("requestId")))
    try:
        response = answer(lambda: handler.handle(read_event(event, context)), telemetry)
        return _write_unencoded(response) if event.get(UNENCODED_BODY) is Body else write_response(response)
    finally:
        telemetry.flush()


def serve_pages(origins: Sequence[str], event: Event, respond: Callable[[], LambdaResponse]) -> LambdaResponse:
    """What `respond` returns, with the headers for pages of these origins; their preflights are answered in its place.

    ValueError for a text that is not an origin.
    """
    from vectorgate.api.cors import CrossOrigin  # noqa: PLC0415 - of deployments that name origins

    cross_origin = CrossOrigin.of(origins)
    if cross_origin is None:
        return respond()
    fields = cast("_HttpEvent", event)
    headers = {name.lower(): value for name, value in (fields.get("headers") or {}).items()}
    try:
        preflight = cross_origin.preflight(_method(fields), headers)
    except ApiError as error:
        preflight = Response.of_json(error.status, error.envelope(), error.headers)
    result = write_response(preflight) if preflight is not None else respond()
    answered = cast("Mapping[str, str]", result["headers"])
    return {**result, "headers": {**answered, **cross_origin.headers(headers, answered)}}


class HttpFunction(Generic[App]):
    """A Lambda handler `(event, context)` of API Gateway's events for an application.

    `deployed` returns the application at each call, and caches what may be kept between calls; `prepare` builds that
    before the first one. `settings`: the deployment's. `bound_to` returns the same handler for another application, for
    local mode and tests.
    """

    def __init__(
        self,
        deployed: Callable[[], App],
        settings: Callable[[], Settings] | None = None,
        *,
        prepare: Callable[[], Renewable] | None = None,
    ) -> None:
        self._deployed = deployed
        self._settings = settings
        self._prepare = prepare

    def prepare(self) -> None:
        """Build what calls need, with its AWS clients. Sends nothing. ValueError for a setting that is missing."""
        if self._prepare is not None and self._settings is not None:
            started(self._prepare(), self._settings())

    def __call__(self, event: Event, context: object) -> LambdaResponse:
        """Handle one request."""
        settings = self._settings() if self._settings is not None else None
        if settings is not None and settings.base_path is not None:
            event = without_base_path(event, settings.base_path)
        if settings is None or not settings.cors_origins:
            return self._served(event, context)
        return serve_pages(settings.cors_origins, event, lambda: self._served(event, context))

    def _served(self, event: Event, context: object) -> LambdaResponse:
        app = self._deployed()
        return serve(app, event, app.telemetry, context)

    def bound_to(self, app: App) -> HttpFunction[App]:
        """The same function for that application."""
        return HttpFunction(lambda: app)


def answer(respond: Callable[[], Response], telemetry: Telemetry) -> Response:
    """What `respond` returns, or the response of its error. All unexpected exceptions end here."""
    try:
        return respond()
    except ApiError as error:
        return Response.of_json(error.status, error.envelope(), error.headers)
    except Exception as error:  # noqa: BLE001 - the boundary: reported with its stack, answered without its text
        telemetry.unexpected_error(error)
        failure = InternalError("The gateway failed to handle this request.", code="internal_error")
        return Response.of_json(failure.status, failure.envelope(), {"x-should-retry": "false"})


def request_id_in(value: object) -> str | None:
    """An id that AWS gave a request; None for what is none."""
    return value if isinstance(value, str) and _REQUEST_ID.fullmatch(value) else None


def without_base_path(event: Event, base_path: str) -> Event:
    """The event with its path below `base_path`, where a domain name is mapped to this API under that path."""
    path = cast("_HttpEvent", event).get("rawPath", "")
    inside = path == base_path or path.startswith(base_path + "/")
    return {**event, "rawPath": path[len(base_path) :] or "/"} if inside else event


def read_event(event: Event, context: object = None) -> Request:
    """The request in an event, with Lambda's context. InvalidRequest for a body that cannot be decoded."""
    fields = cast("_HttpEvent", event)
    headers = fields.get("headers") or {}
    received_ms = (fields.get("requestContext") or {}).get("timeEpoch")
    left_ms = getattr(context, "get_remaining_time_in_millis", None)
    return Request(
        method=_method(fields),
        path=fields.get("rawPath", ""),
        query=dict(fields.get("queryStringParameters") or {}),
        headers={name.lower(): value for name, value in headers.items()},
        body=_body(fields),
        received_ms=received_ms if isinstance(received_ms, int) else None,
        left_seconds=left_ms() / 1_000 if left_ms is not None else math.inf,
        raw_query=fields.get("rawQueryString") or "",
    )


def _method(event: _HttpEvent) -> str:
    return ((event.get("requestContext") or {}).get("http") or {}).get("method", "")


def path_of(raw_path: str) -> str:
    """The path of a request line, decoded once, as API Gateway hands it over.

    Except for an escaped slash, which API Gateway decodes as well: here it stays escaped, and so matches no path.
    """
    return unquote(re.sub(_ESCAPED_SLASH, "%252F", raw_path)) if "%" in raw_path else raw_path


def _body(event: _HttpEvent) -> Body:
    body = event.get("body")
    if body is None:
        return EMPTY
    if isinstance(body, Body):  # local mode passes a body that it spooled to disk
        return body
    if not isinstance(body, str):
        raise InvalidRequest("The body of the request cannot be read.")
    if not event.get("isBase64Encoded"):
        return Body.of(body.encode("utf-8", "surrogatepass"))
    try:
        return Body.of(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        raise InvalidRequest("The body of the request is not valid base64.") from None


def _write_unencoded(response: Response) -> LambdaResponse:
    """For local mode, which streams the body, and closes it."""
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "isBase64Encoded": False,
        "body": response.body,
    }


def write_response(response: Response) -> LambdaResponse:
    """The event's result: text as it is, other bodies in base64; 413 for one that is too large for Lambda."""
    whole = buffered(response.body, MAX_LAMBDA_RESPONSE)
    if whole is None:
        return _too_large(response)
    content = whole.read()
    whole.close()
    text = _text(response, content)
    body = base64.b64encode(content).decode("ascii") if text is None else text
    if len(body) * _WORST_ESCAPE > MAX_LAMBDA_RESPONSE and len(json.dumps(body)) > MAX_LAMBDA_RESPONSE:
        return _too_large(response)
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "isBase64Encoded": text is None,
        "body": body,
    }


def _text(response: Response, content: bytes) -> str | None:
    if not response.headers.get("content-type", JSON).startswith(_TEXTUAL):
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _too_large(response: Response) -> LambdaResponse:
    error = PayloadTooLarge(
        "The answer is larger than this endpoint returns: 6 MB of text, or 4.4 MB of a file. Request less at a time.",
        code="response_too_large",
    )
    headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    return write_response(Response.of_json(error.status, error.envelope(), {**headers, **error.headers}))
