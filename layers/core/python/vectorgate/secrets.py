"""A text that must not be seen: it has no printable form, and knows whether it stands in another text.

Whoever can have the provider repeat a text learns whether that text counts as a leak, so what counts must be beyond
guessing. Keys are not random throughout: OpenAI's begin with `sk-proj-` and hold `T3BlbkFJ`, and of the 84 characters
of Azure's, 28 in a row (`JQQJ99` to the service's sign) follow from service, region and month. 48 in a row hold at
least 20 that nobody knows, of each of them: some 2^119 possibilities, and a part of them is answered like any text.
"""

from __future__ import annotations

from typing import Final

RUN: Final = 48  # consecutive characters: what counts as having leaked; a shorter secret counts as a whole
LEAST: Final = 12  # characters: a shorter secret is nobody's key, and may be a word
_PIECE: Final = RUN // 2  # of the pieces side by side that a secret is cut into, every run holds at least one


class Secret:
    """Wraps a credential. `reveal()` is the only way out, and is called where a request is signed and nowhere else."""

    __slots__ = ("_runs", "_text")

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("an empty secret is no secret")
        self._text = text
        self._runs = _runs(text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def leaks_into(self, text: str) -> bool:
        """Whether `RUN` consecutive characters of the secret stand in `text`; all of it, if it is shorter.

        Costs a search for each of a few pieces: 2 for OpenAI's oldest keys, 6 for its longest.
        """
        return any(piece in text and any(run in text for run in runs) for piece, runs in self._runs)

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def _runs(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All that counts as a leak, each run beside the first piece that it holds: without the piece there is no run."""
    if len(text) < RUN:
        return ((text, (text,)),) if len(text) >= LEAST else ()
    last = len(text) - RUN
    return tuple(
        (text[at : at + _PIECE], tuple(text[i : i + RUN] for i in range(max(0, at - _PIECE + 1), min(at, last) + 1)))
        for at in range(0, last + _PIECE, _PIECE)
    )
