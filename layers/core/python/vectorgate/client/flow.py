"""A call as a generator: it yields the steps to take, and is sent their results.

A flow does no I/O and reads no clock of its own, so both forms of every operation are the same lines of code. A driver
takes the steps (`drivers.py`).

::

    flow:   yield Send(request, limit)  ---> driver: sender.send / await sender.send
            <--- HttpResponse | NotSent | ResponseLost
            yield Pause(seconds)        ---> driver: sleep / await sleep
            yield Concurrently(flows)       ---> driver: one after the other / concurrently
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from vectorgate.client.messages import HttpRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long an attempt may take in all, in seconds.

    `explicit`: the caller named a timeout, which then takes the place of those that an HTTP client was given.
    """

    seconds: float
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """Send this once and return its Outcome. `http_client`: the caller's own for this call, instead of the client's.

    `streams`: a stream of events is returned as soon as its head is there.
    """

    request: HttpRequest
    limit: TimeLimit
    http_client: httpx.Client | httpx.AsyncClient | None = field(default=None, repr=False)
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Concurrently:
    """Run these flows and return the list of their results. The first error ends all of them.

    The awaited form runs at most `at_once` of them concurrently; the synchronous form runs one after the other.
    """

    flows: Sequence[Flow[Any]]
    at_once: int


Step: TypeAlias = Send | Pause | Concurrently
Flow: TypeAlias = Generator[Step, Any, T]


class Runner(Protocol):
    """Runs flows to their end, in either form."""

    def run(self, flow: Flow[T]) -> T:
        """Block until it ends."""
        ...

    async def arun(self, flow: Flow[T]) -> T:
        """Await its end."""
        ...
