"""The ASGI application of local mode, over the functions' handlers."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from local.lambda_api import serves
from local.server import invoking
from local.server.answers import Answer, client_gone, send_file, send_head, send_stream
from local.server.bodies import ClientGone, read_body
from local.server.exchange import Exchange, Head
from local.server.refusals import Stopping
from local.server.streams import Feed
from local.server.threads import FairThreads
from vectorgate.api.errors import ApiError
from vectorgate.api.http import Body, Response
from vectorgate.entrypoints.lambda_http import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from wsgiref.types import WSGIApplication

    from starlette.types import Receive, Scope, Send

    from local.server.callers import Callers
    from vectorgate.api.cors import CrossOrigin
    from vectorgate.api.http import ByteStream
    from vectorgate.entrypoints.lambda_http import LambdaResponse

    Handler = Callable[[Mapping[str, object], object], LambdaResponse]

CALLS: Final = 128  # threads for calls; they cost little while they wait for a provider
STREAMS: Final = 512  # threads for answers that are being streamed
ADMIN_PREFIXES: Final = (
    *("/spend/", "/key/", "/team/", "/customer/", "/user/", "/admin/", "/v1/indexes"),
    *("/tag/", "/global/", "/organization/", "/v1/organization/"),
)
ADMIN_PATHS: Final = re.compile(
    r"/ui(/.*)?|/audit/?|/health/services/?|/vector_stores/(unowned|adopt|cleanup|[^/]+/transfer)/?"
    r"|(/v1)?/vector_stores/[^/]+/share/?"
)  # beside those of the API
ADMIN, INVOKERS, LOOKUP, EVERYONE = "admin", "invokers", "lookup", "everyone"  # groups beside the tenants
_HEALTH: Final = ("/healthz", "/healthz/")
_HEALTHY: Final = Response.of_json(200, {"status": "ok"}, {})
_log = logging.getLogger("vectorgate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """Lambda handlers, which block, and the Invoke API."""

    api: Handler
    admin: Handler
    invoke: WSGIApplication | None = None


def no_refusal(_: Head) -> Response | None:
    """Refuse nothing."""
    return None


def no_log(_: Exchange) -> None:
    """Log nothing."""


class App:
    """The application. Health is answered on the event loop, all else in threads: a share of them for each tenant.

    Without `callers`, all are one.
    `admit` may answer a request in place of the handlers, such as one to a foreign host. `answered` is told about each
    request when it is over. Both are called on the event loop, and must not block. `cross_origin`: whose pages may
    call.
    """

    def __init__(
        self,
        handlers: Handlers,
        callers: Callers | None = None,
        *,
        admit: Callable[[Head], Response | None] = no_refusal,
        answered: Callable[[Exchange], None] = no_log,
        cross_origin: CrossOrigin | None = None,
    ) -> None:
        self._handlers = handlers
        self._callers = callers
        self._admit = admit
        self._answered = answered
        self._cross_origin = cross_origin
        self._calls = FairThreads("call", CALLS)
        self._streams = FairThreads("stream", STREAMS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began, answer, head = time.monotonic(), Answer(send), None
        try:
            head = Head.of(scope)
            if self._cross_origin is not None:
                answer.completed = _with_cors(self._cross_origin, head)
            await self._respond(head, receive, answer)
        except ApiError as error:
            await answer.refuse(error)
        except ClientGone:
            pass
        except asyncio.CancelledError:  # the time for what was begun before SIGTERM is over
            if answer.status is not None:
                raise
            message = "The gateway stopped before the provider answered: whether the call was executed is not known."
            await answer.refuse(Stopping(message, code="gateway_stopping"))
        except Exception:
            if answer.status is not None:
                raise  # uvicorn logs it, and cuts the connection
            _log.exception("a request failed in the server")
            await answer.refuse(InternalError("The gateway failed to handle this request.", code="internal_error"))
        finally:
            self._answered(answer.exchange(head, time.monotonic() - began))

    async def _respond(self, head: Head, receive: Receive, answer: Answer) -> None:
        refusal = self._admit(head) or self._preflight(head) or (_HEALTHY if head.path in _HEALTH else None)
        if refusal is not None:
            content = refusal.read_body()
            headers = {**refusal.headers, "connection": "close"} if head.has_body else refusal.headers
            await answer.whole(refusal.status, headers, content, size=len(content))
            return
        group, act = await self._routed(head)
        body = await read_body(head, receive)
        try:
            result = await self._called(group, lambda: act(body), receive)
        finally:
            body.close()
        await self._write(answer, result, head, group, receive)

    def _preflight(self, head: Head) -> Response | None:
        return self._cross_origin.preflight(head.method, head.headers) if self._cross_origin is not None else None

    async def _routed(self, head: Head) -> tuple[str, Callable[[Body], LambdaResponse]]:
        """Whose share of the threads it takes, and what runs there."""
        if (invoke := self._handlers.invoke) is not None and serves(head.path):
            return INVOKERS, lambda body: invoking.called(invoke, head, body)
        if head.path.startswith(ADMIN_PREFIXES) or ADMIN_PATHS.fullmatch(head.path):
            return ADMIN, lambda body: self._handlers.admin(head.event(body), None)
        group = await self._callers.group_of(head.headers, self._look_up) if self._callers is not None else EVERYONE
        return group, lambda body: self._handlers.api(head.event(body), None)

    def _look_up(self, act: Callable[[], str]) -> asyncio.Future[str]:
        return self._calls.submit(LOOKUP, act, asyncio.get_running_loop()).done

    async def _called(self, group: str, act: Callable[[], LambdaResponse], receive: Receive) -> LambdaResponse:
        """Run it in a thread. ClientGone while it waits for one: then it is not run at all."""
        call = self._calls.submit(group, act, asyncio.get_running_loop())
        if not call.started:
            async with client_gone(receive) as gone:
                either: list[asyncio.Future[Any]] = [call.done, gone]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not call.started:
                call.done.cancel()
                raise ClientGone
        return await call.done

    async def _write(self, answer: Answer, result: LambdaResponse, head: Head, group: str, receive: Receive) -> None:
        status, headers = cast("int", result["statusCode"]), cast("Mapping[str, str]", result["headers"])
        body = cast("Body | ByteStream", result["body"])
        size = body.size if isinstance(body, Body) else None
        if head.method == "HEAD":
            body.close()
            await answer.whole(status, headers, b"", size=size)
        elif not isinstance(body, Body):
            feed = Feed(body)
            feed.start(self._streams, group)
            await send_head(answer, status, headers, None)
            await send_stream(answer, feed, receive)
        elif isinstance(body.source, bytes):
            await answer.whole(status, headers, body.source, size=size)
        else:
            await answer.begin(status, headers, size)
            await send_file(answer, body, receive)


def _with_cors(cross_origin: CrossOrigin, head: Head) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    return lambda headers: {**headers, **cross_origin.headers(head.headers, headers)}
