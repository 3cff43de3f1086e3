"""From one flow to the two methods that a caller sees: `create = waits(_create)`, `acreate = awaits(_create)`.

Both have the flow's own signature, so they cannot drift apart. Lists come as pages, which fetch the next one when they
are iterated over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from vectorgate.client.resources import CallInfo, Listed, Resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from vectorgate.client.calls import Received
    from vectorgate.client.exchange import Flow

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item", bound=Resource)


class Runner(Protocol):
    """Takes flows to their end, in either form."""

    def run(self, flow: Flow[T]) -> T:
        """Wait for it."""
        ...

    async def arun(self, flow: Flow[T]) -> T:
        """Await it."""
        ...


class HasRunner(Protocol):
    """A group of methods."""

    @property
    def _runner(self) -> Runner: ...


N = TypeVar("N", bound=HasRunner)


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Item]):
    """A page as it was received, and the flow to the one that follows an id."""

    received: Received
    kind: type[Item]
    following: Callable[[str], Flow[Leaf[Item]]]


def waits(plan: Callable[Concatenate[N, P], Flow[T]]) -> Callable[Concatenate[N, P], T]:
    """The form that waits."""

    def method(self: N, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._runner.run(plan(self, *args, **kwargs))

    return _named(method, plan, "")


def awaits(plan: Callable[Concatenate[N, P], Flow[T]]) -> Callable[Concatenate[N, P], Coroutine[Any, Any, T]]:
    """The form that is awaited."""

    async def method(self: N, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._runner.arun(plan(self, *args, **kwargs))

    return _named(method, plan, "a")


def pages(plan: Callable[Concatenate[N, P], Flow[Leaf[Item]]]) -> Callable[Concatenate[N, P], Page[Item]]:
    """The form of a list that waits."""

    def method(self: N, /, *args: P.args, **kwargs: P.kwargs) -> Page[Item]:
        return Page(self._runner.run(plan(self, *args, **kwargs)), self._runner)

    return _named(method, plan, "")


def apages(plan: Callable[Concatenate[N, P], Flow[Leaf[Item]]]) -> Callable[Concatenate[N, P], Pages[Item]]:
    """The form of a list that is awaited, or iterated over with `async for`."""

    def method(self: N, /, *args: P.args, **kwargs: P.kwargs) -> Pages[Item]:
        return Pages(lambda: plan(self, *args, **kwargs), self._runner)

    return _named(method, plan, "a")


M = TypeVar("M", bound=Callable[..., Any])


def _named(method: M, plan: Callable[..., Any], prefix: str) -> M:
    update_wrapper(method, plan)
    method.__name__ = prefix + plan.__name__.removeprefix("_")
    method.__qualname__ = f"{plan.__qualname__.rpartition('.')[0]}.{method.__name__}"
    # What the plan returns is a flow, which no caller sees.
    shown = inspect.signature(plan).replace(return_annotation=inspect.Signature.empty)
    method.__signature__ = shown  # type: ignore[attr-defined]
    return method


class _AnyPage(Listed[Item], Generic[Item]):
    first_id: str | None
    last_id: str | None

    def __init__(self, leaf: Leaf[Item], runner: Runner) -> None:
        super().__init__(leaf.received.document, leaf.received.info)
        self.__dict__.update(_leaf=leaf, _runner=runner)
        items = leaf.received.document.get("data")
        self.__dict__["data"] = [leaf.kind(item) for item in items] if isinstance(items, list) else []

    def has_next_page(self) -> bool:
        """Whether the server has more, and said something of where."""
        return bool(self.data) and self.has_more is not False and self._fields.get("has_more") is not None

    def _following(self) -> Flow[Leaf[Item]]:
        if not self.has_next_page():
            raise RuntimeError("No next page expected; please check `.has_next_page()` before calling.")
        leaf: Leaf[Item] = self._leaf
        return leaf.following(str(self.data[-1].id))

    def __reduce__(self) -> tuple[object, ...]:
        info: CallInfo = self._info
        return Listed, (dict(self._fields), info)


class Page(_AnyPage[Item], Generic[Item]):
    """A page. Iterating over it goes on to the pages that follow; `data` is this one's items alone."""

    def get_next_page(self) -> Page[Item]:
        """The page that follows. RuntimeError when there is none."""
        return Page(self._runner.run(self._following()), self._runner)

    def iter_pages(self) -> Iterator[Page[Item]]:
        """This page, and those that follow."""
        page = self
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def __iter__(self) -> Iterator[Item]:
        for page in self.iter_pages():
            yield from page.data


class AsyncPage(_AnyPage[Item], Generic[Item]):
    """The same, awaited."""

    async def get_next_page(self) -> AsyncPage[Item]:
        """The page that follows. RuntimeError when there is none."""
        return AsyncPage(await self._runner.arun(self._following()), self._runner)

    async def iter_pages(self) -> AsyncIterator[AsyncPage[Item]]:
        """This page, and those that follow."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item


class Pages(Generic[Item]):
    """A list that was not asked for yet: `await` gives its first page, `async for` every item of every page."""

    def __init__(self, plan: Callable[[], Flow[Leaf[Item]]], runner: Runner) -> None:
        self._plan = plan
        self._runner = runner

    def __await__(self) -> Generator[Any, None, AsyncPage[Item]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for item in await self._first():
            yield item

    async def _first(self) -> AsyncPage[Item]:
        return AsyncPage(await self._runner.arun(self._plan()), self._runner)
