"""The administrator's paths that name a store: their routes, and the store."""

from __future__ import annotations

import re
from typing import Final

_PATH: Final = re.compile(r"(?:/v1)?/vector_stores/([^/]+)/(transfer|share)/?")


def route_of(path: str) -> str:
    """The route of a path, with `{vector_store_id}` in the place of the store; without a slash at its end."""
    match = _PATH.fullmatch(path)
    return path.removesuffix("/") if match is None else f"/vector_stores/{{vector_store_id}}/{match[2]}"


def store_in(path: str) -> str:
    """The store that such a path names, which may be any text; empty for another path."""
    match = _PATH.fullmatch(path)
    return match[1] if match is not None else ""
