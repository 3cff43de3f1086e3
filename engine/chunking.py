"""Text to token windows to chunks.

A token is one of the embedding model's own (a 32,000-piece byte-pair vocabulary); text is tokenised in blocks, so that
time is linear and memory flat whatever the text. Windows are at most `size` tokens, each starts exactly `overlap`
tokens before the end of the one before it, and together they cover the whole text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model import Ints

    Tokenize = Callable[[str], tuple[list[int], list[int]]]  # token ids, and the character each token starts at

BLOCK_CHARS: Final = 32_768
SNAP_TOKENS: Final = 12  # how far back a window's end may move so as not to cut a word in two


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised text: ids and starting characters, in parallel."""

    ids: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A window of a text, and its tokens."""

    text: str
    ids: Ints


class TooManyTokens(Exception):
    """The text has more tokens than allowed."""


def blocks(text: str, size: int = BLOCK_CHARS) -> Iterator[tuple[int, str]]:
    """`text` in pieces of at most `size` characters with their offsets, cut at a space where there is one."""
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            space = max(text.rfind("\n", start + 1, end), text.rfind(" ", start + 1, end))
            end = space if space > start else end
        yield start, text[start:end]
        start = end


def tokens(text: str, tokenize: Tokenize, limit: int) -> Tokens:
    """The tokens of a text of at most `limit` of them."""
    ids: list[Ints] = []
    starts: list[Ints] = []
    count = 0
    for offset, block in blocks(text):
        block_ids, block_starts = tokenize(block)
        count += len(block_ids)
        if count > limit:
            raise TooManyTokens
        ids.append(np.array(block_ids, dtype=np.int64))
        starts.append(np.array(block_starts, dtype=np.int64) + offset)
    empty = np.empty(0, dtype=np.int64)
    return Tokens(np.concatenate([empty, *ids]), np.concatenate([empty, *starts]))


def chunks(text: str, tokenised: Tokens, size: int, overlap: int) -> Iterator[Chunk]:
    """The chunks of a tokenised text."""
    count = len(tokenised)
    edges = np.append(tokenised.starts, len(text))
    # The first token may start after leading white space; the first chunk starts with the text.
    edges[0] = 0
    for start, end in windows(text, edges, count, size, overlap):
        yield Chunk(text[edges[start] : edges[end]], tokenised.ids[start:end])


def windows(text: str, edges: Ints, count: int, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Token ranges [start, end). `overlap` must be at most half of `size`."""
    start = 0
    while count:
        end = min(start + size, count)
        if end == count:
            yield start, end
            return
        end = snap(text, edges, end, max(start + overlap + 1, end - SNAP_TOKENS))
        yield start, end
        start = end - overlap


def snap(text: str, edges: Ints, end: int, lowest: int) -> int:
    """The nearest token at or before `end`, no lower than `lowest`, that begins a word; else `end`."""
    for candidate in range(end, lowest - 1, -1):
        at = int(edges[candidate])
        if text[at].isspace() or text[at - 1].isspace():
            return candidate
    return end
