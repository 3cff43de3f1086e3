"""Whether a text holds a piece of a secret. Stricter than the gateway, because no test writes such a piece itself."""

from __future__ import annotations

from typing import Final

PIECE: Final = 8  # characters


def holds_a_piece(text: str, secret: str) -> bool:
    """Whether any eight consecutive characters of a secret are in `text`."""
    return any(secret[i : i + PIECE] in text for i in range(len(secret) - PIECE + 1))
