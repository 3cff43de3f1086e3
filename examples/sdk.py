"""vectorgate's own SDK: openai's calls, with what each of them cost and the id of its record.

Needs:   pip install vectorgate
Reads:   VECTORGATE_BASE_URL (http://127.0.0.1:4000, which `make run` serves), VECTORGATE_API_KEY (sk-1234)
Run it:  python examples/sdk.py
"""

import os

import vectorgate

TEXT = b"The tides obey the moon. Sailors read the almanac before they leave the harbour at night."

client = vectorgate.Client(
    base_url=os.environ.get("VECTORGATE_BASE_URL", "http://127.0.0.1:4000"),
    api_key=os.environ.get("VECTORGATE_API_KEY", "sk-1234"),
)

# `user` and `tags` are what the call's record is found by in reports.
store = client.vector_stores.create(name="Almanac", user="customer-42", tags=["examples"])
print(f"{store.id} cost ${store.response_cost}, record {store.call_id}")

file = client.files.create(file=("tides.md", TEXT), purpose="assistants")
client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
for result in client.vector_stores.search(store.id, query="What moves the tides?"):
    print(f"{result.score:.2f} {result.filename}: {result.content[0].text}")

try:
    client.vector_stores.retrieve("vs_of_another_tenant")
except vectorgate.NotFoundError as error:
    print(f"{error.status_code}: {error.message}")

client.vector_stores.delete(store.id)
client.files.delete(file.id)
