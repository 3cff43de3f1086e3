"""The gateway, called for one team; and what its answers mean to ingestion, which can wait.

=====================================  ===============================================================
answer                                 then
=====================================  ===============================================================
2xx                                    the document
409, 422                               Postponed: the same is in progress, or its outcome is being resolved
429                                    Postponed, as long as it says; a budget: for as long as possible
408, 5xx                               Postponed: executed or not, the next attempt finds out
any other 4xx                          Rejected, in the provider's (or the gateway's) own words
=====================================  ===============================================================
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vectorgate.api.errors import ApiError
from vectorgate.api.operations import BY_NAME
from vectorgate.api.retry_after import retry_after
from vectorgate.auth.principal import TrustedPrincipal
from vectorgate.gateway.parser import CallOptions
from vectorgate.gateway.policy import Policy
from vectorgate.idempotency.record import EXPLICIT_SLOT, RecordStatus, record_status
from vectorgate.idempotency.service import explicit_record_name
from vectorgate.ids import tenant_of_team
from vectorgate.ingest.model import MOST_SECONDS, Postponed, Rejected
from vectorgate.ledger.entry import Resolution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.http import FileUpload
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import ObjectId

    Document: TypeAlias = Mapping[str, object]

CALLER: Final = "ingestion"  # the key alias of its calls in the ledger
OPTIONS: Final = CallOptions(tags=("ingest",))
SOON: Final = 1  # seconds until a lost race is run again
AGAIN: Final = 30  # after a failure that names no time
IN_FLIGHT: Final = 15
RESOLVING: Final = 60  # about the interval of the meter, which resolves unknown outcomes
NOT_FOUND: Final = 404
_TIMEOUT, _CONFLICT, _UNPROCESSABLE, _TOO_MANY, _FIRST_5XX = 408, 409, 422, 429, 500
_COLUMNS: Final = {"files.create": "file_id", "vector_stores.create": "vector_store_id"}


def step_key(*parts: str) -> str:
    """An idempotency key that follows from what is being done: the same at every attempt, and of no other step."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return "ingest-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Created:
    """What a create made. `weak`: it was matched by its fuzzy fingerprint alone, and could be another object."""

    id: ObjectId
    weak: bool


@dataclass(frozen=True, slots=True)
class TeamClient:
    """One team's calls. `until`: the monotonic second from which on no call is begun."""

    gateway: Gateway
    team: str
    until: float = math.inf

    def check_time(self) -> None:
        """Postponed when there is no time left: a call that outlives its process leaves its outcome unknown."""
        if self.gateway.clock.monotonic() >= self.until:
            raise Postponed(SOON, "There is no time left for another call.")

    def call(
        self, operation: str, ids: Document | None = None, body: Document | None = None, *, policy: Policy | None = None
    ) -> Document:
        """The answer's document. Postponed or Rejected."""
        row, openai = BY_NAME[operation], self.gateway.openai
        named = {name: str(value) for name, value in (ids or {}).items()}
        return self._execute(
            operation,
            lambda: openai.command(row, ids=named, options=OPTIONS, body=dict(body or {})),
            policy or Policy(),
        )

    def upload(self, upload: FileUpload, *, key: str, seconds: float) -> Document:
        """Create a file of it, with the idempotency key, within so many seconds. Postponed or Rejected."""
        row, openai = BY_NAME["files.create"], self.gateway.openai
        policy = Policy(idempotency_key=key, deadline_seconds=seconds)
        return self._execute(row.name, lambda: openai.upload(row, ids={}, options=OPTIONS, upload=upload), policy)

    def find(self, operation: str, **ids: str) -> Document | None:
        """The answer's document; None where there is no such object. Postponed or Rejected."""
        try:
            return self.call(operation, ids)
        except Rejected as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def created(self, operation: str, key: str) -> Created | None:
        """What a create under that idempotency key made, read from the ledger: None when nothing. Postponed: open.

        The ledger is asked rather than the provider: a large object need not be sent once more to learn its file's
        id. And an id that is not in the ledger has no owner yet, so that nothing could be done with it.
        """
        ledger, tenant = self.gateway.recorder.ledger, tenant_of_team(self.team)
        for record in ledger.idempotency_records(
            tenant, explicit_record_name(operation, key), start=EXPLICIT_SLOT, limit=1
        ):
            entry = ledger.entry(record.operation_id)
            match record_status(record, entry, self.gateway.clock.unix_ms()):
                case RecordStatus.NOT_EXECUTED:
                    return None
                case RecordStatus.IN_FLIGHT:
                    raise Postponed(IN_FLIGHT, "The same is being done at this moment.")
                case RecordStatus.COMPLETED if entry is not None:
                    made = cast("ObjectId", getattr(entry, _COLUMNS[operation]))
                    return Created(made, weak=entry.found_by == Resolution.LIKENESS)
                case _:
                    raise Postponed(RESOLVING, "The outcome of an earlier attempt is being resolved.")
        return None

    def _execute(self, operation: str, build: Callable[[], Command], policy: Policy) -> Document:
        self.check_time()
        gateway, context = self.gateway, self.gateway.new_context()
        principal = TrustedPrincipal.of_team(self.team, caller=CALLER, unix_s=context.started_ms // 1000)
        context.principal, context.operation, context.tags = principal, operation, OPTIONS.tags
        try:
            command = build()
        except ApiError as error:
            gateway.refuse(context, error)
        else:
            gateway.execute(command, principal, policy, context)
        return document_of(context, gateway.clock.wall())


def document_of(context: RequestContext, unix_s: float) -> Document:
    """The document of a call that succeeded. Postponed or Rejected for any other."""
    if context.error is not None:
        raise trouble_of(context.error, unix_s)
    if context.replay is not None:
        return cast("Document", json.loads(context.replay.body or "{}"))
    return (context.answer.document if context.answer is not None else None) or {}


def trouble_of(error: ApiError, unix_s: float) -> Postponed | Rejected:
    """What an error means to a caller that can wait; `unix_s` is the time now."""
    if error.status == _TOO_MANY and error.type == "insufficient_quota":
        return Postponed(MOST_SECONDS, error.message)
    if error.status in {_TIMEOUT, _CONFLICT, _UNPROCESSABLE, _TOO_MANY} or error.status >= _FIRST_5XX:
        return Postponed(_pause(error, unix_s), error.message)
    return Rejected(error.message, status=error.status, code=error.code, param=error.param)


def _pause(error: ApiError, unix_s: float) -> float:
    """As long as the error asks for, else a little; an unknown outcome is worth a longer wait."""
    asked = retry_after(error.headers, unix_s)
    if asked is not None:
        return asked
    return RESOLVING if error.headers.get("x-should-retry") == "false" else AGAIN
