"""What the tests' own sinks are held against: stricter than the gateway, for nobody feeds them what they look for."""

from __future__ import annotations

from typing import Final

PIECE: Final = 8  # characters


def holds_a_piece(text: str, secret: str) -> bool:
    """Whether any eight consecutive characters of a secret stand in `text`."""
    return any(secret[i : i + PIECE] in text for i in range(len(secret) - PIECE + 1))
