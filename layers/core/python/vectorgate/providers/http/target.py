"""Where a request goes, by its URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_URL: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")


class CannotSend(Exception):
    """The URL, or a header, means nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """The path with its query, and where that is; `authority` as the `Host` header names it."""

    origin: str
    scheme: str
    host: str
    port: int
    authority: str
    path: str


@lru_cache(maxsize=256)
def target_of(url: str) -> Target:
    """The target of a URL, without a user's name and a fragment in it. CannotSend. Most requests go to a few."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise CannotSend from None
    if not _URL.fullmatch(url) or scheme not in _PORTS or not _HOST.fullmatch(host):
        raise CannotSend
    named = f"[{host}]" if ":" in host else host
    authority = named if port is None or port == _PORTS[scheme] else f"{named}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(f"{scheme}://{authority}", scheme, host, port or _PORTS[scheme], authority, path)
