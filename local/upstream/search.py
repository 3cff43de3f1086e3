"""Search: BM25 and embeddings, fused.

score = WEIGHT * cosine + (1 - WEIGHT) * bm25 / best bm25, both cut to 0..1. ``ranker: none`` is the cosine alone.
Several queries give a chunk the best of its scores. The weight was chosen by ``tests/benchmarks/retrieval.py``.
"""

import json
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from local.upstream import filters, lookup
from local.upstream.db import Connection, Row
from local.upstream.embed import Floats
from local.upstream.engine import Engine, Json
from local.upstream.index import Index, Ints, Matrix
from local.upstream.wire import Search

WEIGHT = np.float32(0.4)
# Chunks beyond these in the full-text order cannot make it into 50 results on their lexical score alone.
LEXICAL_DEPTH = 500
MAX_TERMS = 64
# Below this, matching every chunk takes no time worth saving.
LARGE_STORE = 1000
# A score is shown as it is compared: what a caller gives back as a threshold keeps its result.
DIGITS = 6

WORD = re.compile(r"\w+")
# Words that say nothing about a chunk, and match most of them: leaving them out is what keeps search fast.
STOPWORD_LIST = """
a about all also am an and any are as at be been but by can could did do does for from get give had has have he her him
his how i if in into is it its just let like may me might more my no not of on one only or our out please shall she
should show so some such tell than that the their them then there these they this those to up us was we were what when
where which while who whom whose why will with would you your
"""
STOPWORDS = frozenset(STOPWORD_LIST.split())

