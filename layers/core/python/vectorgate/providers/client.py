"""Send a call to the provider, and decide after each attempt what is safe to do next.

================================================  =========  ==================================================
outcome                                           executed?  then
================================================  =========  ==================================================
never connected                                   no         retry, up to 2 times, with full jitter
429 whose retry-after fits the remaining time     no         wait and retry; otherwise raise the 429
400, 403, 404, 413, 422, insufficient_quota       no         raise the typed error
401                                               no         re-read the secret; retry if it changed; else 502
408, 409, 5xx, other, lost, broken 2xx            unknown    a create: OutcomeUnknown, no retry (`lost_create`).
                                                             a read or an idempotent change: retry, up to 2 times
2xx                                               yes        return it; 413 for a file that is too large to return
================================================  =========  ==================================================
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from vectorgate.api.errors import (
    NO_HEADERS,
    BadGateway,
    OutcomeUnknown,
    PayloadTooLarge,
    UpstreamFailed,
    UpstreamRefused,
)
from vectorgate.api.retry_after import QUOTA, retry_after
from vectorgate.api.safety import Safety
from vectorgate.classes import dataclass
from vectorgate.ids import PATH_KINDS
from vectorgate.providers.base import Answer, Problem, UnreadableAnswer
from vectorgate.providers.http.outcome import NotSent, Replied, ResponseLost, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.clock import Clock, Random
    from vectorgate.providers.base import Call, Provider, UpstreamRequest, UpstreamResponse
    from vectorgate.providers.credentials import Credential, Credentials
    from vectorgate.providers.http.outcome import Outcome, Transport

MAX_ATTEMPTS: Final = 3
BACKOFF_SECONDS: Final = 0.25  # the first wait's upper bound; the next one's is twice that
MAX_WAIT_SECONDS: Final = 28.0  # a caller with more time retries later instead of waiting here
MIN_ATTEMPT_SECONDS: Final = 0.5  # no attempt begins with less time than this
ANSWER_SHARE: Final = 0.9  # of the time left, for the answer to a create with a tag: the rest is for finding it
_TOO_LARGE: Final = "The file is larger than this deployment can return. Smaller files can be read back."
_REDACTED: Final = Problem(message="The provider's message was withheld.", type="server_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderClient:
    """Sends one call to a provider, with retries. `deadline` and `send_before` in the clock's monotonic seconds.

    `attempts`: at most so many. `send_before`: no attempt begins after it. `before_repeat` is called before a create of
    unknown outcome is sent again, and raises an ApiError if it must not be.
    """

    provider: Provider
    credentials: Credentials
    transport: Transport
    clock: Clock
    randomness: Random
    deadline: float
    attempts: int = MAX_ATTEMPTS
    send_before: float | None = None
    before_repeat: Callable[[], None] | None = None

    def send(self, call: Call) -> Answer:
        """The provider's success. Otherwise UpstreamRefused, UpstreamFailed, OutcomeUnknown or BadGateway.

        After OutcomeUnknown and UpstreamFailed it is unknown whether anything was executed. If an earlier attempt may
        have been executed, its failure is raised, not that of a later attempt which certainly was not.
        PayloadTooLarge for a file's content that this deployment cannot return.
        """
        credential = self.credentials.current(self.provider.name)
        attempts = 0
        unknown: _FailedAttempt | None = None
        while True:
            attempts += 1
            share = ANSWER_SHARE if call.tag is not None else 1.0
            outcome = self._attempt(self.provider.request(call, credential), share)
            match self._classify(call, outcome, credential):
                case Answer() as answer:
                    return answer
                case _RefusedCredential():
                    credential = self._newer_credential(credential, unknown, last=self.attempts == 1)
                case _FailedAttempt() as failed:
                    if unknown is not None and failed.status == _NOT_FOUND and call.operation.deletes:
                        # An attempt whose answer was lost deleted the object: 404 means success here.
                        return Answer(status=200, headers={}, document=call.operation.deletion(call.ids))
                    unknown = failed if failed.unknown else unknown
                    if attempts >= self.attempts or not self._wait(failed, attempts):
                        raise (unknown or failed).error

    def _attempt(self, request: UpstreamRequest, share: float) -> Outcome:
        now = self.clock.monotonic()
        if self.send_before is not None and now > self.send_before:
            return NotSent(timed_out=True)
        return self.transport.send(request, seconds=(self.deadline - now) * share)

    def _classify(
        self, call: Call, outcome: Outcome, credential: Credential
    ) -> Answer | _FailedAttempt | _RefusedCredential:
        if isinstance(outcome, NotSent):
            error = BadGateway("The provider could not be reached.", code="provider_unreachable")
            return _FailedAttempt(error=error, retryable=True)
        if isinstance(outcome, ResponseLost):
            timed_out = outcome.timed_out
            lost = _lost_response(timed_out=timed_out)
            return self._unknown_outcome(call, lost, 504 if timed_out else 502, transient=not timed_out)
        if isinstance(outcome, TooLarge):
            return _FailedAttempt(error=PayloadTooLarge(_TOO_LARGE, code="response_too_large"))
        result = self._classify_response(call, outcome, credential)
        if not isinstance(result, Answer) or result.body is not outcome.response.body:
            outcome.response.body.close()
        if not isinstance(result, Answer) and outcome.response.events is not None:
            outcome.response.events.close()
        return result

    def _classify_response(
        self, call: Call, outcome: Replied, credential: Credential
    ) -> Answer | _FailedAttempt | _RefusedCredential:
        response = outcome.response
        if 200 <= response.status < 300:  # noqa: PLR2004 - the class of successes
            try:
                return self._checked_answer(call, self.provider.answer(call.operation, response), response, credential)
            except UnreadableAnswer:
                return self._unknown_outcome(
                    call, Problem(message="The provider's answer is malformed.", type="server_error"), 502
                )
        if response.status in self.provider.statuses.credential:
            return _RefusedCredential()
        forwarded, hidden = self.provider.forwarded_headers(response.headers), self.provider.hidden(credential)
        problem, headers = _redacted(self.provider.problem(response), forwarded, credential, hidden)
        if response.status == _TOO_MANY and problem.code not in QUOTA:
            delay = retry_after(response.headers, self.clock.wall())
            error = UpstreamRefused(status=_TOO_MANY, headers=headers, **_fields(problem))
            return _FailedAttempt(error=error, retryable=delay is not None, delay=delay, status=_TOO_MANY)
        if response.status in self.provider.statuses.refused or response.status == _TOO_MANY:
            error = UpstreamRefused(status=response.status, headers=headers, **_fields(problem))
            return _FailedAttempt(error=error, status=response.status)
        transient = response.status in _TRANSIENT or 500 <= response.status < 600  # noqa: PLR2004 - a class of errors
        return self._unknown_outcome(
            call, problem, _gateway_status(response), response.status, headers, transient=transient
        )

    def _checked_answer(self, call: Call, answer: Answer, response: UpstreamResponse, credential: Credential) -> Answer:
        """An answer about the requested object without any part of the credential; else UnreadableAnswer."""
        leaks = credential.api_key.leaks_into
        text = ""
        if answer.document is not None:
            object_id = _object_id(call)
            if object_id is not None and answer.document.get("id") != object_id:
                raise UnreadableAnswer("the answer is about another object")
            text = response.body.read().decode("utf-8", "replace")
        if answer.events is not None:
            from vectorgate.providers.event_stream import EventStream  # noqa: PLC0415 - of streams alone

            answer = replace(answer, events=EventStream(answer.events, leaks))
        if not leaks("\n".join([text, answer.request_id or "", *answer.headers.values()])):
            if "\\" in text and any(map(leaks, _strings(answer.document))):
                raise UnreadableAnswer("the answer holds the credential, or a long run of it")
            return answer
        if leaks(text):
            raise UnreadableAnswer("the answer holds the credential, or a long run of it")
        headers = {name: value for name, value in answer.headers.items() if not leaks(value)}
        request_id = answer.request_id if not leaks(answer.request_id or "") else None
        return replace(answer, headers=headers, request_id=request_id)

    def _unknown_outcome(
        self,
        call: Call,
        problem: Problem,
        create_status: int,
        status: int | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        transient: bool = False,
    ) -> _FailedAttempt:
        """The failure of an attempt that may have been executed: final for a create, retryable for anything else."""
        if call.operation.safety is Safety.CREATE:
            remaining = {
                name: value for name, value in headers.items() if not name.startswith(("retry-after", "x-should"))
            }
            lost = OutcomeUnknown(status=create_status, headers=remaining, **_fields(problem))
            lost.delay, lost.transient = retry_after(headers, self.clock.wall()), transient
            lost.upstream_status = status
            return _FailedAttempt(error=lost, unknown=True)
        client_status = status if status is not None and 500 <= status < 600 else create_status  # noqa: PLR2004
        error = UpstreamFailed(status=client_status, headers=headers, **_fields(problem))
        delay = retry_after(headers, self.clock.wall())
        return _FailedAttempt(error=error, retryable=True, delay=delay, unknown=True, status=status)

    def _newer_credential(self, refused: Credential, unknown: _FailedAttempt | None, *, last: bool) -> Credential:
        credential = self.credentials.after_refusal(self.provider.name, refused)
        if credential is None or last or self._remaining() < MIN_ATTEMPT_SECONDS:
            if unknown is not None:
                raise unknown.error
            raise BadGateway("The provider refuses the gateway's credential.", code="provider_credential_refused")
        return credential

    def _wait(self, failed: _FailedAttempt, attempts: int) -> bool:
        """Wait before a retry; False when a retry is not safe, or the delay exceeds the remaining time."""
        if not failed.retryable:
            return False
        jitter = self.randomness.fraction() * BACKOFF_SECONDS * 2 ** (attempts - 1)
        delay = failed.delay if failed.delay is not None else jitter
        if delay > MAX_WAIT_SECONDS or delay + MIN_ATTEMPT_SECONDS > self._remaining():
            return False
        self.clock.sleep(delay)
        return True

    def _remaining(self) -> float:
        return self.deadline - self.clock.monotonic()


_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_TRANSIENT: Final = frozenset({408, 409})  # with 5xx, what the official clients try again


@dataclass(frozen=True, slots=True, kw_only=True)
class _FailedAttempt:
    error: UpstreamRefused | UpstreamFailed | OutcomeUnknown | BadGateway | PayloadTooLarge
    retryable: bool = False
    delay: float | None = None
    unknown: bool = False
    status: int | None = None


class _RefusedCredential:
    """The provider does not accept the credential: 401."""


def _gateway_status(response: UpstreamResponse) -> int:
    """504 where the provider reports a timeout, else 502."""
    return 504 if response.status in {408, 504} else 502


def _lost_response(*, timed_out: bool) -> Problem:
    message = "The provider did not answer in time." if timed_out else "The connection to the provider was lost."
    code = "provider_timeout" if timed_out else "provider_connection_lost"
    return Problem(message=message, type="server_error", code=code)


def _fields(problem: Problem) -> dict[str, Any]:
    return {field.name: getattr(problem, field.name) for field in fields(problem)}


def _redacted(
    problem: Problem, headers: Mapping[str, str], credential: Credential, hidden: tuple[str, ...]
) -> tuple[Problem, Mapping[str, str]]:
    """Remove texts that contain a part of the credential (providers echo keys), and mask the `hidden` words."""
    details = [text for pair in problem.details for text in pair]
    texts = (problem.message, problem.type, problem.code or "", problem.param or "", *details)
    leaks = credential.api_key.leaks_into
    safe = {name: value for name, value in headers.items() if not leaks(value)}
    if any(leaks(text) for text in texts):
        return _REDACTED, safe
    message = _without(problem.message, hidden)
    pairs = tuple((code, _without(text, hidden)) for code, text in problem.details)
    return replace(problem, message=message, details=pairs), safe


def _without(text: str, hidden: tuple[str, ...]) -> str:
    for word in hidden:
        text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", "***", text, flags=re.IGNORECASE)
    return text


def _strings(document: object) -> Iterator[str]:
    """Every string in a document, decoded: without JSON's escapes."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for item in document:
            yield from _strings(item)
    elif isinstance(document, dict):
        for name, value in document.items():
            yield name
            yield from _strings(value)


def _object_id(call: Call) -> str | None:
    """The id that the answer must have: the one at the path's end, if the path ends in one."""
    last = call.operation.path.rpartition("/")[2]
    return call.ids[last[1:-1]] if last.startswith("{") and last[1:-1] in PATH_KINDS else None
