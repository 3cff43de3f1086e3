"""How well and how fast the engine retrieves: `python -m tests.benchmarks retrieval`.

Collection: the API documentation that botocore carries in its wheel (Apache-2.0, (c) Amazon.com). A document is the
description of one operation, of every service that comes with worked examples; its name is not part of the text.
A query is the title that a person gave to an example ("To attach a managed policy to an IAM role"); the relevant
document is the operation the example belongs to. The pairs were not made with retrieval in mind. Queries are split in
two by hash: the weight of the fusion was chosen on one set, the table shows both.
"""

import gzip
import hashlib
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import botocore
import numpy as np

from engine import embedding, search
from engine.adapters.sqlite.index_file import IndexFile, Matrix
from engine.adapters.sqlite.scoring import cosine, lexical
from engine.adapters.wordllama import WordLlama
from engine.model import Candidates, ChunkSizes, Entry, Floats

DATA = Path(botocore.__file__).parent / "data"
DEPTH = 10
RRF_K = 60
LARGE = 10_000
SIZES = ChunkSizes(800, 400)
Ranker = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Query:
    """A title and the numbers of the documents it belongs to."""

    text: str
    relevant: frozenset[int]

    @property
    def held_out(self) -> bool:
        """Whether it is kept for the final figures."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 1


def read(service: Path, name: str) -> dict[str, Any]:
    """The newest version of one of a service's files; empty if there is none."""
    found = sorted(service.glob(f"*/{name}.json*"))
    if not found:
        return {}
    data = found[-1].read_bytes()
    document: dict[str, Any] = json.loads(gzip.decompress(data) if found[-1].suffix == ".gz" else data)
    return document


def plain(documentation: str) -> str:
    """Documentation without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", documentation)).split())


def collection() -> tuple[list[str], list[Query]]:
    """The documents and the queries."""
    documents: list[str] = []
    titles: dict[str, set[int]] = {}
    for service in sorted(DATA.iterdir()):
        examples = read(service, "examples-1").get("examples") if service.is_dir() else None
        if not examples:
            continue
        for name, operation in read(service, "service-2")["operations"].items():
            text = plain(operation.get("documentation", ""))
            for example in examples.get(name, []) if text else []:
                titles.setdefault(" ".join(example.get("title", "").split()), set()).add(len(documents))
            if text:
                documents.append(text)
    # A title of one word is the operation's name, not a question.
    return documents, [Query(title, frozenset(found)) for title, found in sorted(titles.items()) if " " in title]


def entries(embedder: WordLlama, documents: list[str]) -> Iterator[tuple[int, list[Entry]]]:
    """The chunks of every document, as the worker makes them."""
    for number, text in enumerate(documents):
        yield number, embedding.entries(embedder, text, SIZES, 10**7)


def rrf(one: Floats, other: Floats) -> Floats:
    """Reciprocal rank fusion."""
    total = np.zeros(len(one), dtype=np.float32)
    for scores in (one, other):
        ranks = np.empty(len(scores), dtype=np.float32)
        ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores), dtype=np.float32)
        total += np.where(scores > 0, 1 / (RRF_K + 1 + ranks), 0).astype(np.float32)
    return total


def convex(weight: float) -> Ranker:
    """A fusion with another weight."""
    return lambda semantic, lexical: np.float32(weight) * semantic + np.float32(1 - weight) * lexical


RANKERS: dict[str, Ranker] = {
    "BM25 alone": convex(0.0),
    "embeddings alone": convex(1.0),
    "hybrid, RRF": rrf,
    **{f"hybrid, weight {weight:.1f}": convex(weight) for weight in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)},
    "hybrid, as served": search.fuse,
}


def gain(matrix: Matrix, scores: Floats, relevant: frozenset[int]) -> tuple[float, float]:
    """Recall at 10 documents, and the reciprocal of the first relevant one's rank (0 beyond 10)."""
    order = dict.fromkeys(int(matrix.attachments[row]) for row in np.argsort(-scores, kind="stable")[: DEPTH * 5])
    ranked = list(order)[:DEPTH]
    hits = [rank for rank, document in enumerate(ranked, 1) if document in relevant]
    return len(hits) / len(relevant), 1 / hits[0] if hits else 0.0


