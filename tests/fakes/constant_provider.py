"""A provider whose every create succeeds."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from vectorgate.api.http import Body
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import Outcome, Replied

if TYPE_CHECKING:
    from vectorgate.providers.base import UpstreamRequest


class ConstantProvider:
    """A `Transport` that answers each request with a vector store of a new id."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Return a vector store."""
        del request, seconds
        store = {"id": f"vs_{next(self._numbers):032x}", "object": "vector_store", "created_at": 1_699_061_776}
        return Replied(UpstreamResponse(status=200, headers={}, body=Body.of(json.dumps(store).encode())))
