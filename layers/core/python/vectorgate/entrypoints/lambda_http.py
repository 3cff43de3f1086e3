"""API Gateway HTTP API events (payload format 2.0) to requests, and responses back."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeAlias, TypedDict, TypeVar, cast

from vectorgate.api.errors import ApiError, InvalidRequest, PayloadTooLarge
from vectorgate.api.http import EMPTY, JSON, MAX_LAMBDA_RESPONSE, Body, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.entrypoints.function import Event
    from vectorgate.telemetry import Telemetry

    class _Http(TypedDict, total=False):
        method: str

    class _Context(TypedDict, total=False):
        http: _Http | None

    class _HttpEvent(TypedDict, total=False):
        """The parts that are read of API Gateway's payload format 2.0; the sender is AWS, or an edition of ours."""

        rawPath: str
        requestContext: _Context | None
        headers: Mapping[str, str] | None
        queryStringParameters: Mapping[str, str] | None
        body: object
        isBase64Encoded: bool


Result: TypeAlias = dict[str, object]

# In an event, `Body` itself under this name asks for the answer's body as it is. Nothing that came as JSON can say so.
BODY_AS_IT_IS: Final = "vectorgate.body_as_it_is"
_TEXTUAL: Final = ("application/json", "text/")
_WORST_ESCAPE: Final = 6  # a byte of text is at most \u00XX in the JSON that carries it


class InternalError(ApiError):
    """500: a defect of ours. The client learns no more than that."""


class Handler(Protocol):
    """What answers requests: the gateway, or the admin function."""

    @property
    def telemetry(self) -> Telemetry:
        """Where it reports to."""
        ...

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


Answering = TypeVar("Answering", bound=Handler)


def serve(handler: Handler, event: Event, telemetry: Telemetry) -> Result:
    """One event answered. Whatever happens, the client gets OpenAI's envelope, and a defect is reported."""
    try:
        response = answer(lambda: handler.handle(read_event(event)), telemetry)
        return _write_as_it_is(response) if event.get(BODY_AS_IT_IS) is Body else write_response(response)
    finally:
        telemetry.flush()


class HttpFunction(Generic[Answering]):
    """A Lambda handler `(event, context)` of API Gateway's events, around what answers requests.

    `deployed` is asked at each call, and keeps what may be kept from one to the next (on AWS the first call is the
    environment's first request). `bound_to` gives the same handler around another one: local mode and tests use it.
    """

    def __init__(self, deployed: Callable[[], Answering]) -> None:
        self._deployed = deployed

    def __call__(self, event: Event, context: object) -> Result:
        """One request."""
        del context  # the time limit is the gateway's own, and shorter
        handler = self._deployed()
        return serve(handler, event, handler.telemetry)

    def bound_to(self, handler: Answering) -> HttpFunction[Answering]:
        """The same function around that handler."""
        return HttpFunction(lambda: handler)


def answer(respond: Callable[[], Response], telemetry: Telemetry) -> Response:
    """What `respond` responds. The one place where an unforeseen exception ends."""
    try:
        return respond()
    except ApiError as error:
        return Response.of_json(error.status, error.envelope(), error.headers)
    except Exception as error:  # noqa: BLE001 - the boundary: reported with its place, answered without its text
        telemetry.crashed(error)
        failure = InternalError("The gateway failed at this request.", code="internal_error")
        return Response.of_json(failure.status, failure.envelope(), {"x-should-retry": "false"})


def read_event(event: Event) -> Request:
    """The request in an event. InvalidRequest when its body is not what it says."""
    said = cast("_HttpEvent", event)
    http = (said.get("requestContext") or {}).get("http") or {}
    headers = said.get("headers") or {}
    return Request(
        method=http.get("method", ""),
        path=said.get("rawPath", ""),
        query=dict(said.get("queryStringParameters") or {}),
        headers={name.lower(): value for name, value in headers.items()},
        body=_body(said),
    )


def _body(event: _HttpEvent) -> Body:
    body = event.get("body")
    if body is None:
        return EMPTY
    if isinstance(body, Body):  # the one-machine edition hands over what it spooled to disk
        return body
    if not isinstance(body, str):
        raise InvalidRequest("The body of the request cannot be read.")
    if not event.get("isBase64Encoded"):
        return Body.of(body.encode("utf-8", "surrogatepass"))
    try:
        return Body.of(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        raise InvalidRequest("The body of the request is not valid base64.") from None


def _write_as_it_is(response: Response) -> Result:
    """For the one-machine edition, which streams what was spooled, and closes it."""
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "isBase64Encoded": False,
        "body": response.body,
    }


def write_response(response: Response) -> Result:
    """The event's answer: text as it is, anything else in base64; 413 in place of what Lambda cannot carry."""
    if response.body.size > MAX_LAMBDA_RESPONSE:
        return _too_large(response)
    content = response.body.read()
    response.body.close()
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


def _too_large(response: Response) -> Result:
    response.body.close()
    error = PayloadTooLarge(
        "The answer is larger than this door returns: 6 MB of text, or 4.4 MB of a file. Ask for less of it.",
        code="response_too_large",
    )
    ours = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    return write_response(Response.of_json(error.status, error.envelope(), {**ours, **error.headers}))
