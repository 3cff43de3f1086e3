"""The types of `responses.create` and `retrieve`: with `stream=True` they return events, without it the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, Required, Unpack, overload

from vectorgate.client.options import CallOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.client.resources import Response
    from vectorgate.client.streams import AsyncResponseStream, ResponseStream


class CreateParameters(CallOptions, total=False):
    """The parameters of `responses.create` but for `stream`."""

    model: Required[str]
    input: str | Sequence[Mapping[str, Any]] | None
    instructions: str | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    previous_response_id: str | None
    max_output_tokens: int | None
    include: Sequence[str] | None
    background: bool | None
    store: bool | None
    metadata: Mapping[str, str] | None


class Create(Protocol):
    """The synchronous form of `create`."""

    @overload
    def __call__(self, *, stream: Literal[True], **parameters: Unpack[CreateParameters]) -> ResponseStream: ...
    @overload
    def __call__(self, *, stream: Literal[False] | None = None, **parameters: Unpack[CreateParameters]) -> Response: ...
    @overload
    def __call__(self, *, stream: bool | None, **parameters: Unpack[CreateParameters]) -> Response | ResponseStream: ...


class AsyncCreate(Protocol):
    """The awaited form of `create`."""

    @overload
    async def __call__(
        self, *, stream: Literal[True], **parameters: Unpack[CreateParameters]
    ) -> AsyncResponseStream: ...
    @overload
    async def __call__(
        self, *, stream: Literal[False] | None = None, **parameters: Unpack[CreateParameters]
    ) -> Response: ...
    @overload
    async def __call__(
        self, *, stream: bool | None, **parameters: Unpack[CreateParameters]
    ) -> Response | AsyncResponseStream: ...


class RetrieveParameters(CallOptions, total=False):
    """The parameters of `responses.retrieve` but for `response_id` and `stream`."""

    starting_after: int | None


class Retrieve(Protocol):
    """The synchronous form of `retrieve`."""

    @overload
    def __call__(
        self, response_id: str, *, stream: Literal[True], **parameters: Unpack[RetrieveParameters]
    ) -> ResponseStream: ...
    @overload
    def __call__(
        self, response_id: str, *, stream: Literal[False] | None = None, **parameters: Unpack[RetrieveParameters]
    ) -> Response: ...
    @overload
    def __call__(
        self, response_id: str, *, stream: bool | None, **parameters: Unpack[RetrieveParameters]
    ) -> Response | ResponseStream: ...


class AsyncRetrieve(Protocol):
    """The awaited form of `retrieve`."""

    @overload
    async def __call__(
        self, response_id: str, *, stream: Literal[True], **parameters: Unpack[RetrieveParameters]
    ) -> AsyncResponseStream: ...
    @overload
    async def __call__(
        self, response_id: str, *, stream: Literal[False] | None = None, **parameters: Unpack[RetrieveParameters]
    ) -> Response: ...
    @overload
    async def __call__(
        self, response_id: str, *, stream: bool | None, **parameters: Unpack[RetrieveParameters]
    ) -> Response | AsyncResponseStream: ...
