"""Dollars for a million of each operation, counted from the code's own calls: prices in `aws_prices.toml`."""

from __future__ import annotations

from tests.benchmarks.aws_costs import PRICES, dollars, duration_ms
from tests.harnesses.billed_operations import billed_operations, busy_batch

HEAD = ("operation", "write units", "read", "log B", "lambda ms", "front $", "table $", "logs $", "lambda $", "all $")


def report() -> list[str]:
    """Return the lines to print."""
    with billed_operations(batch=busy_batch()) as operations:
        used = operations.all()
    lines = ["{:25} {:>42} {:>6} {:>6} {:>9} {:>8} {:>8} {:>7} {:>8} {:>7}".format(*HEAD)]
    for name, usage in used.items():
        cost = dollars(usage)
        written = " + ".join(f"{units:.3g} {place}" for place, units in sorted(usage.written.items(), reverse=True))
        front = cost.requests + cost.metrics + cost.traces
        table = cost.write_units + cost.read_units
        lines.append(
            f"{name:25} {written or '0':>42} {usage.read.total() / 2:>6.2f} {usage.log_bytes:>6.0f}"
            f" {duration_ms(usage):>9.1f} {front:>8.2f} {table:>8.2f} {cost.logs:>7.2f} {cost.duration:>8.2f}"
            f" {cost.total:>7.2f}"
        )
    create = dollars(used["create"]).total
    settled = [dollars(usage).total for name, usage in used.items() if name.startswith("settlement")]
    lines.append(
        "create and its settlement, alone and in a batch: " + ", ".join(f"{create + each:.2f}" for each in settled)
    )
    assumed = PRICES["assumed"]
    lines.append(f"assumed: {assumed['requests_per_second']} a second; provider's ms {assumed['provider_ms']}")
    return lines
