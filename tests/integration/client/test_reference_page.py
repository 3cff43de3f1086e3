"""LiteLLM's page on creating vector stores: every Python sample of it, as printed, with the module's name replaced."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vectorgate

if TYPE_CHECKING:
    from tests.fakes.upstream import FaultyUpstream

PAGE = Path(__file__).with_name("reference.mdx").read_text("utf-8")
SAMPLES = [
    (title, code.replace("litellm", "vectorgate"))
    for title, code in re.findall(r'```python [^\n]*title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL)
    if "litellm." in code
]


def run(code: str) -> dict[str, Any]:
    """As a notebook runs it: `await` at the top level."""
    names: dict[str, Any] = {}
    compiled = compile(code, "sample", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = eval(compiled, names)  # noqa: S307 - the page's own code
    if inspect.isawaitable(made):

        async def main() -> None:
            await made

        asyncio.run(main())
    return names


def test_the_page_has_five_samples_of_the_sdk() -> None:
    assert len(SAMPLES) == 5


@pytest.mark.parametrize(("title", "code"), SAMPLES, ids=[title for title, _ in SAMPLES])
@pytest.mark.usefixtures("through")
def test_a_sample_runs_through_a_gateway(
    title: str, code: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    response = run(code)["response"]
    assert capsys.readouterr().out.startswith(f"VectorStore(id='{response.id}'")
    assert response.object == "vector_store"
    if "Mock" not in title:
        assert response["name"] == "My Document Store"
        assert response.file_counts.total == 2
        assert response.call_id
    assert response.response_cost == 0


@pytest.mark.parametrize(("title", "code"), SAMPLES, ids=[title for title, _ in SAMPLES])
def test_a_sample_runs_straight_at_a_provider(
    title: str, code: str, server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-open")
    response = run(code)["response"]
    if "Mock" in title:
        assert server.calls == 0
        return
    (received,) = server.received
    key = "your-openai-api-key" if "OpenAI Provider" in title else "sk-open"
    assert received.headers["authorization"] == f"Bearer {key}"
    assert received.document["name"] == "My Document Store"
    assert response.id == "vs_1"
    assert response._hidden_params["custom_llm_provider"] == "openai"


def test_a_mock_response_becomes_the_typed_answer_without_a_network_at_no_cost() -> None:
    names = run(next(code for title, code in SAMPLES if "Mock" in title))
    response = names["response"]
    assert response.to_dict() == names["mock_response"]
    assert response.file_counts.total == 0
    assert response.expires_at is None
    assert (response.response_cost, response._hidden_params["response_cost"]) == (0, 0.0)


def test_a_mock_response_may_be_json_text_bytes_or_an_error() -> None:
    assert vectorgate.vector_stores.retrieve("vs_1", mock_response='{"id": "vs_9"}').id == "vs_9"
    assert vectorgate.files.content("file-1", mock_response=b"abc").read() == b"abc"
    with pytest.raises(RuntimeError, match="as passed"):
        vectorgate.vector_stores.retrieve("vs_1", mock_response=RuntimeError("as passed"))
    with pytest.raises(TypeError, match="mock_response must be"):
        vectorgate.vector_stores.retrieve("vs_1", mock_response="[]")
