"""Exports of local mode: the destinations that the environment names, each fed by a thread from the outbox.

=========  =======================================================================
webhook    `VECTORGATE_EXPORT_WEBHOOK`, with `VECTORGATE_EXPORT_WEBHOOK_KEY`
=========  =======================================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from local.mistakes import CannotStart
from vectorgate.exports.composition import WEBHOOK, Egress, destinations
from vectorgate.exports.http import MalformedAddress, read_address
from vectorgate.exports.ports import DeliveryFailed
from vectorgate.exports.webhook import signing_keys
from vectorgate.exports.worker import OutboxWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.bootstrap import Deps
    from vectorgate.persistence.sqlite import SqliteOutbox

_WEBHOOK: Final = "VECTORGATE_EXPORT_WEBHOOK"
_WEBHOOK_KEY: Final = "VECTORGATE_EXPORT_WEBHOOK_KEY"
EVERY_SECONDS: Final = 0.5  # between two looks at the outbox


@dataclass(frozen=True, slots=True)
class Exports:
    """What is chosen. `addresses`: the text of a secret for each destination over HTTP."""

    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Exports:
        """The destinations in the environment. CannotStart names the setting that cannot be used."""
        addresses = {}
        webhook = environment.get(_WEBHOOK)
        if webhook:
            key = environment.get(_WEBHOOK_KEY) or ""
            addresses[WEBHOOK] = _address(_WEBHOOK, {"url": webhook, "signing_key": key})
            _check_key(key)
        return cls(addresses)

    @property
    def are_chosen(self) -> bool:
        """Whether anything is exported."""
        return bool(self.addresses)


def _address(setting: str, document: Mapping[str, object]) -> str:
    text = json.dumps(document)
    try:
        read_address(text, plain_http=True)
    except (MalformedAddress, ValueError) as error:
        raise CannotStart(f"{setting} cannot be used: {error}") from None
    return text


def _check_key(key: str) -> None:
    try:
        signing_keys(key)
    except DeliveryFailed as error:
        raise CannotStart(f"{_WEBHOOK_KEY} cannot be used: {error}") from None


class _Given:
    """SecretSource: the texts that the environment gives."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, name: str) -> str:
        return self._texts[name]


class Exporters:
    """A worker for each chosen destination."""

    def __init__(self, exports: Exports, outbox: SqliteOutbox, deps: Deps) -> None:
        names = {name: name for name in exports.addresses}
        source = _Given(exports.addresses)
        egress = Egress(transport=deps.transport, source=source, secrets=names, clock=deps.clock, plain_http=True)
        self.destinations = destinations(egress)
        outbox.choose(self.destinations)
        self._workers = [
            OutboxWorker(
                outbox=outbox,
                ledger=deps.stores.ledger,
                destination=destination,
                clock=deps.clock,
                randomness=deps.randomness,
                telemetry=deps.telemetry,
            )
            for destination in self.destinations.values()
        ]

    def start(self, every: Callable[[str, float, Callable[[], object]], object]) -> None:
        """Have `every` call each worker, by a name, every so many seconds."""
        for worker in self._workers:
            every(f"export {worker.destination.name}", EVERY_SECONDS, worker.tick)

    def stop(self) -> None:
        """Begin no further delivery."""
        for worker in self._workers:
            worker.stop()
