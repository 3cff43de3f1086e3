"""From one flow to the two methods that a caller sees: `create, acreate = sync(_create), async_(_create)`.

Both have the flow's own signature, so they cannot drift apart. Lists come as pages (`pages.py`), streams as
iterators (`streams.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from vectorgate.client.pages import AsyncPaginator, Page
from vectorgate.client.resource import Resource
from vectorgate.client.streams import AsyncResponseStream, RawStream, ResponseStream

if TYPE_CHECKING:
    from vectorgate.client.flow import Flow, Runner
    from vectorgate.client.pages import RawPage

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item", bound=Resource)


class HasRunner(Protocol):
    """A group of methods."""

    @property
    def _runner(self) -> Runner: ...


G = TypeVar("G", bound=HasRunner)


def sync(flow_of: Callable[Concatenate[G, P], Flow[T]]) -> Callable[Concatenate[G, P], T]:
    """The synchronous form."""

    def method(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._runner.run(flow_of(self, *args, **kwargs))

    return _named(method, flow_of, "")


def async_(flow_of: Callable[Concatenate[G, P], Flow[T]]) -> Callable[Concatenate[G, P], Coroutine[Any, Any, T]]:
    """The awaited form."""

    async def method(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._runner.arun(flow_of(self, *args, **kwargs))

    return _named(method, flow_of, "a")


def sync_streams(
    flow_of: Callable[Concatenate[G, P], Flow[T | RawStream]],
) -> Callable[Concatenate[G, P], T | ResponseStream]:
    """The synchronous form of what may be answered with a stream."""

    def method(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T | ResponseStream:
        result = self._runner.run(flow_of(self, *args, **kwargs))
        return ResponseStream(result) if isinstance(result, RawStream) else result

    return _named(method, flow_of, "")


def async_streams(
    flow_of: Callable[Concatenate[G, P], Flow[T | RawStream]],
) -> Callable[Concatenate[G, P], Coroutine[Any, Any, T | AsyncResponseStream]]:
    """The awaited form: a stream is awaited as far as its head."""

    async def method(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T | AsyncResponseStream:
        result = await self._runner.arun(flow_of(self, *args, **kwargs))
        return AsyncResponseStream(result) if isinstance(result, RawStream) else result

    return _named(method, flow_of, "a")


def sync_pages(flow_of: Callable[Concatenate[G, P], Flow[RawPage[Item]]]) -> Callable[Concatenate[G, P], Page[Item]]:
    """The synchronous form of a list."""

    def method(self: G, /, *args: P.args, **kwargs: P.kwargs) -> Page[Item]:
        return Page(self._runner.run(flow_of(self, *args, **kwargs)), self._runner)

    return _named(method, flow_of, "")


def async_pages(
    flow_of: Callable[Concatenate[G, P], Flow[RawPage[Item]]],
) -> Callable[Concatenate[G, P], AsyncPaginator[Item]]:
    """The form of a list that is awaited, or iterated over with `async for`."""

    def method(self: G, /, *args: P.args, **kwargs: P.kwargs) -> AsyncPaginator[Item]:
        return AsyncPaginator(lambda: flow_of(self, *args, **kwargs), self._runner)

    return _named(method, flow_of, "a")


M = TypeVar("M", bound=Callable[..., Any])


def _named(method: M, flow_of: Callable[..., Any], prefix: str) -> M:
    update_wrapper(method, flow_of)
    method.__name__ = prefix + flow_of.__name__.removeprefix("_")
    method.__qualname__ = f"{flow_of.__qualname__.rpartition('.')[0]}.{method.__name__}"
    # The wrapped function returns a flow, which no caller sees.
    shown = inspect.signature(flow_of).replace(return_annotation=inspect.Signature.empty)
    method.__signature__ = shown  # type: ignore[attr-defined]
    return method
