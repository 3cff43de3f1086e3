"""Lists: a page holds its items and fetches the pages that follow when it is iterated over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vectorgate.client.resource import CallInfo, Listed, Resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping

    from vectorgate.client.flow import Flow, Runner

Item = TypeVar("Item", bound=Resource)


@dataclass(frozen=True, slots=True)
class RawPage(Generic[Item]):
    """A page as it was received. `following`: the flow to the page that comes after an id."""

    document: Mapping[str, object]
    info: CallInfo
    item_type: type[Item]
    following: Callable[[str], Flow[RawPage[Item]]]


class _AnyPage(Listed[Item], Generic[Item]):
    first_id: str | None
    last_id: str | None

    def __init__(self, raw: RawPage[Item], runner: Runner) -> None:
        super().__init__(raw.document, raw.info)
        self.__dict__.update(_raw=raw, _runner=runner)
        items = raw.document.get("data")
        self.__dict__["data"] = [raw.item_type(item) for item in items] if isinstance(items, list) else []

    def has_next_page(self) -> bool:
        """Whether the server has more, and sent an item to continue after."""
        return bool(self.data) and self.has_more is not False and self._fields.get("has_more") is not None

    def _following(self) -> Flow[RawPage[Item]]:
        if not self.has_next_page():
            raise RuntimeError("No next page expected; please check `.has_next_page()` before calling.")
        raw: RawPage[Item] = self._raw
        return raw.following(str(self.data[-1].id))

    def __reduce__(self) -> tuple[object, ...]:
        info: CallInfo = self._info
        return Listed, (dict(self._fields), info)


class Page(_AnyPage[Item], Generic[Item]):
    """A page. Iterating over it continues with the pages that follow; `data` is this page's items alone."""

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
    """The awaited form of Page."""

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


class AsyncPaginator(Generic[Item]):
    """A list that has not been requested: `await` gives its first page, `async for` every item of every page."""

    def __init__(self, flow_of: Callable[[], Flow[RawPage[Item]]], runner: Runner) -> None:
        self._flow_of = flow_of
        self._runner = runner

    def __await__(self) -> Generator[Any, None, AsyncPage[Item]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for item in await self._first():
            yield item

    async def _first(self) -> AsyncPage[Item]:
        return AsyncPage(await self._runner.arun(self._flow_of()), self._runner)
