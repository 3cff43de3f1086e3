"""The gateway's client for one team, and what the gateway's answers mean to ingestion, which can retry.

=====================================  ===============================================================
answer                                 result
=====================================  ===============================================================
2xx                                    the document
409, 422                               RetryLaterError: the same is in progress, or its outcome is being resolved
429                                    RetryLaterError, after its retry-after; over budget: after the longest delay
408, 5xx                               RetryLaterError: executed or not, the next attempt finds out
any other 4xx                          PermanentFailureError, in the provider's (or the gateway's) own words
=====================================  ===============================================================
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vectorgate.api.errors import ApiError
from vectorgate.api.operations import BY_NAME
from vectorgate.api.retry_after import retry_after
from vectorgate.auth.trusted import TrustedPrincipal
from vectorgate.classes import dataclass
from vectorgate.gateway.parser import CallOptions
from vectorgate.gateway.policy import Policy
from vectorgate.idempotency.record import EXPLICIT_SLOT, RecordStatus, record_status
from vectorgate.idempotency.service import explicit_record_name
from vectorgate.ids import tenant_of_team
from vectorgate.ingest.model import MAX_DELAY_SECONDS, PermanentFailureError, RetryLaterError
from vectorgate.ledger.entry import Resolution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.http import FileUpload
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import ObjectId

    Document: TypeAlias = Mapping[str, object]

KEY_ALIAS: Final = "ingestion"  # of its calls in the ledger
CALL_OPTIONS: Final = CallOptions(tags=("ingest",))
SHORT_RETRY_SECONDS: Final = 1  # after a lost race, or when the time of this batch is over
RETRY_SECONDS: Final = 30  # after a failure that names no delay
IN_FLIGHT_SECONDS: Final = 15
RESOLVING_SECONDS: Final = 60  # about the interval of the meter, which resolves unknown outcomes
NOT_FOUND: Final = 404
_TIMEOUT, _CONFLICT, _UNPROCESSABLE, _TOO_MANY, _FIRST_5XX = 408, 409, 422, 429, 500
_ID_FIELDS: Final = {"files.create": "file_id", "vector_stores.create": "vector_store_id"}


def step_key(*parts: str) -> str:
    """An idempotency key derived from what is done: the same at every attempt, and of no other step."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return "ingest-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Created:
    """The object of a create. `weak`: it was matched by its fuzzy fingerprint alone, and could be another object."""

    id: ObjectId
    weak: bool


@dataclass(frozen=True, slots=True)
class TeamClient:
    """Executes operations as a team. `deadline`: the monotonic second from which on no call begins."""

    gateway: Gateway
    team: str
    deadline: float = math.inf

    def check_deadline(self) -> None:
        """RetryLaterError after the deadline: a call that outlives its process leaves its outcome unknown."""
        if self.gateway.clock.monotonic() >= self.deadline:
            raise RetryLaterError(SHORT_RETRY_SECONDS, "There is no time left for another call.")

    def call(
        self, operation: str, ids: Document | None = None, body: Document | None = None, *, policy: Policy | None = None
    ) -> Document:
        """Execute an operation; the document of its answer. RetryLaterError or PermanentFailureError."""
        row, openai = BY_NAME[operation], self.gateway.openai
        path_ids = {name: str(value) for name, value in (ids or {}).items()}
        return self._execute(
            operation,
            lambda: openai.command(row, ids=path_ids, options=CALL_OPTIONS, body=dict(body or {})),
            policy or Policy(),
        )

    def upload(self, upload: FileUpload, *, key: str, seconds: float) -> Document:
        """Create a file under an idempotency key, within so many seconds. RetryLaterError or PermanentFailureError."""
        row, openai = BY_NAME["files.create"], self.gateway.openai
        policy = Policy(idempotency_key=key, deadline_seconds=seconds)
        return self._execute(row.name, lambda: openai.upload(row, ids={}, options=CALL_OPTIONS, upload=upload), policy)

    def find(self, operation: str, **ids: str) -> Document | None:
        """The answer's document; None where there is no such object. RetryLaterError or PermanentFailureError."""
        try:
            return self.call(operation, ids)
        except PermanentFailureError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def created(self, operation: str, key: str) -> Created | None:
        """The object that a create under this idempotency key made, by the ledger; None if none was executed.

        RetryLaterError while the create is in flight or its outcome unknown. Reading the ledger instead of repeating
        the create saves sending a large object again to learn its file's id. An id that is not in the ledger is of no
        use: the object has no owner yet.
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
                    raise RetryLaterError(IN_FLIGHT_SECONDS, "The same request is being processed at this moment.")
                case RecordStatus.COMPLETED if entry is not None:
                    object_id = cast("ObjectId", getattr(entry, _ID_FIELDS[operation]))
                    return Created(object_id, weak=entry.found_by == Resolution.FUZZY_FINGERPRINT)
                case _:
                    raise RetryLaterError(RESOLVING_SECONDS, "The outcome of an earlier attempt is being resolved.")
        return None

    def _execute(self, operation: str, build: Callable[[], Command], policy: Policy) -> Document:
        self.check_deadline()
        gateway, context = self.gateway, self.gateway.new_context()
        principal = TrustedPrincipal.of_team(self.team, caller=KEY_ALIAS, unix_s=context.started_ms // 1000)
        context.principal, context.operation, context.tags = principal, operation, CALL_OPTIONS.tags
        try:
            command = build()
        except ApiError as error:
            gateway.refuse(context, error)
        else:
            gateway.execute(command, principal, policy, context)
        return document_or_raise(context, gateway.clock.wall())


def document_or_raise(context: RequestContext, unix_s: float) -> Document:
    """The document of a call that succeeded. RetryLaterError or PermanentFailureError for one that failed."""
    if context.error is not None:
        raise ingest_error(context.error, unix_s)
    if context.replay is not None:
        return cast("Document", json.loads(context.replay.body or "{}"))
    return (context.answer.document if context.answer is not None else None) or {}


def ingest_error(error: ApiError, unix_s: float) -> RetryLaterError | PermanentFailureError:
    """The error of ingestion that an error of the gateway becomes; `unix_s` is the time now."""
    if error.status == _TOO_MANY and error.type == "insufficient_quota":
        return RetryLaterError(MAX_DELAY_SECONDS, error.message)
    if error.status in {_TIMEOUT, _CONFLICT, _UNPROCESSABLE, _TOO_MANY} or error.status >= _FIRST_5XX:
        return RetryLaterError(_retry_delay(error, unix_s), error.message)
    return PermanentFailureError(error.message, status=error.status, code=error.code, param=error.param)


def _retry_delay(error: ApiError, unix_s: float) -> float:
    """The error's own delay in seconds, or a default, which is longer for an unknown outcome."""
    requested = retry_after(error.headers, unix_s)
    if requested is not None:
        return requested
    return RESOLVING_SECONDS if error.headers.get("x-should-retry") == "false" else RETRY_SECONDS
