"""What an object's key says: whose it is, which store it goes to, what it is called. Pure.

`<sender>/<store's name or id>/...any folders.../<file's name>`. Keys are whatever somebody could upload under, so
nothing of one is used before it was judged here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from vectorgate.ids import is_label
from vectorgate.ingest.model import Rejected

MAX_KEY_BYTES: Final = 1024  # S3's own limit
LEAST_SEGMENTS: Final = 3
_STEPS: Final = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class Address:
    """A key that was judged. `store` is a label: at most 256 printable characters without '#'."""

    sender: str
    store: str
    filename: str


def is_folder(key: str) -> bool:
    """Whether it is what consoles make for an empty folder: there is no file in it."""
    return key.endswith("/")


def address_of(key: str) -> Address:
    """Rejected, with the rule that it breaks and without the key itself."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key):
        raise Rejected("The key holds control characters, or is not UTF-8.")
    if len(key.encode("utf-8")) > MAX_KEY_BYTES:
        raise Rejected(f"The key is longer than {MAX_KEY_BYTES} bytes.")
    segments = key.split("/")
    if _STEPS & set(segments) or "\\" in key:
        raise Rejected("The key has an empty part, or one that is '.' or '..', or a backslash.")
    if len(segments) < LEAST_SEGMENTS:
        raise Rejected("The key has no part for the store: <tenant>/<store's name or id>/<file>.")
    if not is_label(segments[1]):
        raise Rejected("The store's part of the key is no name: at most 256 printable characters without '#'.")
    return Address(segments[0], segments[1], segments[-1])
