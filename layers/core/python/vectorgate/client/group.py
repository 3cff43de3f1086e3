"""The base of the groups of operations: a client, and the ways from parameters to a flow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, TypeVar

from vectorgate.client.calls import Caller, Parameters, open_stream, perform
from vectorgate.client.flow import Pause, Runner
from vectorgate.client.options import CallOptions, Options
from vectorgate.client.pages import RawPage
from vectorgate.client.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.client.flow import Flow
    from vectorgate.client.streams import RawStream

DEFAULT_POLL_MS = 1000.0  # openai's SDK's, for a server that sends no `openai-poll-after-ms`

R = TypeVar("R", bound=Resource)


class GroupClient(Caller, Runner, Protocol):
    """The client that a group belongs to."""


class Group:
    """A group of operations, of one client."""

    def __init__(self, client: GroupClient) -> None:
        self._client = client

    @property
    def _runner(self) -> Runner:
        return self._client

    def _perform(self, kind: type[R], parameters: Parameters, options: CallOptions) -> Flow[R]:
        """The flow to a result of that kind."""
        success = yield from perform(self._client, parameters, Options(**options))
        return kind(success.document, success.info)

    def _stream(self, parameters: Parameters, options: CallOptions) -> Flow[RawStream]:
        """The flow to the head of a stream."""
        return (yield from open_stream(self._client, parameters, Options(**options)))

    def _page(
        self,
        kind: type[R],
        operation: str,
        query: Mapping[str, object],
        options: CallOptions,
        ids: Mapping[str, str] | None = None,
    ) -> Flow[RawPage[R]]:
        """The flow to a page of that kind. The next page has the same query, after the last id."""

        def page(after: Mapping[str, object]) -> Flow[RawPage[R]]:
            parameters = Parameters(operation=operation, ids=ids or {}, query={**query, **after})
            success = yield from perform(self._client, parameters, Options(**options))
            return RawPage(success.document, success.info, kind, lambda last: page({"after": last}))

        return page({})

    def _poll(
        self,
        look: Callable[[], Flow[R]],
        done: Callable[[R], bool],
        interval_ms: float | None,
        max_wait_seconds: float | None = None,
    ) -> Flow[R]:
        """Repeat `look` until it is done, at the caller's interval or else the server's. TimeoutError."""
        if max_wait_seconds is not None and not (math.isfinite(max_wait_seconds) and max_wait_seconds >= 0):
            raise ValueError("Expected a finite, non-negative value for `max_wait_seconds`")
        monotonic = self._client.timing.monotonic
        deadline = math.inf if max_wait_seconds is None else monotonic() + max_wait_seconds
        while monotonic() < deadline:
            found = yield from look()
            if done(found):
                return found
            pause = (interval_ms if interval_ms is not None else server_interval_ms(found)) / 1000
            yield Pause(min(pause, max(0.0, deadline - monotonic())))
        raise TimeoutError(f"not done within {max_wait_seconds} seconds; the server continues it")


def server_interval_ms(found: Resource) -> float:
    """Milliseconds until the next poll, as the server advises."""
    try:
        interval = float(found.response_headers["openai-poll-after-ms"])
    except (KeyError, ValueError):
        return DEFAULT_POLL_MS
    return interval if 0 < interval < 60_000 else DEFAULT_POLL_MS  # noqa: PLR2004 - a minute; no sane one is longer
