"""Lambda handlers of events that are not HTTP requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from vectorgate.telemetry import Telemetry

Event: TypeAlias = Mapping[str, object]

App = TypeVar("App")
Result = TypeVar("Result")


class Renewable(Protocol):
    """What a start leaves in memory."""

    def renew(self) -> None:
        """Forget what was read, and close the connections: this process is a copy of another."""
        ...


class Function(Generic[App, Result]):
    """A Lambda handler `(event, context)` that calls `act(event, app)`.

    `deployed` returns the app at each call, and caches what may be kept between calls; `telemetry` is told of each
    call. `bound_to` returns the same handler for another app, for local mode and tests.
    """

    def __init__(
        self,
        act: Callable[[Event, App], Result],
        deployed: Callable[[], App],
        telemetry: Callable[[], Telemetry] | None = None,
    ) -> None:
        self._act = act
        self._deployed = deployed
        self._telemetry = telemetry

    def prepare(self) -> None:
        """Build the app, with its AWS clients. Sends nothing. ValueError for a setting that is missing."""
        self._deployed()

    def __call__(self, event: Event, context: object) -> Result:
        """Handle one invocation."""
        if self._telemetry is not None:
            self._telemetry().invoked(getattr(context, "aws_request_id", None))
        return self._act(event, self._deployed())

    def bound_to(self, app: App) -> Function[App, Result]:
        """The same handler for that app."""
        return Function(self._act, lambda: app)
