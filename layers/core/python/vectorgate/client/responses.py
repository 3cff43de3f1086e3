"""`responses` and `models`: run models, which may search stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, cast

from vectorgate.client.calls import Parameters
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, without_none
from vectorgate.client.resources import CompactedResponse, Deleted, InputTokens, Model, Response, ResponseItem
from vectorgate.client.sync_async import async_, async_pages, async_streams, sync, sync_pages, sync_streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.client.flow import Flow
    from vectorgate.client.group import GroupClient
    from vectorgate.client.pages import RawPage
    from vectorgate.client.response_forms import AsyncCreate, AsyncRetrieve, Create, Retrieve
    from vectorgate.client.streams import RawStream

_RUNNING = frozenset({"queued", "in_progress"})


class InputItems(Group):
    """The items that a response was made from."""

    def _list(
        self,
        response_id: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[RawPage[ResponseItem]]:
        """List the items of a response's input, newest first. Iterating continues with the pages that follow."""
        query = without_none(after=after, limit=limit, order=order)
        return self._page(ResponseItem, "responses.input_items.list", query, options, {"response_id": response_id})

    list, alist = sync_pages(_list), async_pages(_list)


class InputTokenCounts(Group):
    """How many tokens a request has."""

    def _count(
        self,
        *,
        model: str,
        input: str | Sequence[Mapping[str, Any]] | None = None,  # noqa: A002 - openai's name
        instructions: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        previous_response_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[InputTokens]:
        """Count the tokens of a request, without running it."""
        body = without_none(
            model=model,
            input=input,
            instructions=instructions,
            tools=tools,
            previous_response_id=previous_response_id,
        )
        return self._perform(InputTokens, Parameters(operation="responses.input_tokens.count", body=body), options)

    count, acount = sync(_count), async_(_count)


class Responses(Group):
    """Each method `name` has an awaited form `aname` with the same parameters. Other fields go into `extra_body`."""

    def __init__(self, client: GroupClient) -> None:
        super().__init__(client)
        self.input_items = InputItems(client)
        self.input_tokens = InputTokenCounts(client)

    def _create(
        self,
        *,
        model: str,
        input: str | Sequence[Mapping[str, Any]] | None = None,  # noqa: A002 - openai's name
        instructions: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: str | Mapping[str, Any] | None = None,
        previous_response_id: str | None = None,
        max_output_tokens: int | None = None,
        include: Sequence[str] | None = None,
        background: bool | None = None,
        store: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        stream: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[Response | RawStream]:
        """Run a model, which may search stores by the tool `file_search`. With `stream=True` return its events.

        The `timeout` of a stream is for its head, retries and pauses included, and after that for each wait.
        """
        body = without_none(
            model=model,
            input=input,
            instructions=instructions,
            tools=tools,
            tool_choice=tool_choice,
            previous_response_id=previous_response_id,
            max_output_tokens=max_output_tokens,
            include=include,
            background=background,
            store=store,
            metadata=metadata,
            stream=stream,
        )
        parameters = Parameters(operation="responses.create", body=body)
        return self._stream(parameters, options) if stream else self._perform(Response, parameters, options)

    def _retrieve(
        self,
        response_id: str,
        *,
        stream: bool | None = None,
        starting_after: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[Response | RawStream]:
        """Retrieve a response. With `stream=True` return its events, from the one after number `starting_after` on."""
        query = without_none(stream=stream, starting_after=starting_after)
        parameters = Parameters(operation="responses.retrieve", ids={"response_id": response_id}, query=query)
        return self._stream(parameters, options) if stream else self._perform(Response, parameters, options)

    def _wait_for_completion(
        self, response_id: str, *, poll_interval: float = 2.0, max_wait_seconds: float = 30 * 60.0
    ) -> Flow[Response]:
        """Poll until a background response has ended. TimeoutError after `max_wait_seconds`."""
        return self._poll(
            lambda: self._perform(Response, _of("responses.retrieve", response_id), {}),
            lambda response: response.status not in _RUNNING,
            poll_interval * 1000,
            max_wait_seconds,
        )

    def _cancel(self, response_id: str, **options: Unpack[CallOptions]) -> Flow[Response]:
        """Cancel a background response."""
        return self._perform(Response, _of("responses.cancel", response_id), options)

    def _delete(self, response_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Delete a response."""
        return self._perform(Deleted, _of("responses.delete", response_id), options)

    def _compact(
        self,
        *,
        model: str,
        input: str | Sequence[Mapping[str, Any]] | None = None,  # noqa: A002 - openai's name
        instructions: str | None = None,
        previous_response_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[CompactedResponse]:
        """Make a conversation shorter."""
        body = without_none(
            model=model, input=input, instructions=instructions, previous_response_id=previous_response_id
        )
        return self._perform(CompactedResponse, Parameters(operation="responses.compact", body=body), options)

    create = cast("Create", sync_streams(_create))
    acreate = cast("AsyncCreate", async_streams(_create))
    retrieve = cast("Retrieve", sync_streams(_retrieve))
    aretrieve = cast("AsyncRetrieve", async_streams(_retrieve))
    wait_for_completion, await_for_completion = sync(_wait_for_completion), async_(_wait_for_completion)
    cancel, acancel = sync(_cancel), async_(_cancel)
    delete, adelete = sync(_delete), async_(_delete)
    compact, acompact = sync(_compact), async_(_compact)


class Models(Group):
    """The models that the key may use."""

    def _list(self, **options: Unpack[CallOptions]) -> Flow[RawPage[Model]]:
        """List them."""
        return self._page(Model, "models.list", {}, options)

    def _retrieve(self, model: str, **options: Unpack[CallOptions]) -> Flow[Model]:
        """Retrieve one of them."""
        return self._perform(Model, Parameters(operation="models.retrieve", ids={"model": model}), options)

    list, alist = sync_pages(_list), async_pages(_list)
    retrieve, aretrieve = sync(_retrieve), async_(_retrieve)


def _of(operation: str, response_id: str) -> Parameters:
    return Parameters(operation=operation, ids={"response_id": response_id})
