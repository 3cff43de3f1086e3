"""Texts to vectors: chunks in the light of their file, and queries without the words that only make a question.

A chunk of a long file often does not say what it is about; the beginning of the file does. So the vector of each chunk
is that of its tokens plus `BEGINNING_WEIGHT` times that of the first `BEGINNING_TOKENS` of the file. Both were chosen
on the tuning set of `tests/benchmarks/retrieval.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine import chunking
from engine.model import Entry
from engine.queries import words

if TYPE_CHECKING:
    from engine.model import ChunkSizes, Floats
    from engine.ports import Embedder

BEGINNING_TOKENS: Final = 24
BEGINNING_WEIGHT: Final = np.float32(0.7)


def entries(embedder: Embedder, text: str, sizes: ChunkSizes, most_tokens: int) -> list[Entry]:
    """The chunks of a file with their vectors. TooManyTokens."""
    tokenised = chunking.tokens(text, embedder.tokenize, most_tokens)
    beginning = BEGINNING_WEIGHT * embedder.embed(tokenised.ids[:BEGINNING_TOKENS])
    pieces = chunking.chunks(text, tokenised, sizes.max_tokens, sizes.overlap_tokens)
    return [Entry(piece.text, unit(embedder.embed(piece.ids) + beginning)) for piece in pieces]


def of_query(embedder: Embedder, query: str) -> Floats:
    """The unit vector of a query; of all of it where it has no words."""
    return of_text(embedder, " ".join(words(query)) or query)


def of_text(embedder: Embedder, text: str) -> Floats:
    """The unit vector of a text."""
    return embedder.embed(embedder.tokenize(text)[0])


def unit(vector: Floats) -> Floats:
    """The vector with length one; zeros stay zeros."""
    length = np.float32(np.linalg.norm(vector))
    return vector / length if length else vector
