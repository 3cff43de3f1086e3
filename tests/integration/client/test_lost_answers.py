"""A create whose response is lost on the way back from the gateway: made once, and answered in the end."""

from __future__ import annotations

import httpx

import vectorgate


class Losing(httpx.HTTPTransport):
    """Sends, and loses the first responses."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self._losses = losses
        self.sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        self.sent += 1
        if self.sent <= self._losses:
            response.read()
            raise httpx.ReadError("lost")
        return response


def test_a_store_whose_responses_were_lost_twice_is_one_store(through: str) -> None:
    losing = Losing(losses=2)
    with httpx.Client(transport=losing) as http_client:
        client = vectorgate.Client(base_url=through, api_key="sk-1234", http_client=http_client)
        store = client.vector_stores.create(name="made once")
        assert losing.sent == 3
        assert [found.id for found in client.vector_stores.list() if found.name == "made once"] == [store.id]
        assert store.response_headers["idempotency-replayed"] == "true"
