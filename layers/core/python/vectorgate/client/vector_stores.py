"""`vector_stores`: the stores themselves, and the groups of their files and file batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Parameters
from vectorgate.client.file_batches import FileBatches
from vectorgate.client.group import Group
from vectorgate.client.options import OMIT, CallOptions, Omit, without_none, without_omitted
from vectorgate.client.resources import Deleted, SearchResults, VectorStore
from vectorgate.client.store_files import StoreFiles
from vectorgate.client.sync_async import async_, async_pages, sync, sync_pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.client.flow import Flow
    from vectorgate.client.group import GroupClient
    from vectorgate.client.pages import RawPage


class VectorStores(Group):
    """Each method `name` has an awaited form `aname` with the same parameters."""

    def __init__(self, client: GroupClient) -> None:
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
        """Create a vector store. A parameter that is None is not sent."""
        body = without_none(
            name=name,
            file_ids=file_ids,
            expires_after=expires_after,
            chunking_strategy=chunking_strategy,
            metadata=metadata,
            description=description,
        )
        return self._perform(VectorStore, Parameters(operation="vector_stores.create", body=body), options)

    def _retrieve(self, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[VectorStore]:
        """Retrieve a store."""
        return self._perform(VectorStore, _parameters("retrieve", vector_store_id), options)

    def _update(
        self,
        vector_store_id: str,
        *,
        name: str | Omit | None = OMIT,
        expires_after: Mapping[str, Any] | Omit | None = OMIT,
        metadata: Mapping[str, Any] | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStore]:
        """Change a store. None clears a field; one that is not passed stays."""
        body = without_omitted(name=name, expires_after=expires_after, metadata=metadata)
        return self._perform(VectorStore, _parameters("update", vector_store_id, body), options)

    def _delete(self, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Delete a store. Its files are kept."""
        return self._perform(Deleted, _parameters("delete", vector_store_id), options)

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
        """Search a store. The matching files and passages, best first."""
        body = without_none(
            query=query,
            filters=filters,
            max_num_results=max_num_results,
            ranking_options=ranking_options,
            rewrite_query=rewrite_query,
        )
        return self._perform(SearchResults, _parameters("search", vector_store_id, body), options)

    def _list(
        self,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[RawPage[VectorStore]]:
        """List the stores, newest first. Iterating continues with the pages that follow."""
        query = without_none(after=after, before=before, limit=limit, order=order)
        return self._page(VectorStore, "vector_stores.list", query, options)

    create, acreate = sync(_create), async_(_create)
    retrieve, aretrieve = sync(_retrieve), async_(_retrieve)
    update, aupdate = sync(_update), async_(_update)
    delete, adelete = sync(_delete), async_(_delete)
    search, asearch = sync(_search), async_(_search)
    list, alist = sync_pages(_list), async_pages(_list)


def _parameters(verb: str, vector_store_id: str, body: Mapping[str, object] | None = None) -> Parameters:
    return Parameters(operation=f"vector_stores.{verb}", ids={"vector_store_id": vector_store_id}, body=body)
