"""Serve the dashboard: one page at `/ui`, and its files below `/ui/{digest}/`.

The digest is that of all files. So a browser keeps them for a year and asks for the page alone, and a new release has
other addresses. A request names a file by a key of a table: no path of the file system is built from it.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import Body, Response
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import Request

ROOT: Final = "/ui"
PAGE: Final = "index.html"
PLACEHOLDER: Final = b"{digest}"  # in the page, where its files are named
TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# uPlot and Preact set styles by the CSSOM, which this allows; neither a script nor a style in the page itself runs.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
ASK_AGAIN: Final = "no-cache"
KEEP: Final = "public, max-age=31536000, immutable"
_FOLDER: Final = Path(__file__).parent / "static"
_FILE: Final = re.compile(r"/ui/([0-9a-f]{16})/(.+)")
_DIGEST: Final = 16  # hex digits


@dataclass(frozen=True, slots=True)
class File:
    """A file's content, with its media type and its entity tag."""

    content: bytes
    type: str
    tag: str


@dataclass(frozen=True, slots=True)
class Files:
    """The page, and the other files by their paths below the digest's folder."""

    page: File
    others: Mapping[str, File]
    digest: str


def response(request: Request) -> Response | None:
    """The page or a file of the dashboard. None for another path, an unknown file, and a method that does not read."""
    if not request.path.startswith(ROOT) or request.method not in {"GET", "HEAD"}:
        return None
    if request.path == ROOT:
        return _sent(files().page, ASK_AGAIN, request)
    if request.path == f"{ROOT}/":  # from where the page's own links would lead elsewhere
        return Response(status=308, headers={"location": "../ui", **SAFE})
    found = _FILE.fullmatch(request.path)
    file = files().others.get(found[2]) if found is not None else None
    if found is None or file is None:
        return None
    # An address of another release has what is there now, and is not kept: its page is being replaced.
    return _sent(file, KEEP if found[1] == files().digest else ASK_AGAIN, request)


def _sent(file: File, caching: str, request: Request) -> Response:
    headers = {"content-type": file.type, "etag": file.tag, "cache-control": caching, **SAFE}
    tags = {tag.strip().removeprefix("W/") for tag in (request.header("if-none-match") or "").split(",")}
    if file.tag in tags:
        del headers["content-type"]
        return Response(status=304, headers=headers)
    return Response(status=200, headers=headers, body=Body.of(file.content))


@cache
def files() -> Files:
    """Read every file, once."""
    contents = {path.relative_to(_FOLDER).as_posix(): path.read_bytes() for path in _paths()}
    whole = hashlib.sha256()
    for name, content in contents.items():
        whole.update(b"%d %s %d " % (len(name), name.encode(), len(content)) + content)
    digest = whole.hexdigest()[:_DIGEST]
    page = contents.pop(PAGE).replace(PLACEHOLDER, digest.encode())
    return Files(_file(PAGE, page), {name: _file(name, content) for name, content in contents.items()}, digest)


def _paths() -> list[Path]:
    return sorted(path for path in _FOLDER.rglob("*") if path.suffix in TYPES and path.is_file())


def _file(name: str, content: bytes) -> File:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(content, TYPES[Path(name).suffix], tag)
