"""What is answered: JSON as the engine always wrote it, bytes of a file, events, and errors in OpenAI's envelope."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, StreamingResponse

from engine.files import Download
from engine.responses.operations import Events
from engine.web.event_stream import EventStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from engine.model import Json
    from vectorgate.api.errors import ApiError

PIECE: Final = 2**18


class JsonResponse(JSONResponse):
    """JSON with a space after each separator, and no characters beyond ASCII."""

    def render(self, content: object) -> bytes:
        """The body."""
        return json.dumps(content, allow_nan=False).encode()


def success(result: Json | Download | Events) -> Response:
    """The result of an operation."""
    if isinstance(result, Events):
        return EventStream(result)
    if not isinstance(result, Download):
        return JsonResponse(result)
    headers = {"content-length": str(result.size)}
    return StreamingResponse(_pieces(result), media_type="application/octet-stream", headers=headers)


def failure(error: ApiError) -> Response:
    """An error."""
    return JsonResponse(error.envelope(), status_code=error.status, headers=dict(error.headers))


def _pieces(download: Download) -> Iterator[bytes]:
    with download.stream as stream:
        yield from iter(partial(stream.read, PIECE), b"")
