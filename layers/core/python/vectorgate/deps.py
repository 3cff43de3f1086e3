"""What a composition root hands to what it builds: everything that lies outside, time and chance among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Chance, Clock
    from vectorgate.telemetry import Telemetry
    from vectorgate.persistence import Stores
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The books, the way to the providers, and the machine's own."""

    stores: Stores
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    clock: Clock
    chance: Chance
