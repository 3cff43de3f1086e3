"""API Gateway HTTP API events (payload format 2.0) to requests, and responses back."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from vectorgate.errors import ApiError, InvalidRequest
from vectorgate.messages import EMPTY, JSON, Body, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.entrypoint import Event
    from vectorgate.observability import Telemetry

Result: TypeAlias = dict[str, object]

_TEXTUAL: Final = ("application/json", "text/")


class InternalError(ApiError):
    """500: a defect of ours. The client learns no more than that."""


class Handler(Protocol):
    """What answers requests: the gateway, or the admin function."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


def serve(handler: Handler, event: Event, telemetry: Telemetry) -> Result:
    """One event answered. Whatever happens, the client gets OpenAI's envelope, and a defect is reported."""
    try:
        return write_response(answer(handler, lambda: read_event(event), telemetry))
    finally:
        telemetry.flush()


def answer(handler: Handler, read: Callable[[], Request], telemetry: Telemetry) -> Response:
    """The response to the request that `read` gives. The one place where an unforeseen exception ends."""
    try:
        return handler.handle(read())
    except ApiError as error:
        return Response.of_json(error.status, error.envelope(), error.headers)
    except Exception as error:  # noqa: BLE001 - the boundary: reported with its place, answered without its text
        telemetry.crashed(error)
        failure = InternalError("The gateway failed at this request.", code="internal_error")
        return Response.of_json(failure.status, failure.envelope(), {"x-should-retry": "false"})


def read_event(event: Event) -> Request:
    """The request in an event. InvalidRequest when its body is not what it says."""
    context: Mapping[str, object] = event.get("requestContext") or {}  # type: ignore[assignment]
    http: Mapping[str, str] = context.get("http") or {}  # type: ignore[assignment]
    headers: Mapping[str, str] = event.get("headers") or {}  # type: ignore[assignment]
    query: Mapping[str, str] = event.get("queryStringParameters") or {}  # type: ignore[assignment]
    return Request(
        method=http.get("method", ""),
        path=str(event.get("rawPath", "")),
        query=dict(query),
        headers={name.lower(): value for name, value in headers.items()},
        body=_body(event),
    )


def _body(event: Event) -> Body:
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


def write_response(response: Response) -> Result:
    """The event's answer: text as it is, anything else in base64."""
    textual = response.headers.get("content-type", JSON).startswith(_TEXTUAL)
    result: Result = {"statusCode": response.status, "headers": dict(response.headers), "isBase64Encoded": not textual}
    content = response.body.read()
    response.body.close()
    if textual:
        try:
            return {**result, "body": content.decode("utf-8")}
        except UnicodeDecodeError:
            result["isBase64Encoded"] = True
    return {**result, "body": base64.b64encode(content).decode("ascii")}
