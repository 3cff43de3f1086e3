"""A text that must not be seen: it has no printable form, and knows whether a piece of it stands in another text."""

from __future__ import annotations

_PIECE = 8  # characters: what counts as having leaked a part of a secret


class Secret:
    """Wraps a credential. `reveal()` is the only way out, and is called where a request is signed and nowhere else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("an empty secret is no secret")
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def leaks_into(self, text: str) -> bool:
        """Whether any eight consecutive characters of the secret stand in `text` (all of it, if it is shorter)."""
        if len(self._text) < _PIECE:
            return self._text in text
        return any(self._text[i : i + _PIECE] in text for i in range(len(self._text) - _PIECE + 1))

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")
