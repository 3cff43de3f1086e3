"""The provider's bill beside the records, from the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.fakes.openai_reports import GIB
from tests.integration.provider_bill.conftest import Account
from vectorgate.bootstrap import SEARCH_PROVIDER
from vectorgate.providers.documents import ReaderDocuments

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness
    from tests.integration.cli.conftest import Run


def test_a_captured_bill_is_status_0_and_one_that_is_not_1_with_the_stores_that_differ(
    vectorgate: Run, harness: GatewayHarness, connect: Connect
) -> None:
    assert vectorgate("reconcile").code == 5
    account = Account(harness, connect(harness.key("sk-red", team="red", models=("*",))))
    bill = account.meter.bill
    assert bill is not None
    reads = ReaderDocuments(account.meter.reconciler.reader, without=SEARCH_PROVIDER, bills=bill.document)
    harness.app = replace(harness.app, deps=replace(harness.app.deps, provider=reads))
    store = account.store(3 * GIB)
    account.wait(1)
    for _ in range(2):
        account.ask(store)
        account.until_tomorrow()

    well = vectorgate("reconcile --since 1d --until 1d")
    (row,) = well.out.splitlines()[1:]
    assert (well.code, row.split()[:2], "3.0 GiB" in row) == (0, ["2026-03-05", "compared"], True)
    assert well.err == "captured: 100.0000% of 1 days; expected 99.9%\n"

    account.reports.days[account.today - 1].searches["vs_past"] += 40
    missed = vectorgate("reconcile --since 1d")
    assert (missed.code, "vs_past" in missed.out) == (1, True)
    assert vectorgate("reconcile --since 1d --json").json["is_captured"] is False
    assert vectorgate("reconcile --since 1d --csv").out.startswith("day,status,captured,")
