"""The destinations of a deployment or of local mode, from where each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.exports.http import Post, SecretAddress
from vectorgate.exports.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.clock import Clock
    from vectorgate.exports.ports import Destination
    from vectorgate.providers.credentials import SecretSource
    from vectorgate.providers.http.outcome import Transport

WEBHOOK: Final = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """What reaches out. `secrets`: the name of the secret of each destination that has one."""

    transport: Transport
    source: SecretSource
    secrets: Mapping[str, str]
    clock: Clock
    plain_http: bool = False

    def address(self, destination: str) -> SecretAddress:
        """Where a destination is."""
        return SecretAddress(self.source, self.secrets[destination], self.clock, plain_http=self.plain_http)


def destinations(egress: Egress) -> dict[str, Destination]:
    """Each destination that is chosen, by its name."""
    found: dict[str, Destination] = {}
    if WEBHOOK in egress.secrets:
        found[WEBHOOK] = Webhook(Post(egress.transport), egress.address(WEBHOOK), egress.clock)
    return found
