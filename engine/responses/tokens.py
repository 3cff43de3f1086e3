"""What `usage` counts, in tokens of the embedding model (a vocabulary of 32,000 pieces).

Input: the instructions, the text of each message (those of the responses before it included), the JSON of each other
item, and the text of each passage that a search returned. Output: the answer's text. Nothing is cached and nothing is
reasoned. Definitions of tools are not counted: the model does not read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.chunking import blocks
from engine.responses.items import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model import Json
    from engine.ports import Embedder


def count(embedder: Embedder, text: str) -> int:
    """The tokens of a text."""
    return sum(len(embedder.tokenize(block)[0]) for _, block in blocks(text))


def of_input(embedder: Embedder, instructions: object, items: Sequence[Json]) -> int:
    """The tokens of what a request gives to read."""
    read = [text for item in items for text in texts(item)]
    return sum(count(embedder, text) for text in ([instructions, *read] if isinstance(instructions, str) else read))


def of_results(embedder: Embedder, results: Iterable[Json]) -> int:
    """The tokens of what searches returned."""
    return sum(count(embedder, str(result["text"])) for result in results)


def cut(embedder: Embedder, text: str, limit: int | None) -> tuple[str, int]:
    """The text, up to that many tokens, and how many it has."""
    used = 0
    for offset, block in blocks(text):
        starts = embedder.tokenize(block)[1]
        if limit is not None and used + len(starts) > limit:
            return text[: offset + starts[limit - used]], limit
        used += len(starts)
    return text, used


def usage(read: int, answered: int) -> Json:
    """The `usage` object."""
    return {
        "input_tokens": read,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + answered,
    }
