"""A provider's stores and files as an administrator's requests read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.clock import EPOCH
from vectorgate.api.errors import UpstreamRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.ids import ObjectId, ProviderName, TenantId


@dataclass
class FakeDocuments:
    """`ProviderDocuments` in memory. `reading` happens before each read."""

    stores: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    reading: Callable[[], None] = lambda: None
    deleted: list[tuple[ObjectId, TenantId, str]] = field(default_factory=list)

    def store(self, name: str, /, **facts: Any) -> str:
        """Add a store that is younger than those before it, and return its id."""
        created_at = int(EPOCH) - 86_400 + len(self.stores)
        self.stores[name] = {"id": name, "object": "vector_store", "created_at": created_at, "metadata": {}} | facts
        return name

    def file(self, name: str, /, **facts: Any) -> str:
        """Add a file, and return its id."""
        created_at = int(EPOCH) - 86_400 + len(self.files)
        self.files[name] = {"id": name, "object": "file", "created_at": created_at, "filename": "f.txt"} | facts
        return name

    def get(
        self, provider: ProviderName, operation: str, *, ids: Mapping[str, str] = {}, query: Mapping[str, str] = {}
    ) -> Mapping[str, object]:
        """One read."""
        del provider
        self.reading()
        kept = self.files if operation.startswith("files") else self.stores
        if not operation.endswith("list"):
            (name,) = ids.values()
            if name not in kept:
                raise UpstreamRefused("No such object.", status=404, type="invalid_request_error")
            return kept[name]
        names = list(kept)
        start = names.index(query["after"]) + 1 if "after" in query else 0
        page = names[start : start + int(query["limit"])]
        return {"data": [kept[name] for name in page], "has_more": start + len(page) < len(names)}

    def delete_store(self, provider: ProviderName, store_id: ObjectId, tenant: TenantId, alias: str) -> None:
        """Delete a store; `deleted` keeps who owned it, and the alias."""
        del provider
        self.reading()
        if store_id not in self.stores:
            raise UpstreamRefused("No such object.", status=404, type="invalid_request_error")
        del self.stores[store_id]
        self.deleted.append((store_id, tenant, alias))

    def bill(self, first_day: int, last_day: int) -> Mapping[str, object]:
        """The days that were asked for: the comparison has tests of its own."""
        self.reading()
        return {"first_day": first_day, "last_day": last_day}
