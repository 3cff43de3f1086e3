"""OpenAI's Python client, unmodified, against vectorgate.

Needs:   pip install openai
Reads:   VECTORGATE_BASE_URL (http://127.0.0.1:4000/v1, which `make run` serves), VECTORGATE_API_KEY (sk-1234)
Run it:  python examples/openai_python.py
"""

import os

from openai import OpenAI

TEXT = b"The tides obey the moon. Sailors read the almanac before they leave the harbour at night."

client = OpenAI(
    base_url=os.environ.get("VECTORGATE_BASE_URL", "http://127.0.0.1:4000/v1"),
    api_key=os.environ.get("VECTORGATE_API_KEY", "sk-1234"),
)

store = client.vector_stores.create(name="Almanac", metadata={"project": "examples"})
file = client.files.create(file=("tides.md", TEXT), purpose="assistants")
client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id, attributes={"topic": "sea"})

for result in client.vector_stores.search(store.id, query="What moves the tides?"):
    print(f"{result.score:.2f} {result.filename}: {result.content[0].text}")

client.vector_stores.delete(store.id)
client.files.delete(file.id)
