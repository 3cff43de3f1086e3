"""Threads for what blocks, shared so that no group of callers can take all of them.

A group may use as many threads as are free besides (the dynamic threshold of shared buffers: Choudhury and Hahne,
1998). One group alone gets half of them, a second one half of the rest, and so on: of 128 threads, seven groups that
keep all they may have still leave one for the next. What has to wait is started as soon as it may be, the group with
the fewest threads first.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

Result = TypeVar("Result")


@dataclass(slots=True)
class Call(Generic[Result]):
    """A call of a group. `done` gets what it returns or raises."""

    group: str
    act: Callable[[], Result]
    done: asyncio.Future[Result]
    started: bool = False


class FairThreads:
    """At most so many threads, made when they are needed. All methods are called on one event loop."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._queue: SimpleQueue[Call[Any]] = SimpleQueue()
        self._made = 0
        self._busy = 0
        self._used: dict[str, int] = {}
        self._waiting: dict[str, deque[Call[Any]]] = {}

    def has_room(self, group: str) -> bool:
        """Whether a call of this group would start at once."""
        return self._used.get(group, 0) < self._most - self._busy

    def submit(self, group: str, act: Callable[[], Result], loop: asyncio.AbstractEventLoop) -> Call[Result]:
        """Run `act` in a thread, as soon as its group may use one; never, if `done` is cancelled before it started."""
        call = Call(group, act, loop.create_future())
        if group not in self._waiting and self.has_room(group):
            self._start(call)
        else:
            self._waiting.setdefault(group, deque()).append(call)
        return call

    def _start(self, call: Call[Any]) -> None:
        call.started = True
        self._busy += 1
        self._used[call.group] = self._used.get(call.group, 0) + 1
        if self._busy > self._made:
            self._made += 1
            threading.Thread(target=self._run, name=f"{self._name}-{self._made}", daemon=True).start()
        self._queue.put(call)

    def _run(self) -> None:
        while True:
            call = self._queue.get()
            finish = _finish(call)
            try:
                call.done.get_loop().call_soon_threadsafe(self._ended, call.group, finish)
            except RuntimeError:  # the loop has been closed: the process ends
                return
            del call, finish  # or they would be kept until the next call

    def _ended(self, group: str, finish: Callable[[], None]) -> None:
        self._busy -= 1
        self._used[group] -= 1
        if not self._used[group]:
            del self._used[group]
        finish()
        while self._waiting:
            first = min(self._waiting, key=lambda waiting: self._used.get(waiting, 0))
            if not self.has_room(first):
                return
            self._start_next(first)

    def _start_next(self, group: str) -> None:
        calls = self._waiting[group]
        call = calls.popleft()
        if not calls:
            del self._waiting[group]
        if not call.done.cancelled():
            self._start(call)


def _finish(call: Call[Any]) -> Callable[[], None]:
    """Run the call; what tells its future."""
    done = call.done
    try:
        result = call.act()
    except BaseException as error:  # noqa: BLE001 - raised again by the future
        failure = error
        return lambda: None if done.cancelled() else done.set_exception(failure)
    return lambda: None if done.cancelled() else done.set_result(result)
