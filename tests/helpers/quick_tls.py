"""One TLS context for all clients with httpx's defaults, and one for openai's: reading the authorities takes 30 ms."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any, Final

import certifi
import httpcore2

ITS_OWN: Final = ssl.create_default_context
OPENAIS: Final = httpcore2.default_ssl_context


def quicken() -> None:
    """Do this for all clients that are made from now on."""
    ssl.create_default_context = _context
    httpcore2.default_ssl_context = cache(OPENAIS)


def _context(*arguments: Any, **settings: Any) -> ssl.SSLContext:
    is_usual = not arguments and settings == {"cafile": certifi.where()}
    return _usual() if is_usual else ITS_OWN(*arguments, **settings)


@cache
def _usual() -> ssl.SSLContext:
    return ITS_OWN(cafile=certifi.where())
