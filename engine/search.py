"""Search: BM25 and embeddings, fused and calibrated.

Chunks are ordered by WEIGHT * cosine + (1 - WEIGHT) * BM25, both from 0 to 1 (the BM25 as the index scales it).
`ranker: none` is the cosine alone. Several queries give a chunk the best of its scores. What is shown, and compared
with a threshold, is the calibrated score. The weight was chosen by `tests/benchmarks/retrieval.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine import embedding, filters, lookup
from engine.calibration import calibrated
from engine.model import Query
from engine.queries import rewrite
from vectorgate.api.schemas import error_messages
from vectorgate.api.schemas.models import RankingOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.engine import Engine
    from engine.model import Attachment, Candidates, Floats, Ints, Json
    from engine.ports import Rows
    from vectorgate.api.schemas import Search
    from vectorgate.api.schemas.filters import Filter

WEIGHT: Final = 0.5
DIGITS: Final = 6  # a score is shown as it is compared: given back as a threshold, it keeps its result


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found."""

    chunk: int
    attachment: int
    score: float


def search(engine: Engine, store_id: str, body: Search, weight: float = WEIGHT) -> Json:
    """`POST /vector_stores/{vector_store_id}/search`. `weight` of the cosine; the rest is the BM25's."""
    asked = [body.query] if isinstance(body.query, str) else body.query
    if not all(query.strip() for query in asked):
        raise error_messages.string_too_short("query", 1, 0)
    if body.filters is not None:
        filters.check(body.filters)
    visible = admit(engine, store_id, body.filters)
    queries = [rewrite(query) for query in asked] if body.rewrite_query else asked
    hits = find(engine, store_id, queries, visible, body, weight=weight)
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": describe(engine, store_id, hits),
        "has_more": False,
        "next_page": None,
    }


def admit(engine: Engine, store_id: str, condition: Filter | None) -> Ints:
    """The attachments that the search may see. Recording the activity costs a write a second, not one a search."""
    now = engine.now()
    with engine.catalogue.read() as rows:
        store = lookup.live_store(rows, store_id, now)
        visible = passing(rows, store_id, condition)
    if store.last_active_at < now:
        with engine.catalogue.write() as rows:
            rows.stores.touch(store_id, now)
    return np.array(visible, dtype=np.int64)


def passing(rows: Rows, store_id: str, condition: Filter | None) -> list[int]:
    """The completed attachments whose attributes pass."""
    if condition is None:
        return rows.attachments.completed(store_id)
    described = rows.attachments.completed_attributes(store_id)
    return [number for number, attributes in described if filters.matches(condition, attributes)]


def find(
    engine: Engine, store_id: str, queries: Sequence[str], visible: Ints, body: Search, *, weight: float
) -> list[Hit]:
    """The best chunks, best first.

    A chunk that is among the best of all queries is among the best of the query that gives it its score.
    """
    options, count = body.ranking_options or RankingOptions(), body.max_num_results
    best: dict[int, Hit] = {}
    for text in queries:
        query = Query(text, embedding.of_query(engine.embedder, text), lexical=options.ranker != "none")
        found = engine.index.candidates(store_id, query, visible)
        scores = found.semantic if found.lexical is None else fuse(found.semantic, found.lexical, weight)
        for hit in top(found, scores, count):
            if hit.chunk not in best or best[hit.chunk].score < hit.score:
                best[hit.chunk] = hit
    ranked = sorted(best.values(), key=lambda hit: (-hit.score, hit.chunk))[:count]
    return [hit for hit in map(shown, ranked) if hit.score >= options.score_threshold]


def fuse(semantic: Floats, lexical: Floats, weight: float = WEIGHT) -> Floats:
    """The convex combination of the two."""
    share = np.float32(weight)
    return share * semantic + (np.float32(1) - share) * lexical


def top(found: Candidates, scores: Floats, count: int) -> list[Hit]:
    """The best `count` chunks; equals in the order they were stored."""
    order = np.argsort(-scores, kind="stable")[:count]
    return [Hit(int(found.chunks[row]), int(found.attachments[row]), float(scores[row])) for row in order]


def shown(hit: Hit) -> Hit:
    """The hit with its score as it is returned."""
    return Hit(hit.chunk, hit.attachment, round(calibrated(min(max(hit.score, 0.0), 1.0)), DIGITS))


def describe(engine: Engine, store_id: str, hits: Iterable[Hit]) -> list[Json]:
    """The results as the API has them. What was deleted since it was found is left out."""
    found = list(hits)
    texts = engine.index.chunk_texts(store_id, [hit.chunk for hit in found]) if found else {}
    results = []
    with engine.catalogue.read() as rows:
        for hit in found:
            described = rows.attachments.described(hit.attachment)
            if described is not None and hit.chunk in texts:
                results.append(render(hit, *described, texts[hit.chunk]))
    return results


def render(hit: Hit, attachment: Attachment, filename: str, text: str) -> Json:
    """One result."""
    return {
        "file_id": attachment.file_id,
        "filename": filename,
        "score": hit.score,
        "attributes": attachment.attributes or {},
        "content": [{"type": "text", "text": text}],
    }
