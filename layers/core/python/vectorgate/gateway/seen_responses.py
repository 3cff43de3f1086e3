"""A response that ran on after its answer, or whose stream broke: its row ends as soon as the gateway sees its end.

Its client may ask for it before the meter does. Its usage is then charged, and the items of its output are its
tenant's from that answer on. One that is deleted is asked for first, for later nothing tells what it used.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError
from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.gateway.streaming import error_event, response_of
from vectorgate.ids import ObjectKind
from vectorgate.ledger.entry import State
from vectorgate.ledger.generation import FAILED, ended_response, is_running, noted_operation, produced
from vectorgate.providers.base import Call, StreamBroken
from vectorgate.providers.event_stream import LAST, type_of
from vectorgate.store_errors import StateConflict, StoreError
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.http import ByteStream
    from vectorgate.clock import Clock
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.providers.client import ProviderClient
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ports import OwnershipStore

RETRIEVE: Final = "responses.retrieve"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenResponses:
    """Concludes the row of the response that a command names, by what the provider says of it."""

    ledger: LedgerStore
    ownership: OwnershipStore
    clock: Clock
    telemetry: Telemetry
    provider: ProviderName
    command: Command

    def ended(self, document: Mapping[str, object]) -> None:
        """Charge the response if it has ended, and its row is open.

        What has no usage yet is left to the meter, and so is everything when a store fails.
        """
        has_usage = document.get("usage") is not None or document.get("status") == FAILED
        if is_running(document) or not has_usage or document.get("id") != self.command.ids["response_id"]:
            return
        row = self._open_row()
        if row is None:
            return
        answered = ended_response(row, document, self.clock.unix_ms())
        try:
            self.ledger.advance(answered, since=row.state, owned=produced(answered, document))
        except StateConflict:
            return  # the meter has found it out meanwhile
        except StoreError as error:
            self.telemetry.commit_failed(answered, error)

    def before_deletion(self, client: ProviderClient) -> None:
        """Ask the provider for a response that is to be deleted, if its row is open."""
        if self._open_row() is None:
            return
        with suppress(ApiError):  # it is charged at its ceiling
            self.ended(client.send(Call(operation=BY_NAME[RETRIEVE], ids=self.command.ids)).document or {})

    def watched(self, events: ByteStream) -> ByteStream:
        """The events of the response, the last of which is seen."""
        return _Watched(events, self)

    def _open_row(self) -> LedgerEntry | None:
        """The row of a response whose usage is not known yet."""
        ref = ObjectRef(self.provider, ObjectKind.RESPONSE, self.command.ids["response_id"])
        try:
            owned = self.ownership.owners([ref]).get(ref)
            name = noted_operation(owned) if owned is not None else None
            row = self.ledger.entry(name) if name is not None else None
        except StoreError:
            return None
        return row if row is not None and row.state is State.UNCERTAIN else None


class _Watched:
    """`ByteStream` that shows the last event of a response before the client sees it."""

    def __init__(self, events: ByteStream, seen: SeenResponses) -> None:
        self._events = events
        self._seen = seen
        self._ended = False
        self._left = False

    def __iter__(self) -> Iterator[bytes]:
        """The events as they are, and where the provider breaks off, one of the type `error` in the end."""
        reason = "provider_connection_lost"
        try:
            for event in self._events:
                self._follow(event)
                yield event
        except StreamBroken as error:
            reason = error.code
        finally:
            self._events.close()
        if not self._ended and not self._left:
            yield error_event(reason)

    def _follow(self, event: bytes) -> None:
        if type_of(event) in LAST:
            self._ended = True
            self._seen.ended(response_of(event))

    def close(self) -> None:
        """The client has disconnected, or has everything."""
        self._left = True
        self._events.close()
