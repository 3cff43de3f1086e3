"""What the groups of operations share: a client, and the ways from parameters to a flow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from vectorgate.client.calls import Asked, ask
from vectorgate.client.exchange import Wait
from vectorgate.client.faces import Leaf
from vectorgate.client.options import CallOptions, Options
from vectorgate.client.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.client.client import Client
    from vectorgate.client.exchange import Flow

DEFAULT_POLL_MS = 1000.0  # openai's SDK's, where the server does not say `openai-poll-after-ms`

R = TypeVar("R", bound=Resource)


class Group:
    """A group of operations, of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def _runner(self) -> Client:
        return self._client

    def _ask(self, kind: type[R], asked: Asked, options: CallOptions) -> Flow[R]:
        """The flow to an answer of that kind."""
        received = yield from ask(self._client, asked, Options(**options))
        return kind(received.document, received.info)

    def _page(
        self,
        kind: type[R],
        operation: str,
        query: Mapping[str, object],
        options: CallOptions,
        ids: Mapping[str, str] | None = None,
    ) -> Flow[Leaf[R]]:
        """The flow to a page of them. The next one is asked for with the same query, after the last id."""

        def page(after: Mapping[str, object]) -> Flow[Leaf[R]]:
            asked = Asked(operation=operation, ids=ids or {}, query={**query, **after})
            received = yield from ask(self._client, asked, Options(**options))
            return Leaf(received, kind, lambda last: page({"after": last}))

        return page({})

    def _poll(
        self,
        look: Callable[[], Flow[R]],
        done: Callable[[R], bool],
        interval_ms: float | None,
        max_wait_seconds: float | None = None,
    ) -> Flow[R]:
        """Look until it is done, as often as the caller or else the server says. TimeoutError after that time."""
        if max_wait_seconds is not None and not (math.isfinite(max_wait_seconds) and max_wait_seconds >= 0):
            raise ValueError("Expected a finite, non-negative value for `max_wait_seconds`")
        monotonic = self._client.timing.monotonic
        deadline = math.inf if max_wait_seconds is None else monotonic() + max_wait_seconds
        while monotonic() < deadline:
            found = yield from look()
            if done(found):
                return found
            pause = (interval_ms if interval_ms is not None else _asked_ms(found)) / 1000
            yield Wait(min(pause, max(0.0, deadline - monotonic())))
        raise TimeoutError(f"not done within {max_wait_seconds} seconds; the server goes on with it")


def _asked_ms(found: Resource) -> float:
    try:
        asked = float(found.response_headers["openai-poll-after-ms"])
    except (KeyError, ValueError):
        return DEFAULT_POLL_MS
    return asked if 0 < asked < 60_000 else DEFAULT_POLL_MS  # noqa: PLR2004 - a minute; nothing sane is longer
