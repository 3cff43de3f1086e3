"""The ASGI application: routes from the table of operations, around one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from engine.web.calls import read_call, read_form
from engine.web.middleware import Envelope, RequireKey
from engine.web.operations import FORMS, OPERATIONS
from engine.web.responses import failure, success
from vectorgate.api.errors import ApiError, MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from engine.engine import Engine
    from engine.web.operations import FormOperation, Operation

    Endpoint = Callable[[Request], Awaitable[Response]]

MAX_BODY_BYTES: Final = 513 * 2**20  # the largest file that OpenAI takes, 512 MiB, and room for the form around it


def build_app(engine: Engine, api_key: str) -> Starlette:
    """The application that serves `engine` to holders of `api_key`."""
    app = Starlette(
        routes=[
            *(_route(method, path, _endpoint(engine, operation)) for method, path, operation in OPERATIONS),
            *(_route("POST", path, _form_endpoint(engine, field, operation)) for path, field, operation in FORMS),
        ],
        middleware=[Middleware(Envelope, random=engine.random), Middleware(RequireKey, api_key=api_key)],
        exception_handlers={ApiError: _refused, HTTPException: _not_routed},
        max_body_size=MAX_BODY_BYTES,
    )
    app.router.redirect_slashes = False
    return app


def _route(method: str, path: str, endpoint: Endpoint) -> Route:
    route = Route(path, endpoint, methods=[method])
    route.methods = {method}  # without the HEAD that comes with a GET: OpenAI's API has none
    return route


def _endpoint(engine: Engine, operation: Operation) -> Endpoint:
    async def answer(request: Request) -> Response:
        call = await read_call(request)
        return await run_in_threadpool(lambda: success(operation(engine, call)))

    return answer


def _form_endpoint(engine: Engine, file_field: str, operation: FormOperation) -> Endpoint:
    async def answer(request: Request) -> Response:
        async with read_form(request, file_field) as form:
            return await run_in_threadpool(lambda: success(operation(engine, form)))

    return answer


async def _refused(_request: Request, error: Exception) -> Response:
    return failure(cast("ApiError", error))


async def _not_routed(request: Request, error: Exception) -> Response:
    """The router's own refusals: an unknown path, or a method that a path does not have."""
    status, path = cast("HTTPException", error).status_code, request.url.path
    if status == MethodNotAllowed.status:
        return failure(MethodNotAllowed(f"Not allowed to {request.method} on {path}.", code="method_not_supported"))
    if status == NotFound.status:
        return failure(NotFound(f"Invalid URL ({request.method} {path})"))
    raise error
