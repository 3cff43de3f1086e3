"""One call of each kind to a provider that fails, and what is left of it: the error, the requests, the row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.ledger.entry import State

KEY = "sk-fault-client"
ASK: dict[str, Callable[[openai.OpenAI, str], object]] = {
    "vector_stores.create": lambda client, _: client.vector_stores.create(name="x"),
    "vector_stores.retrieve": lambda client, store: client.vector_stores.retrieve(store),
    "vector_stores.update": lambda client, store: client.vector_stores.update(store, name="y"),
    "vector_stores.delete": lambda client, store: client.vector_stores.delete(store),
    "vector_stores.search": lambda client, store: client.vector_stores.search(store, query="q"),
}


@dataclass(frozen=True)
class FaultHarness:
    """A gateway with one key and one store of its own."""

    harness: GatewayHarness
    client: openai.OpenAI
    store: str

    def fails(self, operation: str) -> openai.APIStatusError:
        """Ask for something that ends in an error."""
        with pytest.raises(openai.APIStatusError) as caught:
            ASK[operation](self.client, self.store)
        return caught.value

    @property
    def calls(self) -> int:
        """The requests, without those by which a create looks in the list for what it made."""
        received = self.harness.upstream.received
        is_create = any(one.method == "POST" and one.path == "/v1/vector_stores" for one in received)
        return len([one for one in received if not is_create or one.method == "POST"])

    def state(self) -> State:
        """Of the row of the call that the test is about: there is exactly one after the store's own."""
        (_, entry) = self.harness.rows()
        return entry.state
