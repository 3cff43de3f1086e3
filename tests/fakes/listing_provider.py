"""A provider whose lists are true: it keeps metadata, pages its stores and files, and can do what it does unseen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.openai import FakeOpenAI, store_document
from tests.fakes.upstream import answer, hang_up, refusal

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.fakes.upstream import Act, Received

_FILENAME = re.compile(rb'filename="([^"]*)"[^\r]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)
_PURPOSE = re.compile(rb'name="purpose"\r\n\r\n(\w+)')


@dataclass
class ListingOpenAI(FakeOpenAI):
    """`now` gives Unix seconds, and `dated` answers say them.

    `deleted` are the ids that it deleted; `listing` happens while it lists a page.
    """

    now: Callable[[], float] = lambda: 0.0
    dated: bool = True
    listings: int = 0
    listing: Callable[[], None] = lambda: None
    deleted: list[str] = field(default_factory=list)

    def _answer(self, received: Received) -> Act:
        self.created_at = int(self.now())
        parts = urlsplit(received.path)
        if received.method == "GET" and parts.path in {"/v1/vector_stores", "/v1/files"}:
            self.listings += 1
            self.listing()
            kept = self.stores if parts.path.endswith("stores") else self.files
            date = formatdate(self.now(), usegmt=True)
            return answer(200, _page(kept, parse_qs(parts.query)), {"date": date} if self.dated else None)
        return super()._answer(received)

    def _new_store(self, body: dict[str, Any]) -> dict[str, Any]:
        name = f"vs_{next(self.ids)}"
        facts = {"name": body.get("name"), "metadata": body.get("metadata") or {}}
        self.stores[name] = store_document(name, created_at=self.created_at, **facts)
        return self.stores[name]

    def _new_file(self, body: bytes) -> dict[str, Any]:
        made = super()._new_file(body)
        filename, content = _FILENAME.findall(body)[0]
        made |= {"filename": filename.decode(), "bytes": len(content), "purpose": _PURPOSE.findall(body)[0].decode()}
        return made

    def unseen(self, connection: socket.socket, received: Received) -> bool:
        """Do it, and lose the answer."""
        self.act(_Nowhere(), received)  # type: ignore[arg-type]
        return hang_up(connection, received)

    def unseen_500(self, connection: socket.socket, received: Received) -> bool:
        """Do it, and say that it failed."""
        self.act(_Nowhere(), received)  # type: ignore[arg-type]
        return refusal(500)(connection, received)


class _Nowhere:
    def sendall(self, content: bytes) -> None:
        """Discard the answer."""


def _page(kept: dict[str, dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    newest_first = query.get("order", ["desc"]) == ["desc"]
    ordered = sorted(kept.values(), key=lambda item: item["created_at"], reverse=newest_first)
    ids = [item["id"] for item in ordered]
    start = ids.index(query["after"][0]) + 1 if query.get("after") else 0
    page = ordered[start : start + int(query["limit"][0])]
    return {"object": "list", "data": page, "has_more": start + len(page) < len(ids)}
