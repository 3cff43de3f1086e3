"""What every application of the gateway is given: its external dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Random
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """The external dependencies of an application, including time and randomness."""

    stores: Stores
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    clock: Clock
    randomness: Random
