"""The fields of rate limits, as LiteLLM names them: of keys, teams and end users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from vectorgate.rate_limits.model import MAX_A_MINUTE, MAX_PARALLEL

if TYPE_CHECKING:
    from vectorgate.rate_limits.plan import RateLimits

PerMinute = Annotated[int, Field(ge=1, le=MAX_A_MINUTE)]
AtATime = Annotated[int, Field(ge=1, le=MAX_PARALLEL)]
RATE_FIELDS: Final = ("rpm_limit", "tpm_limit", "max_parallel_requests")


def rate_fields(row: RateLimits | None) -> dict[str, object]:
    """The limits of a row; None for no limit."""
    return {name: getattr(row, name, None) for name in RATE_FIELDS}
