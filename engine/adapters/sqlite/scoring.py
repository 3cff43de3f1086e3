"""Scores of a store's chunks for a query: the cosine of their embeddings, and BM25 of FTS5."""

from __future__ import annotations

from math import log
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
    """The BM25 of every chunk, from 0 to the share of the query's words that the best visible chunk has.

    BM25 itself has no upper end, and of chunks that have nothing to do with the query, one is the best all the same.
    """
    scores = np.zeros(len(matrix.chunks), dtype=np.float32)
    # Where some chunks are hidden, the best of the visible ones may be anywhere in the full-text order.
    limit = LEXICAL_DEPTH if seen.all() else -1
    terms = _rare(index, matrix, words(query))
    found = index.match(expression(terms), limit) if seen.any() else []
    if found:
        chunks, weights = np.array([row[0] for row in found]), np.array([row[1] for row in found])
        rows = np.minimum(np.searchsorted(matrix.chunks, chunks), len(matrix.chunks) - 1)
        current = matrix.chunks[rows] == chunks
        scores[rows[current]] = weights[current]
    scores[~seen] = 0.0
    best = int(np.argmax(scores)) if len(scores) else 0
    if not len(scores) or scores[best] <= 0:
        return scores
    return scores * np.float32(_coverage(index, matrix, terms, int(matrix.chunks[best])) / scores[best])


def _coverage(index: IndexFile, matrix: Matrix, terms: list[str], chunk: int) -> float:
    """The share of the words that a chunk has, each weighing the more the fewer chunks have it."""
    among = len(matrix.chunks) + 1
    frequencies = _frequencies(index, matrix, terms)
    weights = {expression([term]): log(1 + among / (frequencies[term] + 1)) for term in terms}
    return sum(weights[each] for each in index.matching(weights, chunk)) / sum(weights.values())


def expression(found: list[str]) -> str:
    """Words as a full-text expression: any of them, each quoted, so that none is an operator."""
    return " OR ".join(f'"{word}"' for word in found)


def _rare(index: IndexFile, matrix: Matrix, found: list[str]) -> list[str]:
    """Without the words that most chunks have: BM25 gives those no weight (FTS5: one millionth), only time."""
    if len(matrix.chunks) < LARGE_STORE:
        return found
    frequencies = _frequencies(index, matrix, found)
    return [word for word in found if frequencies[word] * 2 <= len(matrix.chunks)] or found


def _frequencies(index: IndexFile, matrix: Matrix, terms: list[str]) -> dict[str, int]:
    """How many chunks have each word, counted once for each matrix."""
    new = {expression([term]): term for term in terms if term not in matrix.frequencies}
    if new:
        counted = index.counts(new)
        matrix.frequencies.update({term: counted.get(each, 0) for each, term in new.items()})
    return matrix.frequencies
