"""Answers in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vectorgate.client.admin.resources import Outcomes

MOST_A_PAGE: Final = 1_000  # records or changes, the gateway's maximum


def pages(call: Callable[[str | None], Outcomes]) -> Iterator[Outcomes]:
    """The answers to a call that is repeated with the `next_cursor` of each answer, at first without one."""
    cursor: str | None = None
    while True:
        page = call(cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
