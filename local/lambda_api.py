"""Lambda's Invoke API on this machine, so that boto3 code for AWS runs here with no change but `endpoint_url`.

`POST /2015-03-31/functions/{name}/invocations`, as botocore sends and reads it:

===================  ======================  =============================================================
X-Amz-Invocation-Type  status                then
===================  ======================  =============================================================
RequestResponse      200                     the result; `X-Amz-Function-Error: Unhandled` when it raised
Event                202                     in a queue of this process; again up to 2 times when it raises
DryRun               204                     nothing
===================  ======================  =============================================================

The caller has to be on this machine, and the request signed with an access key of the data folder (`local.home`).
"""

from __future__ import annotations

import base64
import ipaddress
import json
import queue
import re
import threading
import time
import traceback
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote

from local.signature import AwsError, SignedRequest, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO
    from wsgiref.types import StartResponse, WSGIEnvironment

    from vectorgate.clock import Clock

    Handler = Callable[[object, object], object]
    HeaderFields = dict[str, str]

PREFIX: Final = "/2015-03-31/functions/"
FUNCTION: Final = "vectorgate-invoke"
MAX_SYNC: Final = 6 * 1024 * 1024  # Lambda's limits on payloads, in both directions
MAX_EVENT: Final = 1024 * 1024
QUEUED: Final = 10_000
DELIVERIES: Final = 3
RETRY_SECONDS: Final = 0.05  # Lambda waits a minute, and then two
LOG_TAIL: Final = 4096
_ROUTE: Final = re.compile(re.escape(PREFIX) + r"(?P<name>[^/]{1,170})/invocations")
_NAME: Final = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:)?(?:[a-z0-9-]+:)?(?:\d{12}:)?(?:function:)?([A-Za-z0-9_-]{1,64})(?::[$A-Za-z0-9_-]+)?"
)


@dataclass(frozen=True, slots=True)
class Context:
    """The context object of an invocation, as far as handlers read it."""

    aws_request_id: str
    function_name: str = FUNCTION


@dataclass(frozen=True, slots=True)
class _Invocation:
    content: bytes
    error: str | None
    log: str


