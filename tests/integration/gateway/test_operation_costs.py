"""What a million of each operation cost at AWS's prices, without the time that functions run: none becomes dearer.

`make bench` (section `cost`) has the whole table. A change that lowers an amount writes it down here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmarks.aws_costs import Usage, dollars
from tests.benchmarks.cost import all_in, monthly
from tests.harnesses.billed_operations import billed_operations, busy_batch

DEFAULT_EXPORTS = "exports by default of 75, each"
# Dollars of requests, units, log bytes, metrics and traces for a million of each.
COUNTED = {
    "create": 5.30,
    "create, 2 budgets": 5.57,
    "file upload": 5.29,
    "file attach": 3.70,
    "search": 2.93,
    "retrieve": 2.93,
    "list": 2.84,
    "delete": 6.30,
    "response": 8.52,
    "settlement": 4.06,
    "settlement of 12, each": 1.50,
    "meter tick, nothing due": 5.45,
    "meter tick, each store": 0.164,
    "looks at each row": 0.21,
    DEFAULT_EXPORTS: 0.0447,
    "exports in order of 12, each": 0.86,
}
TOLERATED = 0.05  # log lines differ by the length of their figures
OWN_TIME = 0.12  # dollars of the functions' own time in a create, which is measured, and differs by the machine: 0.08


@pytest.fixture(scope="module")
def used() -> dict[str, Usage]:
    with billed_operations(batch=busy_batch()) as operations:
        return operations.all()


def test_no_operation_costs_more_or_less_than_is_written_down(used: dict[str, Usage]) -> None:
    counted = {name: dollars(usage).counted for name, usage in used.items()}
    assert counted == pytest.approx(COUNTED, rel=TOLERATED), {n: round(d, 2) for n, d in counted.items()}


def test_a_tenth_more_is_noticed(used: dict[str, Usage]) -> None:
    for name, usage in used.items():
        dearer = 1.1 * dollars(usage).counted
        assert dearer != pytest.approx(COUNTED[name], rel=TOLERATED), name


def test_a_create_costs_under_nine_dollars_with_its_settlement_exports_and_all_waiting(used: dict[str, Usage]) -> None:
    assert all_in({name: replace(usage, own_ms=0) for name, usage in used.items()}) < 9 - OWN_TIME


def test_alarms_and_dashboard_cost_what_the_decision_says_by_the_month() -> None:
    assert monthly() == pytest.approx(8.60, rel=TOLERATED)


def test_a_transaction_and_a_consistent_read_cost_double_and_each_index_is_counted(used: dict[str, Usage]) -> None:
    create = used["create"]
    assert create.written == {"table": 4, "request_log": 1, "by_tenant": 1}
    assert create.calls == {"PutItem": 4}
    assert used["settlement"].written == {"table": 6}
    assert used["retrieve"].read == {"table": 2}  # half units: the owner, consistent
    assert used["create, 2 budgets"].read == {"table": 4}  # the balances, once
    assert used["list"].read == {"by_tenant": 1}


def test_the_default_exports_cost_no_unit_of_the_table_and_under_an_eighth_of_a_dollar(
    used: dict[str, Usage],
) -> None:
    exports = used[DEFAULT_EXPORTS]
    assert not exports.written + exports.read
    assert exports.events == pytest.approx(1 / 75)  # one event, by one message
    assert dollars(exports).total < 0.125
    assert used["exports in order of 12, each"].read == {"table": 2}  # half units: the row, consistent


def test_amounts_are_units_times_prices() -> None:
    usage = Usage(requests=1, invocations=1, log_bytes=1_000, memory_mb=1_024, provider_ms=100)
    cost = dollars(usage)
    assert (cost.requests, cost.logs) == pytest.approx((1.20, 0.50))
    assert cost.duration == pytest.approx(1.33334)  # a tenth of a GB-second, a million times
    assert dollars(replace(usage, traced=1)).traces == pytest.approx(0.725)  # 1.45 of 10 a second
