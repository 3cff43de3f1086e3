"""Cross-origin requests of browsers (CORS), from the origins that the deployment names. Pure.

Credentials in CORS's sense are cookies, which no client needs: keys are in a header. So no answer permits them, and
none names the origin `*`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import PermissionDenied
from vectorgate.api.http import Response
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHODS: Final = "GET, POST, PUT, PATCH, DELETE, HEAD"
MAX_AGE_S: Final = 7_200  # for which a browser may remember a preflight: the most that Chrome does
_SHOWN: Final = 100  # characters of an origin in a message
_MOST_ASKED: Final = 4_000  # characters of the names of headers that a preflight asks for
_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}  # which browsers leave out
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~ ,-]+")
# What a page may read without being told, and what no page may.
_SAFE: Final = frozenset(
    {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
    | {"connection", "set-cookie", "transfer-encoding", "vary"}
)


@dataclass(frozen=True, slots=True)
class CrossOrigin:
    """The origins whose pages may read answers. Every other origin gets no header of CORS."""

    origins: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> CrossOrigin | None:
        """The names that are not empty; None if there are none. ValueError for one that is no origin, such as `*`."""
        origins = frozenset(_origin(name.strip()) for name in names if name.strip())
        return cls(origins) if origins else None

    def preflight(self, method: str, headers: Mapping[str, str]) -> Response | None:
        """The answer to a preflight; None for any other request. PermissionDenied for one of another origin."""
        origin = headers.get("origin")
        if method != "OPTIONS" or origin is None or "access-control-request-method" not in headers:
            return None
        if origin not in self.origins:
            shown = "".join(each if each.isprintable() else "?" for each in origin[:_SHOWN])
            raise PermissionDenied(
                f"Pages of '{shown}' may not call this gateway: its operator must allow the origin.",
                code="origin_not_allowed",
            )
        answer = {"access-control-allow-methods": METHODS, "access-control-max-age": str(MAX_AGE_S)}
        asked = headers.get("access-control-request-headers", "")
        if len(asked) <= _MOST_ASKED and _HEADER_NAMES.fullmatch(asked):
            answer["access-control-allow-headers"] = asked  # which are there depends on the client: all are read alike
        return Response(status=204, headers=answer)

    def headers(self, request: Mapping[str, str], answer: Mapping[str, str]) -> dict[str, str]:
        """The headers to add to an answer. A page may read all of an answer's headers."""
        vary = answer.get("vary")
        added = {"vary": "Origin" if vary is None else f"{vary}, Origin"}
        origin = request.get("origin")
        if origin not in self.origins or origin is None:
            return added
        added["access-control-allow-origin"] = origin
        readable = sorted(name for name in answer if name not in _SAFE and not name.startswith("access-control-"))
        return added | ({"access-control-expose-headers": ", ".join(readable)} if readable else {})


def _origin(text: str) -> str:
    """An origin as browsers write it."""
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        raise ValueError(f"{text[:_SHOWN]!r} is not an origin: expected https://app.example.com, and no '*'")
    scheme, host, port = match.groups()
    return f"{scheme}://{host}{port if port and port != _DEFAULT_PORTS.get(scheme) else ''}"
