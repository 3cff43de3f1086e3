"""The destinations over HTTP of a deployment or of local mode, each with the secret that names its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass
from vectorgate.exports.alerts import BudgetAlerts
from vectorgate.exports.http import Post, SecretAddress
from vectorgate.exports.names import OTEL, SLACK, WEBHOOK
from vectorgate.exports.otlp import OtlpTraces
from vectorgate.exports.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.clock import Clock
    from vectorgate.exports.ports import AlertLog, Destination
    from vectorgate.providers.credentials import SecretSource
    from vectorgate.providers.http.outcome import Transport


@dataclass(frozen=True, slots=True)
class Egress:
    """What reaches out. `secrets`: the name of the secret of each destination over HTTP."""

    transport: Transport
    source: SecretSource
    secrets: Mapping[str, str]
    clock: Clock
    plain_http: bool = False

    def address(self, destination: str) -> SecretAddress:
        """Where a destination is."""
        return SecretAddress(self.source, self.secrets[destination], self.clock, plain_http=self.plain_http)


@dataclass(frozen=True, slots=True)
class AlertSources:
    """What budget alerts read, and where they are marked."""

    keys: KeyStore
    budgets: BudgetStore
    log: AlertLog


def http_destinations(egress: Egress, sources: AlertSources, service: str = "vectorgate") -> dict[str, Destination]:
    """Each destination that has a secret, by its name. `service`: OpenTelemetry's `service.name`."""
    post, clock = Post(egress.transport), egress.clock
    found: dict[str, Destination] = {}
    if WEBHOOK in egress.secrets:
        found[WEBHOOK] = Webhook(post, egress.address(WEBHOOK), clock)
    if OTEL in egress.secrets:
        found[OTEL] = OtlpTraces(post, egress.address(OTEL), service)
    if SLACK in egress.secrets:
        found[SLACK] = BudgetAlerts(
            post=post,
            address=egress.address(SLACK),
            keys=sources.keys,
            budgets=sources.budgets,
            log=sources.log,
            clock=clock,
        )
    return found
