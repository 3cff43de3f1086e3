"""What is quoted is in the text, and what is streamed is what is quoted: for any text."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.model import PageQuery
from engine.responses.drafts import message
from engine.responses.events import EventWriter, before, replay
from engine.responses.pages import page
from engine.responses.passages import QUOTE_CHARS, QUOTES, Answer, answer, spans
from engine.responses.tokens import cut

TEXT = st.text(st.sampled_from("ab .!?\n#。ä"), max_size=900)


class Letters:
    """An embedder whose tokens are characters."""

    def load(self) -> None:
        """Nothing is to be loaded."""

    def tokenize(self, text: str, /) -> tuple[list[int], list[int]]:
        """A token for each character."""
        return [ord(char) for char in text], list(range(len(text)))

    def embed(self, ids: Any) -> Any:
        """A vector of the first characters."""
        return np.array([*list(ids)[:4], 1, 1, 1, 1][:4], dtype=np.float32) / np.float32(1000)


def results(texts: list[str]) -> list[dict[str, object]]:
    return [{"file_id": f"file-{n}", "filename": f"{n}.md", "score": 0.9, "text": text} for n, text in enumerate(texts)]


@given(st.lists(TEXT, max_size=5))
def test_every_quotation_is_in_its_file_and_ends_where_its_citation_says(texts: list[str]) -> None:
    found = answer(Letters(), "a b", results(texts))
    start = 0
    for citation in found.annotations:
        quoted = found.text[start : citation["index"]].removeprefix("\n\n").removeprefix(f'{citation["filename"]}: "')
        assert quoted.endswith('"')
        assert quoted[:-1] in texts[int(citation["file_id"].removeprefix("file-"))]
        assert 0 < len(quoted) - 1 <= QUOTE_CHARS
        start = citation["index"]
    assert len(found.annotations) <= QUOTES
    assert bool(found.annotations) == any(text.strip() for text in texts)


@given(TEXT)
def test_sentences_cover_all_that_is_not_space(text: str) -> None:
    sentences = list(spans(text))
    covered = "".join(text[start:end] for start, end in sentences)
    assert "".join(covered.split()) == "".join(text.split())


@given(st.lists(TEXT, min_size=1, max_size=3), st.integers(16, 2000))
def test_the_deltas_are_the_text_and_the_citations_come_at_their_places(texts: list[str], limit: int) -> None:
    whole: Answer = answer(Letters(), "a b", results(texts))
    text, used = cut(Letters(), whole.text, limit)
    assert (text, used) == (whole.text[:limit], len(whole.text[:limit]))
    item = message("msg_1", whole, text)
    response = {"id": "resp_1", "background": False, "status": "completed", "output": [item], "usage": {}}
    events = list(replay(response, EventWriter((), padding=None)))
    streamed = ""
    for event in events:
        if event["type"] == "response.output_text.delta":
            streamed += str(event["delta"])
        elif event["type"] == "response.output_text.annotation.added":
            assert event["annotation"]["index"] == len(streamed)  # type: ignore[index]
    assert streamed == text
    assert before(response)["output"] == []


@given(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["asc", "desc"]))
def test_pages_of_items_are_the_list(count: int, limit: int, order: Any) -> None:
    items: list[dict[str, object]] = [{"id": f"msg_{number}"} for number in range(count)]
    ordered = items if order == "asc" else items[::-1]
    seen: list[dict[str, object]] = []
    more, after = True, None
    while more:
        part = page(items, PageQuery(limit, order, after=after))
        seen += part.items
        more, after = part.has_more, str(seen[-1]["id"]) if seen else None
    assert seen == ordered
    for number, item in enumerate(ordered):
        back = page(items, PageQuery(limit, order, before=str(item["id"])))
        assert back.items == ordered[max(0, number - limit) : number]
        assert back.has_more == (number > limit)