class InvokeApi:
    """A WSGI application over the invoke function's handler. `close` delivers what is queued.

    `secrets`: the secret access keys of those who may invoke, by their access key ids.
    """

    def __init__(self, handler: Handler, secrets: Mapping[str, str], clock: Clock) -> None:
        self._handler = handler
        self._secrets = secrets
        self._clock = clock
        self._queue: queue.Queue[tuple[object, Context] | None] = queue.Queue(QUEUED)
        self._thread = threading.Thread(target=self._deliver, name="invoke-events", daemon=True)
        self._thread.start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One call of the API."""
        context = Context(str(uuid.uuid4()))
        try:
            status, fields, content = self._answer(environ, context)
        except AwsError as refused:
            error = {"Type": "User" if refused.status < HTTPStatus.INTERNAL_SERVER_ERROR else "Service"}
            status, fields = refused.status, {"x-amzn-ErrorType": refused.kind}
            content = json.dumps({**error, "Message": str(refused), "message": str(refused)}).encode()
        fields = {"content-type": "application/json", "x-amzn-RequestId": context.aws_request_id, **fields}
        headers = [*fields.items(), ("content-length", str(len(content)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [content]

    def close(self) -> None:
        """Deliver what is queued, and end."""
        self._queue.put(None)
        self._thread.join(10)

    def _answer(self, environ: WSGIEnvironment, context: Context) -> tuple[int, HeaderFields, bytes]:
        _check_address(environ)
        path = str(environ.get("REQUEST_URI", environ["PATH_INFO"])).partition("?")[0]
        kind = str(environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse"))
        content = _content(environ, MAX_EVENT if kind == "Event" else MAX_SYNC)
        verify(_signed_request(environ, path, content), self._secrets, self._clock.wall())
        _check_function(path, environ)
        if kind == "DryRun":
            return HTTPStatus.NO_CONTENT, {}, b""
        if kind not in {"RequestResponse", "Event"}:
            raise AwsError(400, "InvalidParameterValueException", f"Unsupported invocation type: {kind[:64]}")
        payload = _payload(content)
        if kind == "Event":
            return self._enqueue(payload, context)
        result = self._run(payload, context)
        fields = {"X-Amz-Executed-Version": "$LATEST"}
        if result.error is not None:
            fields["X-Amz-Function-Error"] = result.error
        if environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail":
            fields["X-Amz-Log-Result"] = base64.b64encode(result.log.encode()[-LOG_TAIL:]).decode("ascii")
        return HTTPStatus.OK, fields, result.content

    def _enqueue(self, payload: object, context: Context) -> tuple[int, HeaderFields, bytes]:
        try:
            self._queue.put_nowait((payload, context))
        except queue.Full:
            raise AwsError(429, "TooManyRequestsException", "Rate Exceeded.") from None
        return HTTPStatus.ACCEPTED, {}, b""

    def _run(self, payload: object, context: Context) -> _Invocation:
        began = time.perf_counter()
        try:
            content = json.dumps(self._handler(payload, context)).encode()
            error = None
            if len(content) > MAX_SYNC:
                message = f"Response payload size exceeded maximum allowed payload size ({MAX_SYNC} bytes)."
                content = _failure("Function.ResponseSizeTooLarge", message, context)
                error = "Unhandled"
        except Exception as failure:  # noqa: BLE001 - as Lambda's runtime reports what a handler raises
            trace = [line.strip() for line in traceback.format_tb(failure.__traceback__)]
            content = _failure(type(failure).__name__, str(failure), context, trace)
            error = "Unhandled"
        duration = (time.perf_counter() - began) * 1000
        name = context.aws_request_id
        log = f"START RequestId: {name} Version: $LATEST\nEND RequestId: {name}\n"
        return _Invocation(content, error, f"{log}REPORT RequestId: {name}\tDuration: {duration:.2f} ms\n")

    def _deliver(self) -> None:
        while (event := self._queue.get()) is not None:
            payload, context = event
            for _ in range(DELIVERIES):
                if self._run(payload, context).error is None:
                    break
                time.sleep(RETRY_SECONDS)


def serves(path: str) -> bool:
    """Whether a path is this API's."""
    return path.startswith(PREFIX)


def _check_address(environ: WSGIEnvironment) -> None:
    try:
        is_local = ipaddress.ip_address(str(environ.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise AwsError(403, "AccessDeniedException", "The Invoke API is served to this machine only.")


def _signed_request(environ: WSGIEnvironment, path: str, content: bytes) -> SignedRequest:
    names = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
    headers = {
        names.get(name, name[5:].replace("_", "-").lower()): str(value)
        for name, value in environ.items()
        if name in names or name.startswith("HTTP_")
    }
    query = str(environ.get("QUERY_STRING", ""))
    return SignedRequest(method=environ["REQUEST_METHOD"], path=path, query=query, headers=headers, content=content)


def _check_function(path: str, environ: WSGIEnvironment) -> None:
    route = _ROUTE.fullmatch(path)
    if route is None or environ["REQUEST_METHOD"] != "POST":
        raise AwsError(404, "UnknownOperationException", f"Unknown operation: {path[:200]}")
    given = unquote(route["name"])
    name = _NAME.fullmatch(given)
    if name is None:
        raise AwsError(400, "ValidationException", f"Not the name of a function: {given[:170]}")
    if name[1] != FUNCTION:
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name[1]}"
        raise AwsError(404, "ResourceNotFoundException", f"Function not found: {arn}")


def _content(environ: WSGIEnvironment, max_bytes: int) -> bytes:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > max_bytes:
        message = f"Request must be smaller than {max_bytes} bytes for the InvokeFunction operation"
        raise AwsError(413, "RequestTooLargeException", message)
    return cast("BinaryIO", environ["wsgi.input"]).read(size) if size else b""


def _payload(content: bytes) -> object:
    try:
        payload: object = json.loads(content or b"{}")
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise AwsError(400, "InvalidRequestContentException", message) from None
    return payload


def _failure(kind: str, message: str, context: Context, trace: Iterable[str] = ()) -> bytes:
    error: Mapping[str, object] = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": context.aws_request_id,
        "stackTrace": list(trace),
    }
    return json.dumps(error).encode()
