"""The attempts of one call: send, classify the outcome, and repeat after a pause where that does no harm.

::

    send -> readable success? -> response
      ^---- pause, if retry.py allows it ----+---> error
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.safety import Safety
from vectorgate.client.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    read_json,
)
from vectorgate.client.flow import Pause, Send, TimeLimit
from vectorgate.client.messages import HttpResponse, NotSent, ResponseLost
from vectorgate.client.retry import may_be_executed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from vectorgate.api.operations import Operation
    from vectorgate.client.destinations import Destination
    from vectorgate.client.encoding import Call
    from vectorgate.client.errors import APIError
    from vectorgate.client.flow import Flow
    from vectorgate.client.messages import HttpRequest, Outcome, RequestLine
    from vectorgate.client.retry import RetryPolicy

_NOT_FOUND: Final = 404
_ADVICE: Final = " It may have been executed: check before you repeat it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Clocks, sleep and randomness, passed in so that a test can own them. Seconds; `fraction` in [0, 1)."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], None]
    fraction: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What all attempts of a call share. `streams`: a success is a stream of events; `arrays`: it may be an array."""

    operation: Operation
    destination: Destination
    policy: RetryPolicy
    timing: Timing
    http_client: httpx.Client | httpx.AsyncClient | None
    streams: bool = False
    arrays: bool = False

    def run(self, call: Call, limit: TimeLimit) -> Flow[HttpResponse]:
        """The response of the attempt that succeeded. Otherwise the APIError of the last one."""
        timing = self.timing
        deadline = timing.monotonic() + limit.seconds
        retries, unknown_before = 0, False
        while True:
            request = self.destination.request(call)
            outcome = yield from self._sent(request, TimeLimit(deadline - timing.monotonic(), limit.explicit))
            response = self._success(outcome, call, unknown_before=unknown_before)
            if response is not None:
                return response
            pause = self.policy.pause(outcome, retries, unix_s=timing.wall(), fraction=timing.fraction())
            if pause is None or pause >= deadline - timing.monotonic():
                raise self._failure(request.line, outcome, unknown_before=unknown_before) from _cause(outcome)
            unknown_before = unknown_before or may_be_executed(outcome)
            retries += 1
            yield Pause(pause)

    def _sent(self, request: HttpRequest, limit: TimeLimit) -> Flow[Outcome]:
        if limit.seconds <= 0:
            return ResponseLost(timed_out=True)
        outcome: Outcome = yield Send(request, limit, self.http_client, self.streams)
        return self.destination.unwrap(outcome) if isinstance(outcome, HttpResponse) else outcome

    def _success(self, outcome: Outcome, call: Call, *, unknown_before: bool) -> HttpResponse | None:
        if not isinstance(outcome, HttpResponse):
            return None
        if _is_success(outcome):
            return outcome if self._is_readable(outcome) else None
        if unknown_before and outcome.status_code == _NOT_FOUND and self.operation.deletes:
            # An attempt whose response was lost has deleted it: a repeated deletion succeeds in this way.
            return HttpResponse(200, outcome.headers, json.dumps(self.operation.deletion(call.ids)).encode())
        return None

    def _is_readable(self, success: HttpResponse) -> bool:
        if self.streams:
            return success.pieces is not None
        document = json_object(success) if not self.arrays else read_json(success.content)
        return self.operation.binary or document is not None

    def _failure(self, line: RequestLine, outcome: Outcome, *, unknown_before: bool) -> APIError:
        if not isinstance(outcome, HttpResponse):
            unknown = unknown_before or isinstance(outcome, ResponseLost)
            return self._unanswered(line, timed_out=outcome.timed_out, unknown=unknown)
        if _is_success(outcome):
            return APIResponseValidationError(request=line, response=outcome)
        return APIStatusError.of(line, outcome)

    def _unanswered(self, line: RequestLine, *, timed_out: bool, unknown: bool) -> APIConnectionError:
        unknown = unknown and self.operation.safety is not Safety.READ
        advice = _ADVICE if unknown else ""
        if timed_out:
            return APITimeoutError(f"Request timed out.{advice}", request=line, outcome_unknown=unknown)
        return APIConnectionError(f"Connection error.{advice}", request=line, outcome_unknown=unknown)


def json_object(response: HttpResponse) -> Mapping[str, object] | None:
    """The response's JSON object; None when its content is anything else."""
    document = read_json(response.content)
    return document if isinstance(document, dict) else None


def _is_success(response: HttpResponse) -> bool:
    return 200 <= response.status_code < 300  # noqa: PLR2004 - the class of successes


def _cause(outcome: Outcome) -> Exception | None:
    return outcome.cause if isinstance(outcome, NotSent | ResponseLost) else None
