"""The port to what is used of rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.rate_limits.model import Claims, Lease, RateClaim


class RateStore(Protocol):
    """Exact for any number of processes. What an answer is lost of may have been used, and is not given back."""

    def take(self, claims: Claims) -> Sequence[int]:
        """Grant all claims, or none: LimitReached names one that cannot be granted. A write for each claim.

        Return the TAT after it of each rate; 0 where it is not known.
        """
        ...

    def add(self, claim: RateClaim) -> None:
        """Use the units of a claim, also where there are none: they are owed. One write, seldom two."""
        ...

    def release(self, lease: Lease) -> None:
        """End a lease; does nothing if it has ended. One write."""
        ...
