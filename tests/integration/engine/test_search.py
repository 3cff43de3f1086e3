"""Search, through the real client."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import BadRequestError, OpenAI

from engine.adapters.sqlite.scoring import expression
from engine.adapters.wordllama import WordLlama, package_folder
from engine.calibration import MIDDLE, calibrated
from engine.embedding import of_text
from engine.queries import STOPWORDS, rewrite, words

TEXTS = {
    "cats.txt": "Cats purr when they are content. A kitten is a young cat.",
    "cars.txt": "The engine of a car turns fuel into motion. An automobile needs oil.",
    "money.txt": "Invoice INV-20417 is due. Payment by bank transfer within thirty days.",
    "bread.txt": "Bread rises because yeast makes gas. Bake the loaf in a hot oven.",
}
SMALL: Final = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}
ATTRIBUTES: dict[str, dict[str, str | float | bool]] = {
    "cats.txt": {"kind": "animal", "year": 2020, "tame": True},
    "cars.txt": {"kind": "machine", "year": 2022},
    "money.txt": {"kind": "office", "year": 2024},
    "bread.txt": {"kind": "food", "year": 2022, "tame": False},
}


@pytest.fixture(scope="module")
def store(server: Any) -> str:
    """A store of four small files."""
    with server.client() as client:
        found: str = client.vector_stores.create(name="search").id
        files = [
            {
                "file_id": client.files.create(file=(name, text.encode()), purpose="assistants").id,
                "attributes": ATTRIBUTES[name],
            }
            for name, text in TEXTS.items()
        ]
        client.vector_stores.file_batches.create_and_poll(found, files=files)
        return found


def names(client: OpenAI, store: str, query: str | list[str] = "anything", **options: Any) -> list[str]:
    return [result.filename for result in client.vector_stores.search(store, query=query, **options)]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("kitten", "cats.txt"),
        ("feline pets", "cats.txt"),
        ("vehicle motors", "cars.txt"),
        ("INV-20417", "money.txt"),
        ("How do I make dough?", "bread.txt"),
    ],
)
def test_the_best_file_comes_first(client: OpenAI, store: str, query: str, best: str) -> None:
    assert names(client, store, query)[0] == best


def test_a_result_has_every_member(client: OpenAI, store: str) -> None:
    page = client.vector_stores.with_raw_response.search(store, query="purr", max_num_results=1).http_response.json()
    (result,) = page.pop("data")
    assert page == {
        "object": "vector_store.search_results.page",
        "search_query": ["purr"],
        "has_more": False,
        "next_page": None,
    }
    assert 0 < result.pop("score") <= 1
    assert result.pop("file_id").startswith("file-")
    assert result == {
        "filename": "cats.txt",
        "attributes": ATTRIBUTES["cats.txt"],
        "content": [{"type": "text", "text": TEXTS["cats.txt"]}],
    }


@pytest.mark.parametrize("ranker", ["none", "auto", "default-2024-11-15"])
def test_scores_fall_and_stay_within_bounds(client: OpenAI, store: str, ranker: Any) -> None:
    results = client.vector_stores.search(store, query="a young cat", ranking_options={"ranker": ranker}).data
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 4
    assert all(0 <= score <= 1 for score in scores)
    threshold = scores[1]
    above = client.vector_stores.search(
        store, query="a young cat", ranking_options={"ranker": ranker, "score_threshold": threshold}
    )
    assert [result.score for result in above] == [score for score in scores if score >= threshold]


def test_several_queries_find_what_each_would(client: OpenAI, store: str) -> None:
    page = client.vector_stores.search(store, query=["kitten", "yeast"], max_num_results=2)
    assert {result.filename for result in page} == {"cats.txt", "bread.txt"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"type": "eq", "key": "kind", "value": "animal"}, {"cats.txt"}),
        ({"type": "ne", "key": "kind", "value": "animal"}, {"cars.txt", "money.txt", "bread.txt"}),
        ({"type": "gte", "key": "year", "value": 2022}, {"cars.txt", "money.txt", "bread.txt"}),
        ({"type": "lt", "key": "year", "value": 2022}, {"cats.txt"}),
        ({"type": "eq", "key": "tame", "value": True}, {"cats.txt"}),
        ({"type": "eq", "key": "tame", "value": 1}, set()),
        ({"type": "in", "key": "kind", "value": ["food", "office"]}, {"money.txt", "bread.txt"}),
        ({"type": "nin", "key": "kind", "value": ["food", "office"]}, {"cats.txt", "cars.txt"}),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "eq", "key": "year", "value": 2022},
                    {"type": "or", "filters": [{"type": "eq", "key": "kind", "value": "food"}]},
                ],
            },
            {"bread.txt"},
        ),
    ],
)
def test_filters(client: OpenAI, store: str, filters: Any, expected: set[str]) -> None:
    assert set(names(client, store, filters=filters)) == expected


def test_new_attributes_count_at_once(client: OpenAI) -> None:
    store = client.vector_stores.create(file_ids=["file-abc123"]).id
    client.vector_stores.files.poll("file-abc123", vector_store_id=store)
    client.vector_stores.files.update("file-abc123", vector_store_id=store, attributes={"a": "new"})
    assert names(client, store, filters={"type": "eq", "key": "a", "value": "new"}) == ["returns-and-refunds.md"]


def test_a_detached_file_is_not_found_any_more(client: OpenAI) -> None:
    store = client.vector_stores.create(file_ids=["file-abc123", "file-def456"]).id
    for file_id in ("file-abc123", "file-def456"):
        client.vector_stores.files.poll(file_id, vector_store_id=store)
    assert names(client, store, "customs duties")[0] == "shipping-guide.md"
    client.vector_stores.files.delete("file-def456", vector_store_id=store)
    assert names(client, store, "customs duties") == ["returns-and-refunds.md"]


def test_an_empty_store_finds_nothing(client: OpenAI) -> None:
    assert names(client, client.vector_stores.create().id) == []


def test_a_rewritten_query_is_shown(client: OpenAI, store: str) -> None:
    page = client.vector_stores.search(store, query="What is the purpose of yeast?", rewrite_query=True)
    assert page.to_dict()["search_query"] == ["purpose yeast"]


def test_rewriting_never_leaves_nothing() -> None:
    assert rewrite("What is it?") == "What is it?"
    assert rewrite("???") == "???"


@pytest.mark.parametrize(
    "query", ['"', "a OR", "NEAR(x", "text:*", "^-", "'; DROP TABLE chunks --", "\0", "🙂", "AND " * 999]
)
def test_no_query_is_an_expression(client: OpenAI, store: str, query: str) -> None:
    assert len(names(client, store, query)) == 4


def test_expressions_are_bounded_and_quoted() -> None:
    assert expression(words("The cat, the CAT!")) == '"cat"'
    assert expression(words("to be or not to be")) == '"to" OR "be" OR "or" OR "not"'
    assert expression(words("...")) == ""
    assert len(words(" ".join(f"w{n}" for n in range(999)))) == 64
    assert "cat" not in STOPWORDS


def test_more_than_fifty_results_are_refused(client: OpenAI, store: str) -> None:
    with pytest.raises(BadRequestError):
        names(client, store, max_num_results=51)


def test_embeddings_are_wordllamas_own() -> None:
    reason = "wordllama has no wheel for this Python: its data files are installed, its code does not load"
    wordllama = pytest.importorskip("wordllama", reason=reason, exc_type=ImportError)
    texts = ["Hello world", "Größe, 漢字 and 🙂", *TEXTS.values()]
    theirs = wordllama.WordLlama.load(cache_dir=package_folder(), disable_download=True).embed(texts, norm=True)
    embedder = WordLlama()
    assert np.allclose([of_text(embedder, text) for text in texts], theirs, atol=1e-5)
    assert not of_text(embedder, "").any()


def test_among_many_files_the_ones_that_speak_of_it_are_found(clocked: Any) -> None:
    """Three hundred files in process; tests/benchmarks/retrieval.py measures how long ten thousand chunks take."""
    files = [clocked.file(f"document number {n} speaks of topic{n % 100}", f"{n}.txt") for n in range(300)]
    store = clocked.client.vector_stores.create(file_ids=files[:150]).id
    clocked.client.vector_stores.file_batches.create(store, file_ids=files[150:])
    clocked.work()
    assert set(names(clocked.client, store, "topic42", max_num_results=3)) == {"42.txt", "142.txt", "242.txt"}


LONG: Final = """# {name} tank

