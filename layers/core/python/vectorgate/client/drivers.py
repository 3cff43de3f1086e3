"""The two drivers of a flow: one blocks its thread, one is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vectorgate.client.flow import Concurrently, Pause, Send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectorgate.client.flow import Flow, TimeLimit
    from vectorgate.client.messages import HttpRequest, Outcome

T = TypeVar("T")


class Sender(Protocol):
    """Sends one request and returns when the response is whole, or the head of a stream is there."""

    def send(self, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        """Report what the network does as an Outcome; never raise for it. `streams`: see `flow.Send`."""
        ...


class AsyncSender(Protocol):
    """The awaited form of Sender."""

    async def send(self, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        """Report what the network does as an Outcome; never raise for it. `streams`: see `flow.Send`."""
        ...


def drive(flow: Flow[T], sender_for: Callable[[Send], Sender], sleep: Callable[[float], None]) -> T:
    """Run the flow to its end in this thread. `sender_for` is called when there is something to send."""
    result: object = None
    try:
        while True:
            match flow.send(result):
                case Send() as step:
                    result = sender_for(step).send(step.request, step.limit, streams=step.streams)
                case Pause(seconds):
                    sleep(seconds)
                    result = None
                case Concurrently(flows, _):
                    result = [drive(inner, sender_for, sleep) for inner in flows]
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        flow.close()


async def adrive(flow: Flow[T], sender_for: Callable[[Send], AsyncSender]) -> T:
    """Run the flow to its end in this task, on asyncio or trio."""
    result: object = None
    try:
        while True:
            match flow.send(result):
                case Send() as step:
                    result = await sender_for(step).send(step.request, step.limit, streams=step.streams)
                case Pause(seconds):
                    await _asleep(seconds)
                    result = None
                case Concurrently(flows, at_once):
                    result = await _adrive_all(flows, at_once, sender_for)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        flow.close()


async def _asleep(seconds: float) -> None:
    import anyio  # noqa: PLC0415 - a call without a pause, such as a mock, does not need it

    await anyio.sleep(seconds)


async def _adrive_all(flows: Sequence[Flow[Any]], at_once: int, sender_for: Callable[[Send], AsyncSender]) -> list[Any]:
    import anyio  # noqa: PLC0415 - see _asleep

    results: list[Any] = [None] * len(flows)
    failures: list[BaseException] = []
    slots = anyio.Semaphore(at_once)

    async def run(index: int, flow: Flow[Any]) -> None:
        async with slots:
            try:
                results[index] = await adrive(flow, sender_for)
            except Exception as error:  # noqa: BLE001 - raised below, without the task group's wrapping
                failures.append(error)
                group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for index, flow in enumerate(flows):
            group.start_soon(run, index, flow)
    if failures:
        raise failures[0]
    return results
