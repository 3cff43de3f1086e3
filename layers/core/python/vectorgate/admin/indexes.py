"""`/v1/indexes`: LiteLLM's route and field names for virtual indexes of Azure AI Search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints

from vectorgate.admin.fields import invalid, iso_time, label, read_body
from vectorgate.api import schemas
from vectorgate.api.errors import DO_NOT_RETRY, Conflict, NotFound
from vectorgate.api.schemas.fields import WireModel
from vectorgate.azure_search.model import VirtualIndex, is_real_name
from vectorgate.ids import is_object_id
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

MAX_BODY: Final = 16 * 1024

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class IndexParams(WireModel):
    """The index of the search service, and LiteLLM's name of that service."""

    vector_store_index: Name
    vector_store_name: Name


class CreateIndex(WireModel):
    """`POST /v1/indexes`."""

    index_name: Name
    litellm_params: IndexParams


class DeleteIndex(WireModel):
    """`POST /v1/indexes/delete`."""

    index_name: Name


def create(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give a real index a virtual name. Conflict (409) for a name that is in use."""
    body = schemas.validate(CreateIndex, read_body(request, MAX_BODY))
    real, service = body.litellm_params.vector_store_index, body.litellm_params.vector_store_name
    _check("index_name", "letters, digits, dashes and underscores", fits=is_object_id(body.index_name))
    _check("litellm_params.vector_store_index", "a name of Azure AI Search", fits=is_real_name(real))
    named = label("litellm_params.vector_store_name", service)
    row = VirtualIndex(name=body.index_name, real_name=real, vector_store_name=named, created_at=deps.clock.unix_s())
    try:
        deps.stores.indexes.add_index(row)
    except AlreadyExists:
        message = f"An index with the name '{row.name}' exists already."
        raise Conflict(message, code="index_exists", param="index_name", headers=DO_NOT_RETRY) from None
    return described(row)


def listing(_request: Request, deps: AdminDeps) -> dict[str, object]:
    """Every virtual index, by name."""
    return {"object": "list", "data": [described(row) for row in deps.stores.indexes.all_indexes()]}


def delete(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Remove a virtual name. The real index and its documents stay."""
    name = schemas.validate(DeleteIndex, read_body(request, MAX_BODY)).index_name
    if not is_object_id(name) or not deps.stores.indexes.delete_index(name):
        raise NotFound("No such index.", param="index_name")
    return {"index_name": name, "deleted": True}


def described(row: VirtualIndex) -> dict[str, object]:
    """A virtual index as LiteLLM shows it. Only administrators see it, for it names the real index."""
    return {
        "index_name": row.name,
        "litellm_params": {"vector_store_index": row.real_name, "vector_store_name": row.vector_store_name},
        "created_at": iso_time(row.created_at),
    }


def _check(param: str, expected: str, *, fits: bool) -> None:
    if not fits:
        raise invalid(param, expected)
