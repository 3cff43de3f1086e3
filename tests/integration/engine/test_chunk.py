"""Chunking: what holds for every text and every size."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.wordllama import WordLlama
from engine.chunking import Chunk, TooManyTokens, blocks, chunks, tokens, windows

EMBEDDER = WordLlama()
TEXT = st.text(max_size=600) | st.lists(st.sampled_from(["word", " ", "\n", "é", "漢字", "🙂", "a" * 50])).map("".join)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(4, 120))
    return size, draw(st.integers(0, size // 2))


def cut(text: str, size: int, overlap: int) -> list[Chunk]:
    return list(chunks(text, tokens(text, EMBEDDER.tokenize, 10**6), size, overlap))


@settings(deadline=None)  # the first example loads the model
@given(TEXT, sizes())
def test_chunks_are_small_enough_and_cover_the_text(text: str, size: tuple[int, int]) -> None:
    pieces = cut(text, *size)
    at = 0
    for piece in pieces:
        assert len(piece.ids) <= size[0]
        found = text.rfind(piece.text, 0, at + len(piece.text))
        assert 0 <= found <= at or not piece.text
        at = max(at, found + len(piece.text))
    assert at == len(text) or not pieces
    assert bool(pieces) == bool(text)


@settings(deadline=None)  # the first example loads the model
@given(TEXT, sizes())
def test_without_overlap_the_chunks_are_the_text(text: str, size: tuple[int, int]) -> None:
    assert "".join(piece.text for piece in cut(text, size[0], 0)) == text


@settings(deadline=None)  # the first example loads the model
@given(TEXT, sizes())
def test_each_window_starts_its_overlap_before_the_end_of_the_last(text: str, size: tuple[int, int]) -> None:
    tokenised = tokens(text, EMBEDDER.tokenize, 10**6)
    found = list(windows(text, np.append(tokenised.starts, len(text)), len(tokenised), *size))
    for (start, end), (following, _) in itertools.pairwise(found):
        assert following == end - size[1]
        assert following > start


@given(st.text(max_size=500), st.integers(1, 50))
def test_blocks_are_the_text(text: str, size: int) -> None:
    found = list(blocks(text, size))
    assert "".join(block for _, block in found) == text
    assert all(0 < len(block) <= size and text[start:].startswith(block) for start, block in found)


def test_words_are_not_cut_where_it_can_be_helped() -> None:
    text = " ".join(f"antidisestablishmentarianism{n}" for n in range(300))
    assert all(not piece.text[-1].isalnum() or piece.text[-1].isdigit() for piece in cut(text, 100, 0))


def test_the_number_of_tokens_is_bounded() -> None:
    with pytest.raises(TooManyTokens):
        tokens("word " * 1000, EMBEDDER.tokenize, 500)


@pytest.mark.parametrize("unit", ["a", "a ", "\n", "\u0301", "🙂", "ab1-"])
@pytest.mark.timeout(30)  # quadratic work would take minutes
def test_hostile_text_is_cut_into_all_of_itself(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert sum(len(piece.text) for piece in cut(text, 100, 0)) <= len(text)
