"""An answer that is a stream of events: each is passed on as it arrives, and the row follows.

::

    response.created                 started -> uncertain     the response's id and owner, before the client sees it
    response.completed (or another   uncertain -> answered    with its usage, before the client sees it
    last event)
    the provider breaks off,         stays uncertain          found out later: `GET /responses/{id}`
    or the client disconnects

The gateway's own crash leaves the row `uncertain` as well, so that every stream that the provider began is charged.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import encode_json
from vectorgate.providers.base import StreamBroken
from vectorgate.providers.event_stream import LAST, data_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.api.http import ByteStream

CREATED: Final = "response.created"
CLIENT_GONE: Final = "client_disconnected"
_BEGAN: Final = frozenset({CREATED, "response.queued", "response.in_progress"})


class StreamRefused(Exception):
    """The stream may not be passed on: its response has another owner."""


class StreamedResponse:
    """`ByteStream` of a response's events, for one client.

    `opened` is called with the response when its first event arrives, and raises StreamRefused when the client may not
    see it; `finished` with the response of the last event; `broken` with the reason, the number of deltas that were
    passed on, and whether the response was opened. One of `finished` and `broken` is called, once.
    """

    def __init__(
        self,
        events: ByteStream,
        *,
        opened: Callable[[Mapping[str, object]], None],
        finished: Callable[[Mapping[str, object]], None],
        broken: Callable[[str, int], None],
    ) -> None:
        self._events = events
        self._opened = opened
        self._finished = finished
        self._broken = broken
        self._is_open = False
        self._deltas = 0
        self._ended = False
        self._iterated = False
        self._left = False
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        """The events, followed by one of the type `error` if the provider breaks off."""
        self._iterated = True
        reason = CLIENT_GONE
        try:
            for event in self._events:
                self._follow(event)
                yield event
            reason = "provider_connection_lost"
        except StreamBroken as error:
            reason = CLIENT_GONE if self._left else error.code
        except StreamRefused:
            reason = "id_not_new"
        finally:
            self._events.close()
            unfinished = self._end(reason)
        if unfinished and not self._left:
            yield error_event(reason)

    def close(self) -> None:
        """End the stream: the client has disconnected, or has everything. Any thread may call it."""
        self._left = True
        self._events.close()
        if not self._iterated:
            self._end(CLIENT_GONE)

    def _follow(self, event: bytes) -> None:
        """Let the row follow the event before the client sees it."""
        kind = type_of(event)
        if not self._is_open and kind in _BEGAN:
            self._is_open = True
            self._opened(response_of(event))
        elif kind in LAST:
            with self._lock:
                self._ended = True
            self._finished(response_of(event))
        elif kind.endswith(".delta"):
            self._deltas += 1

    def _end(self, reason: str) -> bool:
        """Note once that the stream is over; whether it was over before its last event."""
        with self._lock:
            if self._ended:
                return False
            self._ended = True
        self._broken(reason, self._deltas)
        return True


def response_of(event: bytes) -> Mapping[str, object]:
    """The response of an event that has one; else an empty object."""
    response = data_of(event).get("response")
    return response if isinstance(response, dict) else {}


def error_event(code: str) -> bytes:
    """OpenAI's error event in both of its forms: the fields as its reference has them, and the object that it sends."""
    message = "The stream ended before the response did. Retrieve the response by its id."
    fields = {"code": code, "message": message, "param": None}
    event = {"type": "error", **fields, "error": {"type": "server_error", **fields}, "sequence_number": 0}
    return b"event: error\ndata: " + encode_json(event) + b"\n\n"
