"""A budget as an administrator asks for it, in dollars and words, to a limit. Pure."""

from __future__ import annotations

from typing import Final

from vectorgate.budgets.model import Limit, is_duration
from vectorgate.errors import InvalidRequest
from vectorgate.money import NANO_PER_USD, NanoUSD, parse_usd

MOST_USD: Final = 1_000_000_000  # in nano-dollars, this and a few more fit into 64 bits


def limit_of(most: float | None, soft: float | None, duration: str | None, since: int) -> Limit | None:
    """A limit as it is asked for; None when nothing is. InvalidRequest for what is no amount or no duration."""
    if duration is not None and not is_duration(duration):
        raise InvalidRequest(
            "Invalid 'budget_duration': expected a number and a unit, such as '1d', '30d' or '1mo'.",
            code="invalid_value",
            param="budget_duration",
        )
    if most is None and soft is None:
        return None
    return Limit(
        since=since,
        max_budget=_amount("max_budget", most),
        soft_budget=_amount("soft_budget", soft),
        duration=duration,
    )


def _amount(param: str, usd: float | None) -> NanoUSD | None:
    """Dollars as they stand in the JSON: the shortest text of a float is what its sender wrote."""
    if usd is None:
        return None
    try:
        amount = parse_usd(repr(usd))
    except ValueError:
        amount = NanoUSD(-1)
    if not 0 <= amount <= MOST_USD * NANO_PER_USD:
        raise InvalidRequest(
            f"Invalid '{param}': expected dollars from 0 to {MOST_USD}, with at most nine decimals.",
            code="invalid_value",
            param=param,
        )
    return amount
