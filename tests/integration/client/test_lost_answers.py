"""A create whose answer is lost on the way back from the gateway: made once, and answered in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vectorgate
from vectorgate.client.exchange import ResponseLost

if TYPE_CHECKING:
    from vectorgate.client.exchange import HttpRequest, Outcome
    from vectorgate.client.http import Http


class Losing:
    """Sends, and loses the first answers."""

    def __init__(self, http: Http, losses: int) -> None:
        self._http = http
        self._losses = losses
        self.sent = 0

    def send(self, request: HttpRequest, seconds: float) -> Outcome:
        outcome = self._http.send(request, seconds)
        self.sent += 1
        return ResponseLost("ReadError", timed_out=False) if self.sent <= self._losses else outcome

    def close(self) -> None:
        self._http.close()


def test_a_store_whose_answers_were_lost_twice_is_one_store(through: str) -> None:
    with vectorgate.Client(base_url=through, api_key="sk-1234") as client:
        losing = Losing(client._transport, losses=2)
        client.__dict__["_transport"] = losing
        store = client.vector_stores.create(name="made once")
        assert losing.sent == 3
        assert [found.id for found in client.vector_stores.list() if found.name == "made once"] == [store.id]
        assert store.response_headers["idempotency-replayed"] == "true"
