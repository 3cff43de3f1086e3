"""Server-sent events: a stream of pieces as a stream of whole events, each as the provider sent it.

::

    event: response.created
    data: {"type": "response.created", "response": {"id": "resp_..."}, "sequence_number": 0}
    (a blank line)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from vectorgate.providers.base import StreamBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vectorgate.api.http import ByteStream

MAX_EVENT: Final = 32 * 1024 * 1024  # bytes; the largest is the last one, which holds the whole response
LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE: Final = re.compile(rb"\r\n|\n|\r")


class EventSplitter:
    """Puts pieces of a stream together to whole events."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Each event that is whole with this piece, and the blank line that ends it. StreamBroken beyond MAX_EVENT."""
        held = self._held
        searched = max(0, len(held) - 3)  # an end may have begun in the piece before
        held += piece
        start = 0
        while (end := _END.search(held, max(start, searched))) is not None:
            event = bytes(held[start : end.end()])
            start = end.end()
            yield event
        del held[:start]
        if len(held) > MAX_EVENT:
            raise StreamBroken(timed_out=False)


class EventStream:
    """`ByteStream` of whole events. StreamBroken for one beyond MAX_EVENT, or that `withheld` says may not be seen.

    What follows the last blank line is no event, and is dropped: the provider broke off inside of it.
    """

    def __init__(self, pieces: ByteStream, withheld: Callable[[str], bool]) -> None:
        self._pieces = pieces
        self._withheld = withheld

    def __iter__(self) -> Iterator[bytes]:
        """Each event with the blank line that ends it."""
        splitter = EventSplitter()
        for piece in self._pieces:
            for event in splitter.feed(piece):
                self._check(event)
                yield event

    def _check(self, event: bytes) -> None:
        text = event.decode("utf-8", "replace")
        if self._withheld(text) or ("\\u" in text and self._withheld(json.dumps(data_of(event), ensure_ascii=False))):
            raise StreamBroken(timed_out=False)

    def close(self) -> None:
        """End the exchange."""
        self._pieces.close()


def type_of(event: bytes) -> str:
    """The event's type: its `event` line, or where it has none, the `type` of its data; "" without either."""
    for line in _LINE.split(event):
        if line.startswith(b"event:"):
            return line[len(b"event:") :].strip().decode("utf-8", "replace")
    data = data_of(event)
    return str(data.get("type", ""))


def data_of(event: bytes) -> dict[str, object]:
    """The event's data, if it is a JSON object; else an empty one."""
    lines = [line[len(b"data:") :] for line in _LINE.split(event) if line.startswith(b"data:")]
    try:
        data = json.loads(b"\n".join(lines))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
