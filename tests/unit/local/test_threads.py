"""The threads of the server: no group takes all of them, and what waits is started in a fair order."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.server.threads import Call, FairThreads


class HeldCalls:
    """Calls that run until they are let go. `running` counts them by group, `order` is the order of their starts."""

    def __init__(self, threads: FairThreads) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._ends: dict[str, list[threading.Event]] = {}
        self.running: Counter[str] = Counter()
        self.order: list[str] = []

    def call(self, group: str) -> Call[str]:
        """Begin, or wait for a thread."""
        end = threading.Event()
        self._ends.setdefault(group, []).append(end)

        def act() -> str:
            with self._lock:
                self.running[group] += 1
                self.order.append(group)
            assert end.wait(30)
            with self._lock:
                self.running[group] -= 1
            return group

        return self._threads.submit(group, act, asyncio.get_running_loop())

    def end(self, group: str) -> None:
        """Let the oldest call of a group end."""
        self._ends[group].pop(0).set()

    def end_all(self) -> None:
        """Let all of them end, now or once they begin."""
        for ends in self._ends.values():
            for end in ends:
                end.set()


def started(calls: list[Call[str]]) -> int:
    """How many of the calls have a thread."""
    return sum(call.started for call in calls)


def test_a_group_alone_gets_half_of_the_threads_and_a_second_one_a_third_of_them() -> None:
    async def run() -> None:
        held = HeldCalls(FairThreads("test", 12))
        hanging = [held.call("hanging") for _ in range(50)]
        assert started(hanging) == 6
        others = [held.call("other") for _ in range(50)]
        assert started(others) == 3
        third = held.call("third")
        assert third.started
        held.end_all()
        assert await asyncio.gather(*(call.done for call in [*hanging, *others, third])) == [
            *["hanging"] * 50,
            *["other"] * 50,
            "third",
        ]

    asyncio.run(run())


def test_what_waits_is_started_for_the_group_with_the_fewest_threads_first() -> None:
    async def run() -> None:
        held = HeldCalls(FairThreads("test", 4))
        many, few, one = [held.call("many") for _ in range(5)], [held.call("few") for _ in range(2)], held.call("one")
        late = held.call("late")
        assert (started(many), started(few), one.started, late.started) == (2, 1, True, False)
        held.end("many")
        await many[0].done
        assert (started(many), started(few), late.started) == (2, 1, True)
        held.end_all()
        await asyncio.gather(*(call.done for call in [*many, *few, one, late]))

    asyncio.run(run())


def test_a_call_that_is_withdrawn_before_its_turn_never_runs() -> None:
    async def run() -> None:
        held = HeldCalls(FairThreads("test", 2))
        first, second, third = (held.call("one") for _ in range(3))
        assert not second.started
        second.done.cancel()
        held.end_all()
        assert await first.done == await third.done == "one"
        assert held.order == ["one"] * 2

    asyncio.run(run())


def test_what_a_call_raises_is_raised_where_it_is_awaited() -> None:
    async def run() -> None:
        def fail() -> None:
            raise KeyError("x")

        call = FairThreads("test", 1).submit("one", fail, asyncio.get_running_loop())
        with pytest.raises(KeyError):
            await call.done

    asyncio.run(run())


@settings(max_examples=50, deadline=None)
@given(most=st.integers(2, 10), groups=st.lists(st.sampled_from("abcd"), max_size=40))
def test_as_many_groups_as_the_threads_can_be_halved_leave_one_for_another(most: int, groups: list[str]) -> None:
    async def run() -> None:
        threads = FairThreads("test", most)
        held = HeldCalls(threads)
        calls = []
        for group in groups:
            calls.append(held.call(group))
            running = Counter(call.group for call in calls if call.started)
            assert running.total() <= most
            assert threads.has_room("newcomer") or len(running) > math.log2(most)
        held.end_all()
        await asyncio.gather(*(call.done for call in calls))

    asyncio.run(run())
