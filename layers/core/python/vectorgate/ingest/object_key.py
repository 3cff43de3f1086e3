"""The parts of an object's key: its sender, the store that it goes to, the file's name. Pure.

`<sender>/<store's name or id>/...any folders.../<file's name>`. Keys are chosen by uploaders, so no part of one is used
before it is checked here.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from vectorgate.classes import dataclass
from vectorgate.ids import is_label
from vectorgate.ingest.model import PermanentFailureError

MAX_KEY_BYTES: Final = 1024  # S3's own limit
MIN_SEGMENTS: Final = 3
_DOT_SEGMENTS: Final = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """A key that was checked. `store` is a label: at most 256 printable characters without '#'."""

    sender: str
    store: str
    filename: str


def is_folder_marker(key: str) -> bool:
    """Whether the key is the one that consoles make for an empty folder, without content."""
    return key.endswith("/")


def parse_object_key(key: str) -> ObjectKey:
    """Check and split a key. PermanentFailureError, with the rule that the key breaks and without the key itself."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key):
        raise PermanentFailureError("The key holds control characters, or is not UTF-8.")
    if len(key.encode("utf-8")) > MAX_KEY_BYTES:
        raise PermanentFailureError(f"The key is longer than {MAX_KEY_BYTES} bytes.")
    segments = key.split("/")
    if _DOT_SEGMENTS & set(segments) or "\\" in key:
        raise PermanentFailureError("The key has an empty part, or one that is '.' or '..', or a backslash.")
    if len(segments) < MIN_SEGMENTS:
        raise PermanentFailureError("The key has no part for the store: <sender>/<store's name or id>/<file>.")
    if not is_label(segments[1]):
        raise PermanentFailureError(
            "The store's part of the key is no name: at most 256 printable characters without '#'."
        )
    return ObjectKey(segments[0], segments[1], segments[-1])
