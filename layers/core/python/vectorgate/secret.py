"""A text that must not be seen: it has no printable form, and knows whether a piece of it stands in another text."""

from __future__ import annotations

_PIECE = 8  # characters: what counts as having leaked a part of a secret


class Secret:
    """Wraps a credential. `reveal()` is the only way out, and is called where a request is signed and nowhere else."""

    __slots__ = ("_pieces", "_text")

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("an empty secret is no secret")
        self._text = text
        # All of a shorter text is its only piece.
        self._pieces = tuple(text[i : i + _PIECE] for i in range(max(1, len(text) - _PIECE + 1)))

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def leaks_into(self, text: str) -> bool:
        """Whether any eight consecutive characters of the secret stand in `text` (all of it, if it is shorter)."""
        return any(map(text.__contains__, self._pieces))

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")
