"""The administrator's paths that name a store or a key: their routes, and what they name."""

from __future__ import annotations

import re
from typing import Final

REGENERATE_PATH: Final = "/key/{key}/regenerate"
STORE_PATH: Final = "/admin/vector_stores/{vector_store_id}"
TRANSFER_PATH: Final = "/vector_stores/{vector_store_id}/transfer"
SHARE_PATH: Final = "/vector_stores/{vector_store_id}/share"
_ACTION: Final = re.compile(r"(?:/v1)?(/vector_stores/)([^/]+)(/(?:transfer|share))/?")
_ORGANIZATION: Final = "/organization/"
_KEY: Final = re.compile(r"/key/([^/]+)/regenerate/?")
_STORE: Final = re.compile(r"(/admin/vector_stores/)([^/]+)()/?")


def route_of(path: str) -> str:
    """The route of a path, with `{vector_store_id}` or `{key}` in the place of what it names.

    It has no slash at its end. OpenAI's own paths are served with and without `/v1`.
    """
    if path.startswith(_ORGANIZATION):
        path = f"/v1{path}"
    if _KEY.fullmatch(path):
        return REGENERATE_PATH
    match = _match(path)
    return path.removesuffix("/") if match is None else f"{match[1]}{{vector_store_id}}{match[3]}"


def store_in(path: str) -> str:
    """The store that such a path names, which may be any text; empty for another path."""
    match = _match(path)
    return match[2] if match is not None else ""


def key_in(path: str) -> str:
    """The key, or its hash, that such a path names; empty for another path."""
    match = _KEY.fullmatch(path)
    return match[1] if match is not None else ""


def _match(path: str) -> re.Match[str] | None:
    return _ACTION.fullmatch(path) or _STORE.fullmatch(path)
