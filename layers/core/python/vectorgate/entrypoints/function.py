"""Lambda handlers of events that are not HTTP requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias, TypeVar

Event: TypeAlias = Mapping[str, object]

App = TypeVar("App")
Result = TypeVar("Result")


class Function(Generic[App, Result]):
    """A Lambda handler `(event, context)` that calls `act(event, app)`.

    `deployed` returns the app at each call, and caches what may be kept between calls. `bound_to` returns the same
    handler for another app, for local mode and tests.
    """

    def __init__(self, act: Callable[[Event, App], Result], deployed: Callable[[], App]) -> None:
        self._act = act
        self._deployed = deployed

    def prepare(self) -> None:
        """Build the app, with its AWS clients. Sends nothing. ValueError for a setting that is missing."""
        self._deployed()

    def __call__(self, event: Event, context: object) -> Result:
        """Handle one invocation."""
        del context  # the gateway's own time limit is shorter
        return self._act(event, self._deployed())

    def bound_to(self, app: App) -> Function[App, Result]:
        """The same handler for that app."""
        return Function(self._act, lambda: app)
