"""One response in progress: the searches that its request calls for, one by one, and then the answer.

::

    Turn(engine, response) -> check() -> [open()] -> search(0), search(1), ... -> finish()
                                                  -> fail(message), or abandon()

A response that is followed while it is made, or made later, is stored as soon as it is begun (`open`); any other one
when it ends. One that was cancelled or deleted meanwhile stays so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from engine import ids, lookup
from engine.responses import drafts, items, passages, tokens, tools
from engine.responses.passages import Answer
from engine.search import WEIGHT, search
from vectorgate.api.schemas import Search
from vectorgate.api.schemas.fields import QUERY_MAX
from vectorgate.api.schemas.models import RankingOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.engine import Engine
    from engine.model import Json, ResponseStatus, StoredResponse
    from engine.responses.request import FileSearchTool

FAILED = "server_error"


class Turn:
    """The making of one response. InvalidRequest if its choice of tools cannot be met."""

    def __init__(self, engine: Engine, response: StoredResponse) -> None:
        self._engine = engine
        self._response = response
        self._stored = False
        self._ended = False
        self._question = items.question(response.items)
        self._tools = [*cast("list[Json]", response.body["tools"]), *items.added_tools(response.items)]
        called = tools.called(self._tools, cast("str | dict[str, Any]", response.body["tool_choice"]))
        self._searches = called[: cast("int | None", response.body["max_tool_calls"])] if self._question else []
        self._calls: list[dict[str, Any]] = []
        self.call_ids = [ids.item_id("fs", engine.random) for _ in self._searches]

    @property
    def draft(self) -> Json:
        """The response before anything is done."""
        return self._response.body

    def check(self) -> None:
        """Refuse stores that cannot be searched. NotFound, InvalidRequest."""
        now = self._engine.now()
        with self._engine.catalogue.read() as rows:
            for tool in self._searches:
                for store_id in tool.vector_store_ids:
                    lookup.live_store(rows, store_id, now)

    def open(self) -> None:
        """Store the response as it is now."""
        if self.draft["store"]:
            with self._engine.catalogue.write() as rows:
                rows.responses.add(self._response)
        self._stored = True

    def resume(self) -> None:
        """Count the response as stored: the request that asked for it has done that."""
        self._stored = True

    def search(self, number: int) -> Json:
        """Make a search; the finished call."""
        found = _results(self._engine, self._searches[number], self._question[:QUERY_MAX])
        call: Json = {
            "id": self.call_ids[number],
            "type": "file_search_call",
            "status": "completed",
            "queries": [self._question[:QUERY_MAX]],
            "results": found,
        }
        self._calls.append(call)
        return call

    def finish(self) -> Json:
        """Answer from what was found; the finished response."""
        answer = self._answer()
        limit = cast("int | None", self.draft["max_output_tokens"])
        text, used = tokens.cut(self._engine.embedder, answer.text, limit)
        message = drafts.message(ids.item_id("msg", self._engine.random), answer, text)
        output = [*self._calls, message]
        if text != answer.text:
            return self._end("incomplete", output, used, incomplete_details={"reason": "max_output_tokens"})
        return self._end("completed", output, used, completed_at=self._engine.now())

    def fail(self, message: str) -> Json:
        """End it without an answer; the failed response."""
        return self._end("failed", self._calls, 0, error={"code": FAILED, "message": message})

    def abandon(self) -> None:
        """End it because nothing waits for it any more, if it has not ended."""
        if not self._ended:
            self._end("cancelled", self._calls, 0)

    def run(self) -> Json:
        """All of it; the finished response."""
        for number in range(len(self.call_ids)):
            self.search(number)
        return self.finish()

    def _answer(self) -> Answer:
        results = [result for call in self._calls for result in call["results"]]
        if self._calls:
            ranked = sorted(results, key=lambda result: -result["score"])
            return passages.answer(self._engine.embedder, self._question, ranked)
        if not any(tool["type"] == tools.FILE_SEARCH for tool in self._tools):
            return Answer(passages.NO_TOOL)
        return Answer(passages.NOT_CALLED if self._question else passages.NO_QUESTION)

    def _end(self, status: ResponseStatus, output: Sequence[Json], answered: int, **members: object) -> Json:
        read = tokens.of_input(self._engine.embedder, self.draft["instructions"], self._response.items)
        read += sum(tokens.of_results(self._engine.embedder, call["results"]) for call in self._calls)
        used = tokens.usage(read, answered)
        body = {**self.draft, "status": status, "output": [*output], "usage": used, **members}
        self._save(replace(self._response, status=status, body=body))
        self._ended = True
        return body

    def _save(self, ended: StoredResponse) -> None:
        if not self.draft["store"]:
            return
        with self._engine.catalogue.write() as rows:
            if self._stored:
                rows.responses.settle(ended)
            else:
                rows.responses.add(ended)


def _results(engine: Engine, tool: FileSearchTool, query: str) -> list[Json]:
    """The best results of all stores, as a call shows them, best first."""
    body, weight = _search_body(tool, query), _weight(tool)
    pages = [search(engine, store_id, body, weight)["data"] for store_id in dict.fromkeys(tool.vector_store_ids)]
    found = [_result(result) for page in pages for result in cast("list[dict[str, Any]]", page)]
    return sorted(found, key=lambda result: -cast("float", result["score"]))[: tool.max_num_results]


def _weight(tool: FileSearchTool) -> float:
    """The share of meaning in a score."""
    weights = tool.ranking_options.hybrid_search
    return weights.embedding_weight / (weights.embedding_weight + weights.text_weight) if weights else WEIGHT


def _search_body(tool: FileSearchTool, query: str) -> Search:
    options = tool.ranking_options
    body = Search(
        query=query,
        max_num_results=tool.max_num_results,
        ranking_options=RankingOptions(ranker=options.ranker, score_threshold=options.score_threshold),
    )
    return body.model_copy(update={"filters": tool.filters})


def _result(result: dict[str, Any]) -> Json:
    return {
        "attributes": result["attributes"],
        "file_id": result["file_id"],
        "filename": result["filename"],
        "score": result["score"],
        "text": result["content"][0]["text"],
    }
