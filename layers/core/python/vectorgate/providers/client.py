"""Ask the provider, and decide after each attempt what is safe to do next.

================================================  =========  ==================================================
outcome                                           executed?  then
================================================  =========  ==================================================
never connected                                   no         again, up to 2 more times, full jitter
429 whose retry-after fits the time that is left  no         wait, again; otherwise pass the 429 on
400, 403, 404, 413, 422, insufficient_quota       no         pass the typed error on
401                                               no         re-read the secret; again if it changed; else 502
408, 409, 5xx, other, lost, broken 2xx            unknown    a create: OutcomeUnknown, never again.
                                                             a read or an idempotent change: again, up to 2 times
2xx                                               yes        done; 413 for a file that cannot be handed on
================================================  =========  ==================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from vectorgate.api.errors import (
    NO_HEADERS,
    BadGateway,
    OutcomeUnknown,
    PayloadTooLarge,
    UpstreamFailed,
    UpstreamRefused,
)
from vectorgate.api.operations import PATH_KINDS, Safety
from vectorgate.api.retry_after import QUOTA, retry_after
from vectorgate.providers.base import Answer, Problem, UnreadableAnswer
from vectorgate.providers.http.outcome import NotSent, Replied, ResponseLost, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.clock import Clock, Random
    from vectorgate.providers.base import Call, Credential, Provider, UpstreamRequest, UpstreamResponse
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Outcome, Transport

MAX_ATTEMPTS: Final = 3
BACKOFF_SECONDS: Final = 0.25  # the first wait's upper bound; the next one's is twice that
LONGEST_WAIT: Final = 28.0  # whoever has more time than this spends it better than by waiting here
LEAST_SECONDS: Final = 0.5  # an attempt that has less time than this is not begun
_TOO_LARGE: Final = "The file is larger than this deployment can return. Smaller files can be read back."
_REDACTED: Final = Problem(message="The provider's message was withheld.", type="server_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderClient:
    """Asks a provider on behalf of one call. `deadline` in the clock's monotonic seconds.

    `attempts`: how often it is asked at most. `send_before`: the monotonic second after which nothing is sent any more.
    """

    provider: Provider
    credentials: Credentials
    transport: Transport
    clock: Clock
    randomness: Random
    deadline: float
    attempts: int = MAX_ATTEMPTS
    send_before: float | None = None

    def ask(self, call: Call) -> Answer:
        """The provider's success. Otherwise UpstreamRefused, UpstreamFailed, OutcomeUnknown or BadGateway.

        Of these OutcomeUnknown and UpstreamFailed leave open whether anything was executed. An attempt that certainly
        did nothing does not answer for an earlier one that may have: the earlier one's failure is raised.
        PayloadTooLarge for a file's content that this deployment cannot hand on.
        """
        credential = self.credentials.current(self.provider.name)
        attempts = 0
        unknown: _Failed | None = None
        while True:
            attempts += 1
            outcome = self._send(self.provider.request(call, credential))
            match self._judge(call, outcome, credential):
                case Answer() as answer:
                    return answer
                case _RefusedCredential():
                    credential = self._other_credential(credential, unknown, last=self.attempts == 1)
                case _Failed() as failed:
                    if unknown is not None and failed.status == _NOT_FOUND and call.operation.deletes:
                        # An attempt whose answer was lost had done it: this is what success looks like now.
                        return Answer(status=200, headers={}, document=call.operation.deletion(call.ids))
                    unknown = failed if failed.unknown else unknown
                    if attempts >= self.attempts or not self._wait(failed, attempts):
                        raise (unknown or failed).error

    def _send(self, request: UpstreamRequest) -> Outcome:
        now = self.clock.monotonic()
        if self.send_before is not None and now > self.send_before:
            return NotSent(timed_out=True)
        return self.transport.send(request, seconds=self.deadline - now)

    def _judge(self, call: Call, outcome: Outcome, credential: Credential) -> Answer | _Failed | _RefusedCredential:
        if isinstance(outcome, NotSent):
            error = BadGateway("The provider could not be reached.", code="provider_unreachable")
            return _Failed(error=error, again=True)
        if isinstance(outcome, ResponseLost):
            return self._unknown(call, _no_answer(timed_out=outcome.timed_out), 504 if outcome.timed_out else 502)
        if isinstance(outcome, TooLarge):
            return _Failed(error=PayloadTooLarge(_TOO_LARGE, code="response_too_large"))
        verdict = self._judge_reply(call, outcome, credential)
        if not isinstance(verdict, Answer) or verdict.body is not outcome.response.body:
            outcome.response.body.close()
        return verdict

    def _judge_reply(self, call: Call, reply: Replied, credential: Credential) -> Answer | _Failed | _RefusedCredential:
        response = reply.response
        if 200 <= response.status < 300:  # noqa: PLR2004 - the class of successes
            try:
                return self._checked(call, self.provider.answer(call.operation, response), response, credential)
            except UnreadableAnswer:
                return self._unknown(
                    call, Problem(message="The provider's answer is broken.", type="server_error"), 502
                )
        if response.status in self.provider.statuses.credential:
            return _RefusedCredential()
        passed, hidden = self.provider.passed_headers(response.headers), self.provider.hidden(credential)
        problem, headers = _scrubbed(self.provider.problem(response), passed, credential, hidden)
        if response.status == _TOO_MANY and problem.code not in QUOTA:
            delay = retry_after(response.headers, self.clock.wall())
            error = UpstreamRefused(status=_TOO_MANY, headers=headers, **_fields(problem))
            return _Failed(error=error, again=delay is not None, delay=delay, status=_TOO_MANY)
        if response.status in self.provider.statuses.refused or response.status == _TOO_MANY:
            error = UpstreamRefused(status=response.status, headers=headers, **_fields(problem))
            return _Failed(error=error, status=response.status)
        return self._unknown(call, problem, _gateway_status(response), response.status, headers)

    def _checked(self, call: Call, answer: Answer, response: UpstreamResponse, credential: Credential) -> Answer:
        """An answer that speaks of what was asked for, and holds no piece of our credential; else UnreadableAnswer."""
        leaks = credential.api_key.leaks_into
        text = ""
        if answer.document is not None:
            asked_for = _asked_for(call)
            if asked_for is not None and answer.document.get("id") != asked_for:
                raise UnreadableAnswer("the answer is about another object")
            text = response.body.read().decode("utf-8", "replace")
        if not leaks("\n".join([text, answer.request_id or "", *answer.headers.values()])):
            if "\\" in text and any(map(leaks, _texts(answer.document))):
                raise UnreadableAnswer("the answer holds a piece of the credential")
            return answer
        if leaks(text):
            raise UnreadableAnswer("the answer holds a piece of the credential")
        headers = {name: value for name, value in answer.headers.items() if not leaks(value)}
        request_id = answer.request_id if not leaks(answer.request_id or "") else None
        return replace(answer, headers=headers, request_id=request_id)

    def _unknown(
        self,
        call: Call,
        problem: Problem,
        create_status: int,
        status: int | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> _Failed:
        """Nobody knows whether it was executed: the end for a create, and merely a failure for anything else."""
        if call.operation.safety is Safety.CREATE:
            kept = {name: value for name, value in headers.items() if not name.startswith(("retry-after", "x-should"))}
            return _Failed(error=OutcomeUnknown(status=create_status, headers=kept, **_fields(problem)), unknown=True)
        shown = status if status is not None and 500 <= status < 600 else create_status  # noqa: PLR2004
        error = UpstreamFailed(status=shown, headers=headers, **_fields(problem))
        delay = retry_after(headers, self.clock.wall())
        return _Failed(error=error, again=True, delay=delay, unknown=True, status=status)

    def _other_credential(self, refused: Credential, unknown: _Failed | None, *, last: bool) -> Credential:
        credential = self.credentials.after_refusal(self.provider.name, refused)
        if credential is None or last or self._left() < LEAST_SECONDS:
            if unknown is not None:
                raise unknown.error
            raise BadGateway("The provider refuses the gateway's credential.", code="provider_credential_refused")
        return credential

    def _wait(self, failed: _Failed, attempts: int) -> bool:
        """Wait as long as the failure asks for; False when it must not be asked again, or not within the time."""
        if not failed.again:
            return False
        jitter = self.randomness.fraction() * BACKOFF_SECONDS * 2 ** (attempts - 1)
        delay = failed.delay if failed.delay is not None else jitter
        if delay > LONGEST_WAIT or delay + LEAST_SECONDS > self._left():
            return False
        self.clock.sleep(delay)
        return True

    def _left(self) -> float:
        return self.deadline - self.clock.monotonic()


_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    error: UpstreamRefused | UpstreamFailed | OutcomeUnknown | BadGateway | PayloadTooLarge
    again: bool = False
    delay: float | None = None
    unknown: bool = False
    status: int | None = None


class _RefusedCredential:
    """The provider does not accept our key: 401."""


def _gateway_status(response: UpstreamResponse) -> int:
    """504 where the provider says that time ran out, else 502."""
    return 504 if response.status in {408, 504} else 502


def _no_answer(*, timed_out: bool) -> Problem:
    message = "The provider did not answer in time." if timed_out else "The connection to the provider was lost."
    code = "provider_timeout" if timed_out else "provider_connection_lost"
    return Problem(message=message, type="server_error", code=code)


def _fields(problem: Problem) -> dict[str, Any]:
    return {field.name: getattr(problem, field.name) for field in fields(problem)}


def _scrubbed(
    problem: Problem, headers: Mapping[str, str], credential: Credential, hidden: tuple[str, ...]
) -> tuple[Problem, Mapping[str, str]]:
    """Without any text that holds a piece of our credential (providers echo keys), and without `hidden` words."""
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


def _texts(document: object) -> Iterator[str]:
    """Every text in it, as its reader will see it: without JSON's escapes."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for item in document:
            yield from _texts(item)
    elif isinstance(document, dict):
        for name, value in document.items():
            yield name
            yield from _texts(value)


def _asked_for(call: Call) -> str | None:
    """The id that the answer has to name: of the object at the path's end, where the path ends in one."""
    last = call.operation.path.rpartition("/")[2]
    return call.ids[last[1:-1]] if last.startswith("{") and last[1:-1] in PATH_KINDS else None
