"""The engine's objects have the type that OpenAI's servers answer, which the official client's docstrings name."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from openai import OpenAI
from openai.types import FileObject, Upload, VectorStore
from openai.types.uploads import UploadPart
from openai.types.vector_stores import VectorStoreFile, VectorStoreFileBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

MODELS = (FileObject, Upload, UploadPart, VectorStore, VectorStoreFile, VectorStoreFileBatch)
DOCUMENTED = re.compile(r'object: Literal\[.*\]\n\s+"""The object type, which is always [`"]([\w.]+)[`"]')


def documented(model: type[BaseModel]) -> str:
    """Return the object type in the docstring. A batch's literal differs from it; the client accepts both."""
    match = DOCUMENTED.search(inspect.getsource(model))
    assert match
    return match[1]


def answered(client: OpenAI) -> Iterator[BaseModel]:
    """Create one object of each type, and read it again."""
    store = client.vector_stores.create()
    yield from (store, client.vector_stores.retrieve(store.id), *client.vector_stores.list(limit=1))
    file = client.files.create(file=("notes.md", b"x"), purpose="assistants")
    yield from (file, client.files.retrieve(file.id), *client.files.list(limit=1).data)
    files, batches = client.vector_stores.files, client.vector_stores.file_batches
    yield files.create(store.id, file_id=file.id)
    yield files.retrieve(file.id, vector_store_id=store.id)
    yield from files.list(store.id)
    batch = batches.create(store.id, file_ids=[file.id])
    yield from (batch, batches.retrieve(batch.id, vector_store_id=store.id))
    yield batches.cancel(batch.id, vector_store_id=store.id)
    upload = client.uploads.create(bytes=1, filename="a.txt", mime_type="text/plain", purpose="assistants")
    yield from (upload, client.uploads.parts.create(upload.id, data=b"x"), client.uploads.cancel(upload.id))


def test_each_object_is_of_the_type_that_the_official_client_documents(client: OpenAI) -> None:
    types = {(type(result), result.model_dump()["object"]) for result in answered(client)}
    assert types == {(model, documented(model)) for model in MODELS}


def test_the_official_client_accepts_each_object_when_it_validates_strictly(client: OpenAI) -> None:
    with OpenAI(api_key=client.api_key, base_url=client.base_url, _strict_response_validation=True) as strict:
        assert {type(result) for result in answered(strict)} == set(MODELS)