VISIBLE = "SELECT seq FROM attachments WHERE store_id = ? AND status = 'completed'"
DESCRIBED = "SELECT seq, attributes FROM attachments WHERE store_id = ? AND status = 'completed'"
DETAILS = (
    "SELECT a.file_id, a.attributes, f.filename FROM attachments a JOIN files f ON f.id = a.file_id WHERE a.seq = ?"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found."""

    chunk: int
    attachment: int
    score: float


def search(engine: Engine, store_id: str, body: Search) -> Json:
    """POST /vector_stores/{id}/search."""
    condition = None if body.filters is None else filters.parse(body.filters)
    visible = admit(engine, store_id, condition)
    queries = [rewrite(query) for query in body.query] if body.rewrite_query else body.query
    hits = find(engine, store_id, queries, visible, body)
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": describe(engine, store_id, hits),
        "has_more": False,
        "next_page": None,
    }


def admit(engine: Engine, store_id: str, condition: filters.Filter | None) -> Ints:
    """The attachments the search may see. Recording the activity costs a write once a second, not once a search."""
    now = engine.now()
    with engine.db.read() as db:
        store = lookup.live_store(db, store_id, now)
        visible = passing(db, store_id, condition)
    if store["last_active_at"] < now:
        with engine.db.write() as db:
            lookup.touch(db, store_id, now)
    return np.array(visible, dtype=np.int64)


def passing(db: Connection, store_id: str, condition: filters.Filter | None) -> list[int]:
    """The completed attachments whose attributes pass."""
    if condition is None:
        return [seq for (seq,) in db.execute(VISIBLE, (store_id,))]
    rows = db.execute(DESCRIBED, (store_id,))
    return [seq for seq, attributes in rows if filters.matches(condition, json.loads(attributes or "{}"))]


def find(engine: Engine, store_id: str, queries: list[str], visible: Ints, body: Search) -> list[Hit]:
    """The best chunks, best first."""
    matrix = engine.indexes.matrix(store_id)
    seen = np.isin(matrix.attachments, visible)
    if not seen.any():
        return []
    hybrid = body.ranking_options.ranker != "none"
    index = engine.indexes.open(store_id)
    scores = np.zeros(len(matrix.chunks), dtype=np.float32)
    for query in queries:
        semantic = cosine(matrix, engine.embedder.query(query))
        if hybrid:
            semantic = fuse(semantic, lexical(index, matrix, query, seen))
        np.maximum(scores, semantic, out=scores)
    scores[~seen] = -1.0
    return top(matrix, scores, body.max_num_results, body.ranking_options.score_threshold)


def cosine(matrix: Matrix, query: Floats) -> Floats:
    """The similarity of every chunk, 0..1: what points away from the query is as irrelevant as what is beside it."""
    similarity: Floats = np.clip(matrix.vectors @ query, 0.0, 1.0)
    return similarity


def lexical(index: Index, matrix: Matrix, query: str, seen: npt.NDArray[np.bool_]) -> Floats:
    """The BM25 of every chunk relative to the best visible one, 0..1."""
    # Where some chunks are hidden, the best of the visible ones may be anywhere in the full-text order.
    limit = LEXICAL_DEPTH if seen.all() else -1
    found = index.match(expression(rare(index, matrix, words(query))), limit)
    scores = np.zeros(len(matrix.chunks), dtype=np.float32)
    if found:
        chunks, weights = np.array([row[0] for row in found]), np.array([row[1] for row in found])
        rows = np.minimum(np.searchsorted(matrix.chunks, chunks), len(matrix.chunks) - 1)
        current = matrix.chunks[rows] == chunks
        scores[rows[current]] = weights[current]
    scores[~seen] = 0.0
    best = scores.max()
    return scores / best if best > 0 else scores


def words(query: str) -> list[str]:
    """The words of a query that say something; all of them when none does."""
    found = dict.fromkeys(word.lower() for word in WORD.findall(query))
    return ([word for word in found if word not in STOPWORDS] or list(found))[:MAX_TERMS]


def rare(index: Index, matrix: Matrix, found: list[str]) -> list[str]:
    """Without the words that most chunks have: BM25 gives those no weight (FTS5: one millionth), only time."""
    if len(matrix.chunks) < LARGE_STORE:
        return found
    for word in found:
        if word not in matrix.frequencies:
            matrix.frequencies[word] = index.count(expression([word]))
    return [word for word in found if matrix.frequencies[word] * 2 <= len(matrix.chunks)] or found


def expression(found: list[str]) -> str:
    """Words as a full-text expression: any of them, each quoted, so that none is an operator."""
    return " OR ".join(f'"{word}"' for word in found)


def fuse(semantic: Floats, lexical_scores: Floats) -> Floats:
    """The convex combination of the two."""
    return WEIGHT * semantic + (np.float32(1) - WEIGHT) * lexical_scores


def top(matrix: Matrix, scores: Floats, count: int, threshold: float) -> list[Hit]:
    """The best ``count`` at or above the threshold; equals in the order they were stored."""
    order = np.argsort(-scores, kind="stable")[:count]
    hits = [
        Hit(int(matrix.chunks[row]), int(matrix.attachments[row]), round(float(scores[row]), DIGITS)) for row in order
    ]
    return [hit for hit in hits if hit.score >= threshold]


def describe(engine: Engine, store_id: str, hits: list[Hit]) -> list[Json]:
    """The results on the wire. What was deleted since it was found is left out."""
    texts = engine.indexes.open(store_id).text(hit.chunk for hit in hits) if hits else {}
    results = []
    with engine.db.read() as db:
        for hit in hits:
            row = db.execute(DETAILS, (hit.attachment,)).fetchone()
            if row is not None and hit.chunk in texts:
                results.append(render(hit, row, texts[hit.chunk]))
    return results


def render(hit: Hit, row: Row, text: str) -> Json:
    """One result."""
    return {
        "file_id": row["file_id"],
        "filename": row["filename"],
        "score": hit.score,
        "attributes": json.loads(row["attributes"] or "{}"),
        "content": [{"type": "text", "text": text}],
    }


def rewrite(query: str) -> str:
    """A question as keywords: without the words that only make it a question. Unchanged when nothing would be left."""
    kept = [word for word in query.split() if (WORD.findall(word.lower()) or [""])[0] not in STOPWORDS]
    return " ".join(kept).rstrip("?!. ") or query
