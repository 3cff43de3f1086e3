"""What AWS asks for what an operation used, by the prices in `aws_prices.toml`. Pure."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

PRICES: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("aws_prices.toml").read_text())
MILLION: Final = 1_000_000
GB: Final = 10**9
MS: Final = 1_000
SECONDS_A_MONTH: Final = 730 * 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one operation used. `read` counts half units, `written` units, both by table and index.

    `requests` of the HTTP API, `messages` and `fifo_messages`: requests of a queue, `events` that were put.
    `own_ms`: the function's own, measured here, without waiting. `traced`: how many invocations X-Ray may sample.
    """

    requests: float = 0
    invocations: float = 0
    messages: float = 0
    fifo_messages: float = 0
    events: float = 0
    written: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    log_bytes: float = 0
    metrics: frozenset[str] = frozenset()
    traced: float = 0
    own_ms: float = 0
    provider_ms: float = 0
    memory_mb: int = 256


AMOUNTS: Final = tuple(each.name for each in fields(Usage) if each.name not in {"metrics", "memory_mb"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dollars:
    """Of a million operations."""

    requests: float
    write_units: float
    read_units: float
    logs: float
    metrics: float
    traces: float
    duration: float

    @property
    def counted(self) -> float:
        """All but the time that functions run, which is measured."""
        return self.requests + self.write_units + self.read_units + self.logs + self.metrics + self.traces

    @property
    def total(self) -> float:
        """All of it."""
        return self.counted + self.duration


def dollars(usage: Usage) -> Dollars:
    """Return what a million such operations cost."""
    database, watch, queues = PRICES["dynamodb"], PRICES["cloudwatch"], PRICES["sqs"]
    requests = usage.requests * PRICES["api_gateway"]["million_requests"]
    requests += usage.messages * queues["million_requests"] + usage.fifo_messages * queues["million_fifo_requests"]
    requests += usage.events * PRICES["eventbridge"]["million_events"]
    return Dollars(
        requests=requests + usage.invocations * PRICES["lambda"]["million_requests"],
        write_units=usage.written.total() * database["million_write_units"],
        read_units=usage.read.total() / 2 * database["million_read_units"],
        logs=usage.log_bytes * MILLION / GB * watch["log_gb"],
        metrics=len(usage.metrics) * watch["metric_month"] / SECONDS_A_MONTH / _rate() * MILLION,
        traces=usage.traced * _sampled() * PRICES["xray"]["million_traces"],
        duration=duration_ms(usage) / MS * MILLION * usage.memory_mb / 1024 * PRICES["lambda"]["gb_second"],
    )


def duration_ms(usage: Usage) -> float:
    """Return the billed time: the function's own on its share of a CPU, its calls of DynamoDB and of the provider."""
    assumed = PRICES["assumed"]
    share = min(1, usage.memory_mb / assumed["vcpu_mb"])
    return float(usage.own_ms / share + usage.calls.total() * assumed["dynamodb_ms"] + usage.provider_ms)


def _rate() -> float:
    return float(PRICES["assumed"]["requests_per_second"])


def _sampled() -> float:
    return (1 + (_rate() - 1) / 20) / _rate()


def share(usage: Usage, among: int) -> Usage:
    """Return an operation's share of what so many used."""
    return replace(usage, **{name: _times(getattr(usage, name), 1 / among) for name in AMOUNTS})


def less(usage: Usage, other: Usage) -> Usage:
    """Return what one used more than the other, without times that were measured as less."""
    found = both(usage, replace(other, **{name: _times(getattr(other, name), -1) for name in AMOUNTS}))
    return replace(found, own_ms=max(0, found.own_ms), log_bytes=max(0, found.log_bytes))


def both(usage: Usage, other: Usage) -> Usage:
    """Return what both used."""
    return replace(usage, **{name: _sum(getattr(usage, name), getattr(other, name)) for name in AMOUNTS})


def _times(amount: Any, factor: float) -> Any:
    if isinstance(amount, Counter):
        return Counter({name: count * factor for name, count in amount.items()})
    return amount * factor


def _sum(amount: Any, other: Any) -> Any:
    if isinstance(amount, Counter):
        return Counter({name: found for name in amount | other if (found := amount[name] + other[name])})
    return amount + other
