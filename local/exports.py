"""Exports of local mode: the destinations that the environment names, each fed by a thread from the outbox.

=========  =======================================================================
webhook    `VECTORGATE_EXPORT_WEBHOOK`, with `VECTORGATE_EXPORT_WEBHOOK_KEY`
otel       `VECTORGATE_EXPORT_OTLP`, may have `VECTORGATE_EXPORT_OTLP_HEADERS`
slack      `VECTORGATE_EXPORT_SLACK`
folder     `VECTORGATE_EXPORT_FOLDER`
=========  =======================================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.mistakes import CannotStart
from vectorgate.exports.composition import AlertSources, Egress, http_destinations
from vectorgate.exports.delivery import checked
from vectorgate.exports.http import MalformedAddress, read_address
from vectorgate.exports.lines import Lines
from vectorgate.exports.names import OTEL, SLACK, WEBHOOK
from vectorgate.exports.ports import Checked, DeliveryFailed
from vectorgate.exports.record import check_record
from vectorgate.exports.webhook import signing_keys
from vectorgate.exports.worker import OutboxWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.exports.ports import Destination
    from vectorgate.persistence.sqlite import SqliteOutbox
    from vectorgate.persistence.stores import Deps

_WEBHOOK: Final = "VECTORGATE_EXPORT_WEBHOOK"
_WEBHOOK_KEY: Final = "VECTORGATE_EXPORT_WEBHOOK_KEY"
_OTLP: Final = "VECTORGATE_EXPORT_OTLP"
_OTLP_HEADERS: Final = "VECTORGATE_EXPORT_OTLP_HEADERS"
_SLACK: Final = "VECTORGATE_EXPORT_SLACK"
_FOLDER: Final = "VECTORGATE_EXPORT_FOLDER"
FOLDER: Final = "folder"
EVERY_SECONDS: Final = 0.5  # between two looks at the outbox
FOLDER_SECONDS: Final = 30.0  # a file has what was settled in this time


@dataclass(frozen=True, slots=True)
class Exports:
    """What is chosen. `addresses`: the text of a secret for each destination over HTTP. `folder`: of JSON lines."""

    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Exports:
        """The destinations in the environment. CannotStart names the setting that cannot be used."""
        given = {name: text for name, text in environment.items() if text}
        addresses = {}
        if _WEBHOOK in given:
            key = given.get(_WEBHOOK_KEY, "")
            addresses[WEBHOOK] = _address(_WEBHOOK, {"url": given[_WEBHOOK], "signing_key": key})
            _check_key(key)
        if _OTLP in given:
            headers = _headers(given.get(_OTLP_HEADERS, ""))
            addresses[OTEL] = _address(_OTLP, {"url": given[_OTLP], "headers": headers})
        if _SLACK in given:
            addresses[SLACK] = _address(_SLACK, {"url": given[_SLACK]})
        return cls(addresses, Path(given[_FOLDER]).absolute() if _FOLDER in given else None)

    @property
    def are_chosen(self) -> bool:
        """Whether anything is exported."""
        return bool(self.addresses) or self.folder is not None


def _address(setting: str, document: Mapping[str, object]) -> str:
    text = json.dumps(document)
    try:
        read_address(text, plain_http=True)
    except (MalformedAddress, ValueError) as error:
        raise CannotStart(f"{setting} cannot be used: {error}") from None
    return text


def _headers(text: str) -> dict[str, str]:
    """As OpenTelemetry's own setting has them: `name=value`, with commas."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and value.strip() for name, _, value in pairs):
        raise CannotStart(f"{_OTLP_HEADERS} is name=value, with commas")
    return {name.strip(): value.strip() for name, _, value in pairs}


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


class FolderSink:
    """ObjectSink: a file for each object, which is whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes) -> None:
        """Write a file beside its place, and move it there."""
        file = self._folder / key
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            beside = file.with_name(f".{file.name}")
            beside.write_bytes(content)
            beside.replace(file)
        except OSError as error:
            raise DeliveryFailed(f"the folder: {type(error).__name__}") from error


class Exporters:
    """ExportCheck, and a worker for each chosen destination."""

    def __init__(self, exports: Exports, outbox: SqliteOutbox, deps: Deps) -> None:
        self.destinations = _destinations(exports, outbox, deps)
        self._clock, self._randomness = deps.clock, deps.randomness
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

    def check(self, destination: str) -> Checked:
        """Deliver a test record."""
        if destination not in self.destinations:
            return Checked(chosen=tuple(self.destinations))
        return checked(self.destinations[destination], check_record(self._clock, self._randomness))

    def start(self, every: Callable[[str, float, Callable[[], object]], object]) -> None:
        """Have `every` call each worker, by a name, every so many seconds."""
        for worker in self._workers:
            name = worker.destination.name
            every(f"export {name}", FOLDER_SECONDS if name == FOLDER else EVERY_SECONDS, worker.tick)

    def stop(self) -> None:
        """Begin no further delivery."""
        for worker in self._workers:
            worker.stop()


def _destinations(exports: Exports, outbox: SqliteOutbox, deps: Deps) -> dict[str, Destination]:
    names = {name: name for name in exports.addresses}
    egress = Egress(
        transport=deps.transport, source=_Given(exports.addresses), secrets=names, clock=deps.clock, plain_http=True
    )
    found = http_destinations(egress, AlertSources(deps.stores.keys, deps.stores.budgets, outbox))
    if exports.folder is not None:
        found[FOLDER] = Lines(FolderSink(exports.folder), FOLDER)
    return found
