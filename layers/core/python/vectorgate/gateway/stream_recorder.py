"""The row of a response that is streamed, from its first event to its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.gateway.streaming import StreamedResponse, StreamRefused
from vectorgate.ids import OBJECT_ID, ObjectId, ObjectKind
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.generation import response_note
from vectorgate.store_errors import StateConflict, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.http import ByteStream
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.recorder import CallRecorder
    from vectorgate.providers.base import Answer
    from vectorgate.telemetry import Telemetry

BYTES_A_TOKEN: Final = 4  # of English text, on average: for the estimate of a stream whose usage was never seen


@dataclass(frozen=True, slots=True)
class StreamRecorder:
    """Writes the row as the events of one call arrive. A store that fails is reported, and does not end the stream."""

    recorder: CallRecorder
    telemetry: Telemetry
    context: RequestContext
    command: Command
    answer: Answer

    def stream(self, events: ByteStream) -> ByteStream:
        """The events for the client. A stream that only reads has its row at once."""
        if not self.command.operation.generates:
            self.recorder.commit(self.context, self.command, replace(self.answer, document={}))
            self.telemetry.request_completed(self._entry())
            return events
        return StreamedResponse(events, opened=self._opened, finished=self._finished, broken=self._broken)

    def _opened(self, response: Mapping[str, object]) -> None:
        """Record the response and its owner. StreamRefused when it has another one."""
        name = response.get("id")
        if not isinstance(name, str) or not OBJECT_ID.fullmatch(name):
            return
        started = self._entry()
        entry = started.transition(
            State.UNCERTAIN,
            response_id=ObjectId(name),
            status_code=self.answer.status,
            upstream_request_id=self.answer.request_id,
        )
        owned = replace(entry.ownership_of(ObjectKind.RESPONSE, response), snapshot=response_note(entry))
        try:
            self.recorder.ledger.advance(entry, since=started.state, owned=[owned])
        except StateConflict as error:
            self.telemetry.commit_failed(entry, error)
            raise StreamRefused from error
        except StoreError as error:
            self.telemetry.commit_failed(entry, error)
        else:
            self.context.entry = entry

    def _finished(self, response: Mapping[str, object]) -> None:
        """Record what the response used, as the last event says."""
        self._take_time()
        created = response if isinstance(response.get("id"), str) else None
        self.recorder.commit(
            self.context, self.command, replace(self.answer, events=None, document=response, created=created)
        )
        self.telemetry.request_completed(self._entry())

    def _broken(self, reason: str, deltas: int) -> None:
        """Leave the row uncertain, with an estimate for the case that the provider cannot be asked."""
        self._take_time()
        entry = self._entry()
        content = self.command.content
        sent = len(content) if isinstance(content, bytes) else 0
        facts = self.recorder.ended(self.context) | {
            "status_code": self.answer.status,
            "error_code": reason,
            "input_tokens": -(-sent // BYTES_A_TOKEN),
            "output_tokens": deltas,
        }
        self.context.entry = broken = entry.transition(State.UNCERTAIN, **facts)
        if self.context.rates is not None:
            self.recorder.limits().add_tokens(self.context)
        try:
            self.recorder.ledger.advance(broken, since=entry.state)
        except StoreError as error:
            self.telemetry.commit_failed(broken, error)
        self.telemetry.request_completed(broken)

    def _take_time(self) -> None:
        """The whole stream is the provider's time."""
        self.context.upstream_seconds = self.recorder.clock.monotonic() - self.context.began

    def _entry(self) -> LedgerEntry:
        if self.context.entry is None:
            raise ValueError("a stream without a row")
        return self.context.entry
