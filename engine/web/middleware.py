"""What holds for every request: the headers of its answer, the key that it needs, and the answer to a defect."""

from __future__ import annotations

import hmac
import logging
import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from engine import ids
from engine.web.responses import failure
from vectorgate.api.errors import ApiError, Unauthenticated

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from engine.ids import RandomBytes

log = logging.getLogger(__name__)

API_VERSION: Final = "2020-10-01"
POLL_MILLISECONDS: Final = "100"  # between two requests of the SDKs' polling helpers; their own choice is a second
_SHOWN: Final = 4


class Envelope:
    """Give each answer OpenAI's headers, and answer a defect with a 500 that says no more than the request's id."""

    def __init__(self, app: ASGIApp, random: RandomBytes) -> None:
        self._app = app
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        answer = _Answer(send, ids.request_id(self._random))
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            return
        except Exception:
            if answer.started:
                raise
            log.exception("request %s failed", answer.request_id)
            await failure(_defect(answer.request_id))(scope, receive, answer.send)


class _Answer:
    """One answer in progress."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._began = time.perf_counter()
        self.request_id = request_id
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass a message on, the first with the headers of all answers."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.request_id
            headers["openai-version"] = API_VERSION
            headers["openai-poll-after-ms"] = POLL_MILLISECONDS
            headers["openai-processing-ms"] = str(round((time.perf_counter() - self._began) * 1000))
        await self._send(message)


def _defect(request_id: str) -> ApiError:
    return ApiError(
        f"The server had an error while processing your request. Please include the request ID {request_id}."
    )


class RequireKey:
    """Refuse requests without the one key."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        refusal = self._refusal(Headers(scope=scope).get("authorization", ""))
        app = self._app if refusal is None else failure(refusal)
        await app(scope, receive, send)

    def _refusal(self, authorization: str) -> Unauthenticated | None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            return Unauthenticated("You didn't provide an API key. You need to provide it in an Authorization header.")
        # ASGI's headers are bytes, which Starlette decodes as latin-1.
        if not hmac.compare_digest(key.encode("latin-1"), self._key):
            return Unauthenticated(f"Incorrect API key provided: {mask(key)}.", code="invalid_api_key")
        return None


def mask(key: str) -> str:
    """Enough of a wrong key to recognise it by, as OpenAI shows it."""
    return f"{key[:_SHOWN]}***{key[-_SHOWN:]}" if len(key) > 4 * _SHOWN else "***"
