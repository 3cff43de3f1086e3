"""LiteLLM's own SDK as a client of the gateway at argv[1], with the key in VECTORGATE_KEY.

Runs in an interpreter of its own. Prints counts; anything unexpected is an exception, and so a status other than 0.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from typing import Any

litellm: Any = importlib.import_module("litellm")  # by name: the types of this tree are checked without it


def main(url: str, key: str) -> dict[str, int]:
    """Make every vector store and file call that LiteLLM has, as OpenAI's client and as Azure's."""
    openai = {"api_base": f"{url}/v1", "api_key": key, "custom_llm_provider": "openai"}
    azure = {"api_base": url, "api_key": key, "api_version": "2025-04-01-preview", "custom_llm_provider": "azure"}
    stores = [store_flow(openai, key), store_flow(azure, key)]
    file = files_flow(openai, stores[0])
    asyncio.run(searches(openai, stores[0]))
    refusals(openai)
    return {"stores": len(stores), "file": len(file)}


def store_flow(where: dict[str, Any], key: str) -> str:
    """Create and search a store, and return its id."""
    created = litellm.vector_stores.create(
        name="docs",
        metadata={"from": "litellm"},
        expires_after={"anchor": "last_active_at", "days": 7},
        timeout=20,
        **where,
    )
    check(created["object"] == "vector_store", created)
    check(key not in json.dumps(created, default=str), "the key is in an answer")
    found = litellm.vector_stores.search(vector_store_id=created["id"], query="text", max_num_results=5, **where)
    check(found["object"] == "vector_store.search_results.page", found)
    return str(created["id"])


def files_flow(where: dict[str, Any], store: str) -> str:
    """Upload, attach, list, read, change and remove a file, and return its id."""
    file = litellm.create_file(file=("notes.md", b"some text"), purpose="assistants", **where)
    at = {"vector_store_id": store, "file_id": file.id, **where}
    attached = litellm.vector_store_file_create(attributes={"k": "v"}, **at)
    check(attached["id"] == file.id, attached)
    check(litellm.vector_store_file_retrieve(**at)["vector_store_id"] == store, "another store")
    check("data" in litellm.vector_store_file_list(vector_store_id=store, **where), "no list")
    check("data" in litellm.vector_store_file_content(**at), "no content")
    litellm.vector_store_file_update(attributes={"k": "w"}, **at)
    check(litellm.file_retrieve(file_id=file.id, **where).id == file.id, "another file")
    check(len(litellm.file_content(file_id=file.id, **where).content) > 0, "an empty file")
    litellm.vector_store_file_delete(**at)
    litellm.file_delete(file_id=file.id, **where)
    return str(file.id)


async def searches(where: dict[str, Any], store: str) -> None:
    """Make the asynchronous calls."""
    found = await litellm.vector_stores.asearch(vector_store_id=store, query=["a", "b"], **where)
    check("data" in found, found)


def refusals(where: dict[str, Any]) -> None:
    """Check the types of errors. LiteLLM reads the text: an `invalid_request_error` is a bad request at any status."""
    expect(
        litellm.BadRequestError, lambda: litellm.vector_stores.search(vector_store_id="vs_absent", query="q", **where)
    )
    expect(litellm.AuthenticationError, lambda: litellm.vector_stores.create(**{**where, "api_key": "sk-nobody"}))
    expect(
        litellm.BadRequestError,
        lambda: litellm.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 900}, **where),
    )


def expect(kind: type[BaseException], call: Any) -> None:
    """Check that a call raises an error."""
    try:
        call()
    except kind:
        return
    raise AssertionError(kind.__name__)


def check(holds: bool, otherwise: object) -> None:  # noqa: FBT001 - it is an assertion
    """Assert, also under -O."""
    if not holds:
        raise AssertionError(otherwise)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], os.environ["VECTORGATE_KEY"])) + "\n")
