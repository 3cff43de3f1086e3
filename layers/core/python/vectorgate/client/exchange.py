"""The steps that a call is made of, and the two drivers that take them: one that waits, one that awaits.

A call is a generator (`Flow`): it yields what should happen (`Send`, `Wait`, `Together`) and is sent what came of it.
It does no I/O and reads no clock of its own, so both forms of every operation are the same lines of code.

::

    flow:   yield Send(request, seconds) ---> driver: transport.send / await transport.send
            <--- HttpReply | NotSent | Lost
            yield Wait(seconds)          ---> driver: sleep / await sleep
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectorgate.providers.http.multipart import Form

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What an error says of its request: never a header, and so never a key."""

    method: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One attempt, ready to send. Header names are lower-case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | Form | None = field(default=None, repr=False)

    @property
    def line(self) -> RequestLine:
        """The part that may be shown."""
        return RequestLine(self.method, self.url)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One whole answer. Header names are lower-case."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotSent:
    """No connection came about: nothing can have been executed."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResponseLost:
    """The request may have arrived, and no whole answer did."""

    reason: str
    timed_out: bool


Outcome: TypeAlias = HttpReply | NotSent | ResponseLost


@dataclass(frozen=True, slots=True)
class Send:
    """Send this, and have the answer within so many seconds. Its result is an Outcome."""

    request: HttpRequest
    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Together:
    """Take these flows, at most `at_once` of them at a time when awaited, one after the other when not.

    Its result is the list of theirs. The first error ends it.
    """

    flows: Sequence[Flow[Any]]
    at_once: int


Step: TypeAlias = Send | Wait | Together
Flow: TypeAlias = Generator[Step, Any, T]


class Transport(Protocol):
    """What sends, and returns when the answer is whole."""

    def send(self, request: HttpRequest, seconds: float) -> Outcome:
        """Never raises for what the network does."""
        ...


class AsyncTransport(Protocol):
    """The same, awaited."""

    async def send(self, request: HttpRequest, seconds: float) -> Outcome:
        """Never raises for what the network does."""
        ...


def drive(flow: Flow[T], transport: Callable[[], Transport], sleep: Callable[[float], None]) -> T:
    """Take the flow to its end in this thread. The transport is made when there is something to send."""
    result: object = None
    try:
        while True:
            match flow.send(result):
                case Send(request, seconds):
                    result = transport().send(request, seconds)
                case Wait(seconds):
                    sleep(seconds)
                    result = None
                case Together(flows, _):
                    result = [drive(inner, transport, sleep) for inner in flows]
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        flow.close()


async def adrive(flow: Flow[T], transport: Callable[[], AsyncTransport]) -> T:
    """Take the flow to its end in this task. asyncio and trio alike."""
    result: object = None
    try:
        while True:
            match flow.send(result):
                case Send(request, seconds):
                    result = await transport().send(request, seconds)
                case Wait(seconds):
                    await _asleep(seconds)
                    result = None
                case Together(flows, at_once):
                    result = await _adrive_all(flows, at_once, transport)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        flow.close()


async def _asleep(seconds: float) -> None:
    import anyio  # noqa: PLC0415 - a call without a pause, such as a mock, does not need it

    await anyio.sleep(seconds)


async def _adrive_all(flows: Sequence[Flow[Any]], at_once: int, transport: Callable[[], AsyncTransport]) -> list[Any]:
    import anyio  # noqa: PLC0415 - see _asleep

    results: list[Any] = [None] * len(flows)
    failures: list[BaseException] = []
    places = anyio.Semaphore(at_once)

    async def take(index: int, flow: Flow[Any]) -> None:
        async with places:
            try:
                results[index] = await adrive(flow, transport)
            except Exception as error:  # noqa: BLE001 - handed on below, without the task group's wrapping
                failures.append(error)
                group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for index, flow in enumerate(flows):
            group.start_soon(take, index, flow)
    if failures:
        raise failures[0]
    return results
