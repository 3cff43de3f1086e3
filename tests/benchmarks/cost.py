"""Dollars for a million of each operation, counted from the code's own calls: prices in `aws_prices.toml`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.benchmarks.aws_costs import GB, MILLION, PRICES, SECONDS_A_MONTH, dollars, duration_ms
from tests.harnesses.billed_operations import LOOKS, access_line_bytes, billed_operations, busy_batch
from tests.helpers.alarms import by_default, metrics_of
from tests.helpers.template import of_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.aws_costs import Usage

MEMORY_MB: Final = (128, 256, 512)  # the second is the default
LATER, FEWER = 30.0, 0.1  # SettlementSeconds and LoggedSuccesses that are rejected in ADR 35
RUNS, TIMES = 3, 20
HEAD = ("operation", "write units", "read", "log B", "lambda ms", "front $", "table $", "logs $", "lambda $", "all $")


def report() -> list[str]:
    """Return the lines to print."""
    used = _used()
    with billed_operations(batch=1) as operations:
        used |= operations.creates(TIMES)
        kept = operations.kept_bytes()
    with billed_operations(batch=busy_batch(LATER)) as operations:
        later = operations.batch_settlement()
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
    lines += [_create_and_settlement(used, megabytes) for megabytes in MEMORY_MB]
    lines.append(f"create, looks and settlement in a batch, with the default exports: {all_in(used):.2f}")
    lines += [_saved(used, later), _kept(kept)]
    lines.append(f"by the month, beside that: {monthly():.2f}, which is {a_million_of(monthly()):.2f} of a million")
    assumed = PRICES["assumed"]
    lines.append(f"assumed: {assumed['requests_per_second']} a second; provider's ms {assumed['provider_ms']}")
    return lines


def _saved(used: Mapping[str, Usage], later: Usage) -> str:
    """Return the line of what parameters would save that have other defaults."""
    settled = next(usage for name, usage in used.items() if name.startswith("settlement of"))
    window = dollars(settled).total - dollars(later).total
    own_lines = used["create"].log_bytes - access_line_bytes()
    logs = (1 - FEWER) * own_lines * MILLION / GB * PRICES["cloudwatch"]["log_gb"]
    return f"saved by SettlementSeconds={LATER:.0f}: {window:.2f}; by LoggedSuccesses={100 * FEWER:.0f}: {logs:.2f}"


def _kept(size: float) -> str:
    """Return the line of what a million creates leave in the table, so many bytes each."""
    stored, backed_up = PRICES["dynamodb"]["stored_gb_month"], PRICES["dynamodb"]["backed_up_gb_month"]
    gigabytes = size * MILLION / GB
    kept, copied = gigabytes * stored, gigabytes * backed_up
    return f"left by creates, with indexes: {gigabytes:.1f} GB, {kept:.2f} a month, at most {copied:.2f} for backups"


def _used() -> dict[str, Usage]:
    """Return of so many runs what took least of the machine's time, which other processes disturb."""
    runs = []
    for _ in range(RUNS):
        with billed_operations(batch=busy_batch()) as operations:
            runs.append(operations.all())
    return {name: min((run[name] for run in runs), key=lambda usage: usage.own_ms) for name in runs[0]}


def all_in(used: Mapping[str, Usage]) -> float:
    """Return dollars of a million creates in a stack with the default parameters, of which batches settle."""
    ends = ("create", LOOKS, "exports by default", "settlement of")
    return sum(dollars(usage).total for name, usage in used.items() if name == ends[0] or name.startswith(ends[1:]))


def monthly() -> float:
    """Return dollars for the alarms and the dashboard of a stack with the default parameters, whatever is called."""
    watched = sum(len(metrics_of(each)) for each in by_default().values())
    dashboards = len(of_type("AWS::CloudWatch::Dashboard"))
    prices = PRICES["cloudwatch"]
    return float(watched * prices["alarm_month"] + dashboards * prices["dashboard_month"])


def a_million_of(dollars_a_month: float) -> float:
    """Return a million creates' share of what is paid by the month, at the assumed rate."""
    return dollars_a_month / SECONDS_A_MONTH / float(PRICES["assumed"]["requests_per_second"]) * MILLION


def _create_and_settlement(used: Mapping[str, Usage], megabytes: int) -> str:
    """Return the line of a create with its settlement, by functions of so much memory."""
    costs = {name: dollars(replace(usage, memory_mb=megabytes)).total for name, usage in used.items()}
    sums = [costs["create"] + costs[LOOKS] + cost for name, cost in costs.items() if name.startswith("settlement")]
    amounts = ", ".join(f"{each:.2f}" for each in sums)
    return f"create, the looks at it and its settlement, alone and in a batch, MemorySize={megabytes}: {amounts}"