{filling}

The filter is cleaned every second week with lukewarm water from the tank itself.
"""
FILLING: Final = "Water is changed in part. Light is on for ten hours. Plants are cut back. " * 40


@pytest.fixture(scope="module")
def manuals(server: Any) -> str:
    """A store of two long files that differ in their titles: all chunks but the first are the same."""
    with server.client() as client:
        found: str = client.vector_stores.create(name="manuals").id
        for name in ("Goldfish", "Seahorse"):
            text = LONG.format(name=name, filling=FILLING)
            file = client.files.create(file=(f"{name}.md", text.encode()), purpose="assistants")
            client.vector_stores.files.create_and_poll(
                file.id, vector_store_id=found, chunking_strategy={"type": "static", "static": SMALL}
            )
        return found


@pytest.mark.parametrize("name", ["Goldfish", "Seahorse"])
def test_a_chunk_is_found_by_what_its_file_is_about(client: OpenAI, manuals: str, name: str) -> None:
    results = client.vector_stores.search(
        manuals, query=f"cleaning the filter of a {name.lower()}", ranking_options={"ranker": "none"}
    ).data
    cleaned = [result for result in results if "filter is cleaned" in result.content[0].text]
    assert cleaned[0].filename == f"{name}.md"
    assert name not in cleaned[0].content[0].text


UNRELATED: Final = [
    "capital of France",
    "weather tomorrow in Berlin",
    "python list comprehension",
    "When was Rome built?",
]
ANSWERED: Final = [
    "a young cat",
    "when is the invoice due?",
    "How do I bake bread in an oven?",
    "motion of a car engine",
]


@pytest.mark.parametrize("ranker", ["auto", "none"])
def test_a_threshold_keeps_what_is_about_the_question_and_drops_the_rest(
    client: OpenAI, store: str, ranker: Any
) -> None:
    """An unrelated text scored 0.6 as soon as it had one common word: it was the best of those that had none."""
    options: Any = {"ranker": ranker, "score_threshold": 0.5}
    for query in UNRELATED:
        assert names(client, store, query, ranking_options=options) == []
    for query in ANSWERED:
        assert len(names(client, store, query, ranking_options=options)) == 1


def test_one_common_word_of_many_is_worth_little(client: OpenAI, store: str) -> None:
    (whole, part) = (
        client.vector_stores.search(store, query=query).data[0].score
        for query in ("yeast makes gas", "yeast infections of tropical amphibians and their treatment")
    )
    assert part < 0.5 < whole


def test_the_words_that_only_make_a_question_change_no_score(client: OpenAI, store: str) -> None:
    asked, told = (
        client.vector_stores.search(store, query=query).data[0].score for query in ("How do I get a kitten?", "kitten")
    )
    assert asked == told


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_score_rises_with_the_figure_that_orders_the_chunks(one: float, other: float) -> None:
    assert 0 <= calibrated(one) <= 1
    assert (calibrated(one) < calibrated(other)) <= (one < other)
    assert (calibrated(0.0), calibrated(MIDDLE), calibrated(1.0)) == (0.0, 0.5, 1.0)
