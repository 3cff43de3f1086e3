"""What limited subjects were granted, and since when their limits are what they are: a model of a limiter."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vectorgate.rate_limits.model import MINUTE_NS, NANOSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectorgate.budgets.model import Subject
    from vectorgate.rate_limits.model import Claims, Lease
    from vectorgate.rate_limits.plan import RateLimits

CALL_S: Final = 28  # for which a call may be under way: its process may have crashed after that


@dataclass
class RateHistory:
    """`lag_s`: how long a process may go on with limits that it was not told to forget."""

    lag_s: float
    requests: defaultdict[Subject, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    leases: list[Lease] = field(default_factory=list)
    terms: dict[Subject, tuple[int | None, int | None]] = field(default_factory=dict)
    since: dict[Subject, float] = field(default_factory=dict)

    def note(self, rows: Iterable[tuple[Subject, RateLimits]], now: float) -> None:
        """Take note of the limits that are in the table now."""
        for subject, row in rows:
            terms = row.rpm_limit, row.max_parallel_requests
            if self.terms.get(subject) != terms:
                self.terms[subject], self.since[subject] = terms, now

    def granted(self, claims: Claims, now: float, *, told: bool) -> None:
        """Take note of a request, and check that each limit that its process had to know has been kept."""
        for claim in claims.rates:
            self.requests[claim.rate.subject].append((now, told))
        self.leases += claims.leases
        for subject in {each.rate.subject for each in claims.rates} | {each.parallel.subject for each in claims.leases}:
            self._check_rate(subject, now)
            if told or now >= self.since[subject] + self.lag_s:
                self._check_parallel(subject, now)

    def _check_rate(self, subject: Subject, now: float) -> None:
        limit, since = self.terms[subject][0], self.since[subject]
        if limit is None:
            return
        counted = [
            at for at, told in self.requests[subject] if at >= (since if told else since + self.lag_s)
        ]  # no process counts before it had to know the limit
        for first, begin in enumerate(counted):
            span_ns = round((now - begin) * NANOSECONDS)
            assert len(counted) - first <= limit + limit * span_ns // MINUTE_NS, (subject, limit, counted)

    def _check_parallel(self, subject: Subject, now: float) -> None:
        limit = self.terms[subject][1]
        held = [each for each in self.leases if each.parallel.subject == subject and each.now_s + CALL_S > now]
        assert limit is None or len(held) <= limit, (subject, limit, held)