def evaluate(index: IndexFile, matrix: Matrix, embedder: WordLlama, queries: list[Query]) -> dict[str, list[float]]:
    """For each ranker: recall and MRR on the tuning set, then on the held-out set."""
    everything = np.ones(len(matrix.chunks), dtype=bool)
    sums = {name: np.zeros(4) for name in RANKERS}
    sizes = np.array([0, 0])
    for query in queries:
        semantic = cosine(matrix, embedding.of_query(embedder, query.text))
        words = lexical(index, matrix, query.text, everything)
        part = int(query.held_out)
        sizes[part] += 1
        for name, ranker in RANKERS.items():
            sums[name][part * 2 : part * 2 + 2] += gain(matrix, ranker(semantic, words), query.relevant)
    return {name: list(total / sizes.repeat(2)) for name, total in sums.items()}


def milliseconds(index: IndexFile, matrix: Matrix, embedder: WordLlama, queries: list[Query]) -> list[float]:
    """The time of each search, in order of size: query embedding, both scores, fusion, top 10, their texts."""
    everything = np.ones(len(matrix.chunks), dtype=bool)
    times = []
    for query in queries[:200]:
        started = time.perf_counter()
        semantic = cosine(matrix, embedding.of_query(embedder, query.text))
        weights = lexical(index, matrix, query.text, everything)
        found = Candidates(matrix.chunks, matrix.attachments, semantic, weights)
        index.chunk_texts(hit.chunk for hit in search.top(found, search.fuse(semantic, weights), DEPTH))
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


def build(folder: str, name: str, embedder: WordLlama, documents: list[str]) -> tuple[IndexFile, Matrix]:
    """An index of the documents."""
    index = IndexFile(Path(folder) / name, threading.Lock())
    # One transaction: the benchmark is of reading.
    together = [entry for _, some in entries(embedder, documents) for entry in some]
    index.replace(0, together)
    matrix = index.load()
    owners = [number for number, some in entries(embedder, documents) for _ in some]
    return index, Matrix(matrix.chunks, np.array(owners, dtype=np.int64), matrix.vectors)


def report() -> list[str]:
    """Lines to print: quality by ranker, and the time of a search over 10,000 chunks."""
    documents, queries = collection()
    embedder = WordLlama()
    with tempfile.TemporaryDirectory() as folder:
        index, matrix = build(folder, "docs.db", embedder, documents)
        held_out = sum(query.held_out for query in queries)
        lines = [
            (
                f"{len(documents)} documents, {len(matrix.chunks)} chunks, {len(queries)} queries"
                f" ({len(queries) - held_out} for tuning, {held_out} held out)"
            ),
            f"{'':22}{'tuning':>20}{'held out':>20}",
            f"{'':22}{'recall@10      MRR':>20}{'recall@10      MRR':>20}",
        ]
        for name, (recall, mrr, held_recall, held_mrr) in evaluate(index, matrix, embedder, queries).items():
            lines.append(f"{name:22}{recall:11.3f}{mrr:9.3f}{held_recall:11.3f}{held_mrr:9.3f}")
        # Chunks of the default size: neighbouring documents run together, shifted so that no two are alike.
        merged = [" ".join(documents[i % len(documents) :][:8]) for i in range(LARGE)]
        index, matrix = build(folder, "large.db", embedder, [text[:3200] for text in merged])
        times = milliseconds(index, matrix, embedder, queries)
        middle, late = times[len(times) // 2], times[len(times) * 95 // 100]
        lines.append(f"{len(matrix.chunks)} chunks: search median {middle:.1f} ms, 95th percentile {late:.1f} ms")
        return lines
