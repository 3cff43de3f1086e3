"""The hosts under which local mode answers: protection from web pages that rebind their own name to this machine.

A page of `evil.example` may read what its own origin answers. Once its name resolves to 127.0.0.1, that origin is this
gateway, and only the `Host` header still tells the two apart. So a name has to be known; an address needs no list, for
a page that was loaded from an address did not get there by a name.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import INVALID_REQUEST
from vectorgate.api.http import encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY: Final = "*"
REFUSED_STATUS: Final = HTTPStatus.FORBIDDEN
SHOWN: Final = 100  # characters of a refused host
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_PATTERN: Final = re.compile(rf"\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:]+)(?::\d{0,5})?")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Names that a `Host` header may have beside addresses and `localhost`.

    `names` are in lower case; `*.example.com` stands for each name below `example.com`, `*` for any name.
    """

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> AllowedHosts:
        """Those of the names that are not empty, in lower case. ValueError for one that cannot be a host."""
        given = [name.strip().lower() for name in names if name.strip()]
        for name in given:
            if _PATTERN.fullmatch(name) is None and not _is_address(name):
                raise ValueError(f"{name[:SHOWN]!r} is not the name of a host: expected names without a port, or '*'")
        return cls(frozenset(given))

    def with_own(self, names: Iterable[str]) -> AllowedHosts:
        """These, and this machine's own names if they are valid."""
        own = (name.lower().rstrip(".") for name in names)
        return AllowedHosts(self.names | {name for name in own if _NAME.fullmatch(name)})

    def permits(self, header: str | None) -> bool:
        """Whether a request with this `Host` header is answered. A request without one is not from a browser."""
        if header is None:
            return True
        parsed = _HOST.fullmatch(header.strip().lower())
        if parsed is None:
            return False
        name = parsed["name"].strip("[]")
        return _is_address(name) or (_NAME.fullmatch(name) is not None and self._is_named(name.rstrip(".")))

    def _is_named(self, name: str) -> bool:
        parents = name.split(".")[1:]
        return (
            name == "localhost"
            or name.endswith(".localhost")
            or not self.names.isdisjoint({ANY, name, *(f"*.{'.'.join(parents[at:])}" for at in range(len(parents)))})
        )


def refusal(header: str | None) -> bytes:
    """The body of the answer to a request with another host: OpenAI's envelope, which names the setting."""
    shown = "".join(character if character.isprintable() else "?" for character in (header or "")[:SHOWN])
    message = f"This gateway does not answer under the host '{shown}': add it to VECTORGATE_ALLOWED_HOSTS."
    return encode_json(
        {"error": {"message": message, "type": INVALID_REQUEST, "param": None, "code": "host_not_allowed"}}
    )


@lru_cache(maxsize=16)
def _is_address(name: str) -> bool:
    """Whether it is an IP address. Clients name the same few hosts, and reading an address takes 15 microseconds."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
