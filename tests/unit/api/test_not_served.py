"""What is not served says what to use instead."""

from __future__ import annotations

import pytest

from vectorgate.api.errors import NotFound
from vectorgate.api.router import route


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/assistants",
        "/v1/threads/thread_1/runs",
        "/v1/realtime/sessions",
        "/v1/conversations",
        "/v1/audio/speech",
        "/openai/deployments/gpt/chat/completions",
    ],
)
def test_the_responses_api_is_named_instead_of_an_api_that_is_not_served(path: str) -> None:
    with pytest.raises(NotFound, match=r"use POST /v1/responses") as caught:
        route("POST", path)
    assert caught.value.code == "unknown_url"


def test_search_is_named_instead_of_embeddings() -> None:
    with pytest.raises(NotFound, match="search"):
        route("POST", "/v1/embeddings")


def test_any_other_path_is_an_unknown_one() -> None:
    with pytest.raises(NotFound, match=r"^Invalid URL \(GET /v1/surprise\)$"):
        route("GET", "/v1/surprise")
