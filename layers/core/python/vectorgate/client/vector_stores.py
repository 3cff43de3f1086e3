"""`vector_stores`: the stores themselves. Their files and batches are groups of their own below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Asked
from vectorgate.client.faces import apages, awaits, pages, waits
from vectorgate.client.file_batches import FileBatches
from vectorgate.client.group import Group
from vectorgate.client.options import OMIT, CallOptions, Omit, given, given_or_null
from vectorgate.client.resources import Deleted, SearchResults, VectorStore
from vectorgate.client.store_files import StoreFiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.client.client import Client
    from vectorgate.client.exchange import Flow
    from vectorgate.client.faces import Leaf


class VectorStores(Group):
    """Each method has an awaited form of the same parameters, with an `a` in front of its name."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.files = StoreFiles(client)
        self.file_batches = FileBatches(client)

    def _create(
        self,
        *,
        name: str | None = None,
        file_ids: Sequence[str] | None = None,
        expires_after: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStore]:
        """Create a vector store. What is None is not sent."""
        body = given(
            name=name,
            file_ids=file_ids,
            expires_after=expires_after,
            chunking_strategy=chunking_strategy,
            metadata=metadata,
            description=description,
        )
        return self._ask(VectorStore, Asked(operation="vector_stores.create", body=body), options)

    def _retrieve(self, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[VectorStore]:
        """One store."""
        return self._ask(VectorStore, _of("retrieve", vector_store_id), options)

    def _update(
        self,
        vector_store_id: str,
        *,
        name: str | Omit | None = OMIT,
        expires_after: Mapping[str, Any] | Omit | None = OMIT,
        metadata: Mapping[str, Any] | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStore]:
        """Change a store. None clears a field; what is not named stays."""
        body = given_or_null(name=name, expires_after=expires_after, metadata=metadata)
        return self._ask(VectorStore, _of("update", vector_store_id, body), options)

    def _delete(self, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Delete a store. Its files stay."""
        return self._ask(Deleted, _of("delete", vector_store_id), options)

    def _search(
        self,
        vector_store_id: str,
        query: str | Sequence[str],
        *,
        filters: Mapping[str, Any] | None = None,
        max_num_results: int | None = None,
        ranking_options: Mapping[str, Any] | None = None,
        rewrite_query: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[SearchResults]:
        """The chunks that answer the query, the best first."""
        body = given(
            query=query,
            filters=filters,
            max_num_results=max_num_results,
            ranking_options=ranking_options,
            rewrite_query=rewrite_query,
        )
        return self._ask(SearchResults, _of("search", vector_store_id, body), options)

    def _list(
        self,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[Leaf[VectorStore]]:
        """The stores, newest first. Iterating goes on to the pages that follow."""
        query = given(after=after, before=before, limit=limit, order=order)
        return self._page(VectorStore, "vector_stores.list", query, options)

    create, acreate = waits(_create), awaits(_create)
    retrieve, aretrieve = waits(_retrieve), awaits(_retrieve)
    update, aupdate = waits(_update), awaits(_update)
    delete, adelete = waits(_delete), awaits(_delete)
    search, asearch = waits(_search), awaits(_search)
    list, alist = pages(_list), apages(_list)


def _of(verb: str, vector_store_id: str, body: Mapping[str, object] | None = None) -> Asked:
    return Asked(operation=f"vector_stores.{verb}", ids={"vector_store_id": vector_store_id}, body=body)
