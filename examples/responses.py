"""OpenAI's Python client, unmodified: a question is answered from a store, with citations, by the Responses API.

Local mode's model quotes passages; behind a provider, name one of the provider's models in VECTORGATE_MODEL.

Needs:   pip install openai
Reads:   VECTORGATE_BASE_URL (http://127.0.0.1:4000/v1, which `make run` serves), VECTORGATE_API_KEY (sk-1234)
Run it:  python examples/responses.py
"""

import os

from openai import OpenAI

DOCUMENTS = {
    "tides.md": b"The tides obey the moon. Sailors read the almanac before they leave the harbour at night.",
    "bread.md": b"Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot.",
}

client = OpenAI(
    base_url=os.environ.get("VECTORGATE_BASE_URL", "http://127.0.0.1:4000/v1"),
    api_key=os.environ.get("VECTORGATE_API_KEY", "sk-1234"),
)

store = client.vector_stores.create(name="Almanac", metadata={"project": "examples"})
files = [client.files.create(file=document, purpose="assistants") for document in DOCUMENTS.items()]
client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[file.id for file in files])

answer = client.responses.create(
    model=os.environ.get("VECTORGATE_MODEL", "embedded-extractive"),
    input="What do the tides obey?",
    tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
)
print(answer.output_text)
for item in answer.output:
    for part in item.content if item.type == "message" else []:
        for annotation in part.annotations if part.type == "output_text" else []:
            print("cited:", annotation.filename if annotation.type == "file_citation" else annotation.type)

client.responses.delete(answer.id)
client.vector_stores.delete(store.id)
for file in files:
    client.files.delete(file.id)
