"""The rate limits that apply to a call: those of its key, its team, its end user and its user. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.classes import dataclass
from vectorgate.rate_limits.model import Parallel, Rate, RateUnit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.budgets.model import Limit


class RateLimits(Protocol):
    """The columns of a key's row, and of a team's and an end user's."""

    @property
    def rpm_limit(self) -> int | None:
        """The most requests a minute, or None for any number."""
        ...

    @property
    def tpm_limit(self) -> int | None:
        """The most tokens a minute, or None for any number."""
        ...

    @property
    def max_parallel_requests(self) -> int | None:
        """The most requests at a time, or None for any number."""
        ...


@dataclass(frozen=True, slots=True)
class RatePlan:
    """The rate limits of one call. `tokens` only of one that runs a model."""

    requests: tuple[Rate, ...]
    tokens: tuple[Rate, ...]
    parallel: tuple[Parallel, ...]


def plan_of(key: VirtualKey, limits: Iterable[tuple[Subject, Limit]], *, generates: bool) -> RatePlan:
    """The rate limits of a call by a key, where `limits` are those of its team and its end user, too."""
    rows: list[tuple[Subject, RateLimits]] = [(Subject(BudgetScope.KEY, key.id), key), *limits]
    return RatePlan(
        tuple(_rates(((subject, each.rpm_limit) for subject, each in rows), RateUnit.REQUESTS)),
        tuple(_rates(((subject, each.tpm_limit) for subject, each in rows if generates), RateUnit.TOKENS)),
        tuple(
            Parallel(subject, each.max_parallel_requests)
            for subject, each in rows
            if each.max_parallel_requests is not None
        ),
    )


def _rates(limits: Iterable[tuple[Subject, int | None]], unit: RateUnit) -> Iterator[Rate]:
    return (Rate(subject, unit, limit) for subject, limit in limits if limit is not None)
