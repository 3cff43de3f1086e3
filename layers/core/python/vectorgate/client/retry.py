"""When a call may be repeated, and after how long: a pure function of the outcome.

=====================================  ====================  ==================================================
outcome                                executed?             repeated?
=====================================  ====================  ==================================================
no connection                          no                    yes
429                                    no                    yes, unless it is a quota
`x-should-retry: false`                the server knows      no
408, 409, 5xx, lost, unreadable 2xx    unknown               only where a repetition does no harm: reads,
                                                             idempotent changes, and creates that a gateway
                                                             recognises by their Idempotency-Key
`x-should-retry: true`                 the server knows      yes, under the same condition
a retry-after of more than 120 s       -                     no, as in openai's SDK
=====================================  ====================  ==================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.retry_after import QUOTA, retry_after
from vectorgate.client.errors import SERVER_ERRORS, read_json
from vectorgate.client.messages import HttpResponse, NotSent

if TYPE_CHECKING:
    from vectorgate.client.messages import Outcome

# Seconds. openai-python's own figures, so that a program which changes over behaves as before.
FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 8.0
JITTER: Final = 0.25
LONGEST_RETRY_AFTER: Final = 120.0
_TOO_MANY: Final = 429
_UNKNOWN: Final = frozenset({408, 409})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`repeatable`: a second execution does no harm, by the operation's nature or because the server recognises it."""

    max_retries: int
    repeatable: bool

    def pause(self, outcome: Outcome, retries: int, *, unix_s: float, fraction: float) -> float | None:
        """Seconds until the next attempt; None when there must be none.

        `retries`: the number of repetitions so far. `fraction`: a random number in [0, 1).
        """
        if retries >= self.max_retries or not self._may_repeat(outcome):
            return None
        requested = retry_after(outcome.headers, unix_s) if isinstance(outcome, HttpResponse) else None
        if requested is not None and requested > LONGEST_RETRY_AFTER:
            return None
        return requested if requested is not None and requested > 0 else backoff(retries, fraction)

    def _may_repeat(self, outcome: Outcome) -> bool:
        if isinstance(outcome, NotSent):
            return True
        if not isinstance(outcome, HttpResponse):
            return self.repeatable
        advice = outcome.headers.get("x-should-retry")
        if advice == "false":
            return False
        if outcome.status_code == _TOO_MANY:
            return advice == "true" or not _is_quota(outcome)
        return self.repeatable and (may_be_executed(outcome) or advice == "true")


def may_be_executed(outcome: Outcome) -> bool:
    """Whether the attempt may have been executed: the fourth row of the table."""
    if not isinstance(outcome, HttpResponse):
        return not isinstance(outcome, NotSent)
    return outcome.status_code in _UNKNOWN or outcome.status_code >= SERVER_ERRORS or _is_success(outcome)


def backoff(retries: int, fraction: float) -> float:
    """0.5 s, doubled each time up to 8 s, less up to a quarter of it."""
    return float(min(FIRST_BACKOFF * 2.0 ** min(retries, 10), LONGEST_BACKOFF)) * (1 - JITTER * fraction)


def _is_success(response: HttpResponse) -> bool:
    """Whether it is a 2xx, which is an outcome here only when it could not be read."""
    return 200 <= response.status_code < 300  # noqa: PLR2004 - the class of successes


def _is_quota(response: HttpResponse) -> bool:
    document = read_json(response.content)
    error = document.get("error") if isinstance(document, dict) else None
    return isinstance(error, dict) and bool({error.get("code"), error.get("type")} & QUOTA)
