"""The gateway, asked as a team; and what its answers mean to somebody who can wait.

=====================================  ===============================================================
answer                                 then
=====================================  ===============================================================
2xx                                    the document
409, 422                               Postponed: the same is under way, or being found out
429                                    Postponed, as long as it says; a budget: for as long as one can
408, 5xx                               Postponed: executed or not, the next attempt finds out
any other 4xx                          Rejected, in the provider's (or the gateway's) own words
=====================================  ===============================================================
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vectorgate.api.http import JSON, Body, Request, encode_json
from vectorgate.api.retry_after import retry_after
from vectorgate.auth.vouched import gateway_of, presented
from vectorgate.idempotency.record import ONLY, RecordStatus, explicit_name, record_status
from vectorgate.ids import tenant_of_team
from vectorgate.ingest.model import MOST_SECONDS, Postponed, Rejected
from vectorgate.ledger.entry import Resolution
from vectorgate.providers.http.outcome import NotSent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import Response
    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import ObjectId
    from vectorgate.providers.base import UpstreamRequest
    from vectorgate.providers.http.outcome import Outcome, Transport

    Document: TypeAlias = Mapping[str, object]

WHO: Final = "ingestion"
TAG: Final = "ingest"  # what the calls are filed under in the books
SOON: Final = 1  # seconds after which a lost race is run again
AGAIN: Final = 30  # after a failure that says nothing of when
IN_FLIGHT: Final = 15
FINDING_OUT: Final = 60  # about the interval of the meter, which resolves what is unknown
NOT_FOUND: Final = 404
_TIMEOUT, _CONFLICT, _UNPROCESSABLE, _TOO_MANY, _FIRST_5XX = 408, 409, 422, 429, 500
_COLUMNS: Final = {"files.create": "file_id", "vector_stores.create": "vector_store_id"}


def step_key(*parts: str) -> str:
    """An `Idempotency-Key` that follows from what is being done: the same at every attempt, and nobody else's."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return "ingest-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    """What a create made. `weak`: it was found by its looks alone, so that it could be something else that looks so."""

    id: ObjectId
    weak: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    """A way to the provider that is closed after a monotonic second: what comes too late is not sent."""

    transport: Transport
    clock: Clock
    until: float

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """`Transport`."""
        if self.clock.monotonic() > self.until:
            return NotSent(timed_out=True)
        return self.transport.send(request, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Caller:
    """One team's way through the gateway. `until`: the monotonic second from which on nothing more is asked."""

    gateway: Gateway
    team: str
    until: float = math.inf

    def in_time(self) -> None:
        """Postponed when there is no time left for a call: one that ends after its process did is known to nobody."""
        if self.gateway.clock.monotonic() >= self.until:
            raise Postponed(SOON, "There is no time left for another call.")

    def ask(self, method: str, path: str, body: Document | None = None, *, key: str | None = None) -> Document:
        """The answer's document. Postponed or Rejected."""
        try:
            content = Body.of(b"" if body is None else encode_json(body))
        except (ValueError, RecursionError):  # Python reads NaN, which is no JSON, and deeper than it writes
            raise Rejected("The event holds what is not JSON.") from None
        headers = {} if body is None else {"content-type": JSON}
        return self.send(Request(method=method, path=f"/v1{path}", headers=headers, body=content), key=key)

    def send(self, request: Request, *, key: str | None = None, seconds: float | None = None) -> Document:
        """The same for any request; `seconds`: the deadline, where it is not the gateway's own."""
        self.in_time()
        more = {"x-litellm-tags": TAG} | ({"idempotency-key": key} if key is not None else {})
        gateway = gateway_of(self.gateway, self.team, WHO)
        if seconds is not None:
            gateway = replace(gateway, deadline_seconds=seconds)
        tagged = replace(request, headers={**request.headers, **more})
        return understood(gateway.handle(presented(tagged, WHO)), gateway.clock.wall())

    def once(self, method: str, path: str, body: Document, *, until: float) -> Document:
        """The same, but the provider is asked once at most, and not at all after that monotonic second."""
        prompt = Prompt(self.gateway.transport, self.gateway.clock, until)
        return replace(self, gateway=replace(self.gateway, transport=prompt, attempts=1)).ask(method, path, body)

    def found(self, method: str, path: str) -> Document | None:
        """The answer's document; None where there is no such thing."""
        try:
            return self.ask(method, path)
        except Rejected as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def made(self, operation: str, key: str) -> Made | None:
        """What came of a create under that key, read off the books: None when nothing did. Postponed while it is open.

        The books are asked rather than the provider: a large object need not be sent once more to learn its file's
        id. And an id that is not in the books has no owner yet, so that nothing could be done with it.
        """
        ledger, tenant = self.gateway.ledger, tenant_of_team(self.team)
        for idempotency in ledger.idempotency_records(tenant, explicit_name(operation, key), start=ONLY, limit=1):
            entry = ledger.entry(idempotency.operation_id)
            match record_status(idempotency, entry, self.gateway.clock.unix_ms()):
                case RecordStatus.FREE:
                    return None
                case RecordStatus.IN_FLIGHT:
                    raise Postponed(IN_FLIGHT, "The same is being done at this moment.")
                case RecordStatus.DONE if entry is not None:
                    return Made(
                        cast("ObjectId", getattr(entry, _COLUMNS[operation])),
                        weak=entry.found_by == Resolution.LIKENESS,
                    )
                case _:
                    raise Postponed(FINDING_OUT, "It is being found out what became of an earlier attempt.")
        return None


def understood(response: Response, unix_s: float) -> Document:
    """The document of a success. Postponed or Rejected for anything else."""
    document = _document(response)
    if response.status < 300:  # noqa: PLR2004 - the class of successes
        return document
    error = document.get("error")
    said = error if isinstance(error, dict) else {}
    message = str(said.get("message") or f"The gateway answered {response.status}.")
    if response.status == _TOO_MANY and said.get("type") == "insufficient_quota":
        raise Postponed(MOST_SECONDS, message)
    if response.status in {_TIMEOUT, _CONFLICT, _UNPROCESSABLE, _TOO_MANY} or response.status >= _FIRST_5XX:
        raise Postponed(_pause(response, unix_s), message)
    code, param = (said.get(name) for name in ("code", "param"))
    raise Rejected(
        message,
        status=response.status,
        code=code if isinstance(code, str) else None,
        param=param if isinstance(param, str) else None,
    )


def _document(response: Response) -> Document:
    content = response.body.read()
    response.body.close()
    document = json.loads(content) if content else {}
    return document if isinstance(document, dict) else {}


def _pause(response: Response, unix_s: float) -> float:
    """As long as is asked for, else a little; an outcome that is unknown is worth a longer wait."""
    asked = retry_after(response.headers, unix_s)
    if asked is not None:
        return asked
    return FINDING_OUT if response.headers.get("x-should-retry") == "false" else AGAIN
