"""How a function's `app.py` gets its parts: from the deployment's environment once, or from whoever binds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias, TypeVar

Event: TypeAlias = Mapping[str, object]

Part = TypeVar("Part")
Result = TypeVar("Result")


class Function(Generic[Part, Result]):
    """A Lambda handler `(event, context)` around `act(event, part)`.

    `part` is asked of `deployed` at each call, which keeps what may be kept from one to the next (on AWS the first is
    the environment's first request). `bound_to` gives the same handler with a part of the caller's own: the one-machine
    edition and tests use it.
    """

    def __init__(self, act: Callable[[Event, Part], Result], deployed: Callable[[], Part]) -> None:
        self._act = act
        self._deployed = deployed

    def __call__(self, event: Event, context: object) -> Result:
        """One invocation."""
        del context  # the time limit is the gateway's own, and shorter
        return self._act(event, self._deployed())

    def bound_to(self, part: Part) -> Function[Part, Result]:
        """The same function around that part."""
        return Function(self._act, lambda: part)
