"""Scores of a store's chunks for a query: the cosine of their embeddings, and BM25 of FTS5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.queries import words

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.adapters.sqlite.index_file import IndexFile, Matrix
    from engine.model import Floats

LEXICAL_DEPTH: Final = 500  # chunks beyond these cannot be among 50 results by their lexical score alone
LARGE_STORE: Final = 1000  # chunks: below this, matching every chunk takes no time worth saving


def cosine(matrix: Matrix, query: Floats) -> Floats:
    """The similarity of every chunk, from 0 to 1: an opposite vector is as irrelevant as a perpendicular one."""
    similarity: Floats = np.clip(matrix.vectors @ query, 0.0, 1.0)
    return similarity


def lexical(index: IndexFile, matrix: Matrix, query: str, seen: npt.NDArray[np.bool_]) -> Floats:
    """The BM25 of every chunk relative to the best visible one, from 0 to 1."""
    scores = np.zeros(len(matrix.chunks), dtype=np.float32)
    # Where some chunks are hidden, the best of the visible ones may be anywhere in the full-text order.
    limit = LEXICAL_DEPTH if seen.all() else -1
    found = index.match(expression(_rare(index, matrix, words(query))), limit) if seen.any() else []
    if found:
        chunks, weights = np.array([row[0] for row in found]), np.array([row[1] for row in found])
        rows = np.minimum(np.searchsorted(matrix.chunks, chunks), len(matrix.chunks) - 1)
        current = matrix.chunks[rows] == chunks
        scores[rows[current]] = weights[current]
    scores[~seen] = 0.0
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else scores


def expression(found: list[str]) -> str:
    """Words as a full-text expression: any of them, each quoted, so that none is an operator."""
    return " OR ".join(f'"{word}"' for word in found)


def _rare(index: IndexFile, matrix: Matrix, found: list[str]) -> list[str]:
    """Without the words that most chunks have: BM25 gives those no weight (FTS5: one millionth), only time."""
    if len(matrix.chunks) < LARGE_STORE:
        return found
    for word in found:
        if word not in matrix.frequencies:
            matrix.frequencies[word] = index.count(expression([word]))
    return [word for word in found if matrix.frequencies[word] * 2 <= len(matrix.chunks)] or found
