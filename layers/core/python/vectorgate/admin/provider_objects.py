"""The provider's stores and files as it lists them, oldest first, from a cursor on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.errors import UpstreamRefused
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectKind, is_object_id

if TYPE_CHECKING:
    from vectorgate.ids import ProviderName
    from vectorgate.providers.documents import ProviderDocuments

Document: TypeAlias = Mapping[str, object]

PAGE_SIZE: Final = "100"  # the largest that OpenAI serves
LISTS: Final[Mapping[ObjectKind, str]] = {ObjectKind.VECTOR_STORE: "vector_stores.list", ObjectKind.FILE: "files.list"}
_RETRIEVED: Final[Mapping[ObjectKind, tuple[str, str]]] = {
    ObjectKind.VECTOR_STORE: ("vector_stores.retrieve", "vector_store_id"),
    ObjectKind.FILE: ("files.retrieve", "file_id"),
}
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class ProviderObjects:
    """The objects of one kind at one provider."""

    documents: ProviderDocuments
    provider: ProviderName
    kind: ObjectKind

    def pages(self, after: str | None) -> Iterator[list[Document]]:
        """The provider's list, a page of at most 100 at a time, behind the object `after`. ApiError."""
        while True:
            query = {"limit": PAGE_SIZE, "order": "asc"} | ({"after": after} if after is not None else {})
            document = self.documents.get(self.provider, LISTS[self.kind], query=query)
            data = document.get("data")
            listed = data if isinstance(data, list) else []
            page: list[Document] = [
                item for item in listed if isinstance(item, dict) and is_object_id(str(item.get("id", "")))
            ]
            yield page
            if not page or document.get("has_more") is not True:
                return
            after = str(page[-1]["id"])

    def named(self, ids: list[str]) -> Iterator[list[Document]]:
        """The objects of those ids, each a page of its own; for one that the provider does not have, its id alone."""
        operation, parameter = _RETRIEVED[self.kind]
        for name in ids:
            try:
                yield [self.documents.get(self.provider, operation, ids={parameter: name})]
            except UpstreamRefused as error:
                if error.status != _NOT_FOUND:
                    raise
                yield [{"id": name}]
