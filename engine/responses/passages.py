"""The answer: the best passages of what was found, word for word, each with the file that it is from.

Of the best results, the sentence that fits the question best is quoted, with what follows it in its paragraph, up to
`QUOTE_CHARS`. A sentence fits by meaning and by words, weighed as a search weighs them; a heading stands for the
sentence after it. Results that are much worse than the best are not quoted, and no words are quoted twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.embedding import of_query, of_text
from engine.queries import words
from engine.responses.models import MODEL
from engine.search import WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import Floats, Json
    from engine.ports import Embedder

QUOTES: Final = 3
QUOTE_CHARS: Final = 400
NEAR: Final = 0.5  # of the best score: what is worse is not quoted
# The end of a sentence, or of a line, unless the next line goes on in small letters.
_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\s*\n(?!\s*[a-z])\s*")  # noqa: RUF001 - of Chinese and Japanese
_PARAGRAPH: Final = re.compile(r"\n\s*\n|\n\s*#")
_WORD: Final = re.compile(r"\w+")

NO_TOOL: Final = (
    f"{MODEL} writes no text of its own. It searches vector stores and quotes the best passages: "
    'give it the tool {"type": "file_search", "vector_store_ids": [...]} and a question.'
)
NOT_CALLED: Final = f"{MODEL} writes no text of its own, and 'tool_choice' keeps it from searching the vector stores."
NO_QUESTION: Final = f"{MODEL} searches for the last message of the user, and there is none with text."
NOTHING_FOUND: Final = "No passage was found in the vector stores that were searched."


@dataclass(frozen=True, slots=True)
class Answer:
    """A text with its annotations, in the order of their index (a number of characters)."""

    text: str
    annotations: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a file."""

    file_id: str
    filename: str
    text: str


def answer(embedder: Embedder, question: str, results: Sequence[Json]) -> Answer:
    """The quotations that answer a question. `results` as a file_search call shows them, best first."""
    text, annotations = "", []
    for quote in quotes(embedder, question, results):
        text += f'{chr(10) * 2 if text else ""}{quote.filename}: "{quote.text}"'
        citation = {"type": "file_citation", "file_id": quote.file_id, "filename": quote.filename, "index": len(text)}
        annotations.append(citation)
    return Answer(text, annotations) if text else Answer(NOTHING_FOUND)


def quotes(embedder: Embedder, question: str, results: Sequence[Json]) -> list[Quote]:
    """The best quotations, at most `QUOTES`."""
    found: list[Quote] = []
    meaning, terms = of_query(embedder, question), frozenset(words(question))
    for result in _near(results):
        quote = Quote(
            str(result["file_id"]), str(result["filename"]), passage(embedder, meaning, terms, str(result["text"]))
        )
        if quote.text and not any(quote.text in each.text or each.text in quote.text for each in found):
            found.append(quote)
    return found[:QUOTES]


def _near(results: Sequence[Json]) -> list[Json]:
    """The results that are not much worse than the best."""
    scores = [score for result in results if isinstance(score := result["score"], float)]
    return [result for result, score in zip(results, scores, strict=True) if score >= NEAR * max(scores)][: 2 * QUOTES]


def passage(embedder: Embedder, meaning: Floats, terms: frozenset[str], text: str) -> str:
    """The sentence that fits best, with what follows it."""
    sentences = list(spans(text))
    if not sentences:
        return ""
    fits = [_fit(embedder, meaning, terms, text[start:end]) for start, end in sentences]
    first = fits.index(max(fits))
    while first + 1 < len(sentences) and text.startswith("#", sentences[first][0]):
        first += 1
    return shortened(text, sentences[first:])


def _fit(embedder: Embedder, meaning: Floats, terms: frozenset[str], sentence: str) -> float:
    own = frozenset(word.lower() for word in _WORD.findall(sentence))
    semantic = float(of_text(embedder, sentence) @ meaning)
    lexical = len(terms & own) / len(terms) if terms else 0.0
    return WEIGHT * semantic + (1 - WEIGHT) * lexical


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text begin and end."""
    start = 0
    for gap in [*_END.finditer(text), None]:
        end = gap.start() if gap else len(text)
        if text[start:end].strip():
            yield start, end
        start = gap.end() if gap else end


def shortened(text: str, sentences: Sequence[tuple[int, int]]) -> str:
    """As many whole sentences of a paragraph as fit; of one that is too long, as many words."""
    start, end = sentences[0]
    for _, further in sentences[1:]:
        if further - start > QUOTE_CHARS or _PARAGRAPH.search(text, end, further):
            break
        end = further
    if end - start > QUOTE_CHARS:
        end = max(text.rfind(" ", start, start + QUOTE_CHARS), start + QUOTE_CHARS // 2)
    return text[start:end].strip()
