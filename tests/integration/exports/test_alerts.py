"""Budget alerts reach Slack: each event once in a budget's window."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import KEY
from tests.fakes.clock import EPOCH
from tests.fakes.receiver import Delivery, Receiver
from tests.harnesses.exports import Settling, settling
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject
from vectorgate.exports.alerts import CROSSED, PROJECTED, SOFT, THRESHOLD, alerts_of
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_S = 86_400
RED = Subject(BudgetScope.TEAM, "red")
START = "2026-03-01"  # of the month that the clock is in, at the fourth


def usd(amount: float) -> NanoUSD:
    """Dollars in nano-dollars."""
    return NanoUSD(round(amount * NANO_PER_USD))


@dataclass
class Alerting:
    """A team and a key with budgets, and the Slack that hears of them."""

    rows: Settling
    slack: Receiver

    def spend(self, amount: float) -> list[str]:
        """A call settles once the team and the key have spent so much; what Slack hears."""
        heard = len(self.slack.got)
        for account in (Account(RED, START), Account(Subject(BudgetScope.KEY, KEY), "ever")):
            self.rows.stores.budgets.set_spent(account, usd(amount))
        self.rows.settle(1, budgets=(f"team/{START}", "key/ever"))
        self.rows.tick()
        return [text(got) for got in self.slack.got[heard:]]


def text(got: Delivery) -> str:
    """The text of a message to Slack."""
    document = json.loads(got.body)
    assert list(document) == ["text"]
    return str(document["text"])


@pytest.fixture
def alerting() -> Iterator[Alerting]:
    with Receiver() as slack, settling({"VECTORGATE_EXPORT_SLACK": f"{slack.url}/services/T0/B0/x"}) as rows:
        since = int(EPOCH)
        team = Limit(since=since, max_budget=usd(100), soft_budget=usd(40), duration="1mo", alias="R&D <b>")
        rows.stores.budgets.add_limit(RED, team)
        rows.stores.keys.add_key(VirtualKey(id=KEY, created_at=since, max_budget=usd(200)))
        yield Alerting(rows, slack)


def test_each_event_is_heard_once_while_the_spend_grows(alerting: Alerting) -> None:
    assert alerting.spend(1) == []
    name = "team `R&amp;D &lt;b&gt; (red)`"
    period = "in the period from 2026-03-01 until 2026-04-01"
    soft, projected = alerting.spend(41)
    assert soft == f"vectorgate: {name} has spent $41, over its soft budget of $40, {period}."
    share = f"vectorgate: {name} has spent $41 of its budget of $100"
    assert re.fullmatch(re.escape(share) + rf", and at this rate will spend \$39\d\.\d\d?, {period}\.", projected)
    assert alerting.spend(42) == []
    assert alerting.spend(80) == [f"vectorgate: {name} has spent $80 of its budget of $100: over 80 %, {period}."]
    assert alerting.spend(99.5) == []
    assert alerting.spend(100) == [f"vectorgate: {name} has spent $100 of its budget of $100: all of it, {period}."]
    (of_key,) = alerting.spend(160)
    assert of_key == f"vectorgate: key `{KEY}` has spent $160 of its budget of $200: over 80 %."


def test_an_alert_that_slack_did_not_take_is_sent_again_and_a_new_window_alerts_anew(alerting: Alerting) -> None:
    alerting.slack.status = lambda _: 503
    assert len(alerting.spend(41)) == 1
    alerting.slack.status = lambda _: 200
    heard = len(alerting.slack.got)
    alerting.rows.tick(times=2)
    assert len(alerting.slack.got) == heard + 2
    alerting.rows.clock.skip(31 * DAY_S)
    assert alerting.spend(41) == []  # the account of a window that is over
    account = Account(RED, "2026-04-01")
    alerting.rows.stores.budgets.set_spent(account, usd(41))
    alerting.rows.settle(1, budgets=("team/2026-04-01",))
    alerting.rows.tick()
    assert "soft budget of $40, in the period from 2026-04-01" in text(alerting.slack.got[-2])


def test_a_forecast_needs_a_tenth_of_the_window_and_an_end() -> None:
    account, limit = Account(RED, START), Limit(since=0, max_budget=usd(100), duration="1mo")
    began = 1_772_323_200

    def events(spent: float, days: float, of: Limit = limit) -> set[str]:
        return {alert.event for alert in alerts_of(account, of, Balance(0, usd(spent)), began + int(days * DAY_S))}

    assert events(50, 3) == set()
    assert events(50, 3.2) == {PROJECTED}
    assert events(50, 15.5) == set()
    assert events(50.01, 15.5) == {PROJECTED}
    assert events(80, 30) == {THRESHOLD}
    assert events(100, 30) == {THRESHOLD, CROSSED}
    endless: Any = Limit(since=0, max_budget=usd(100), soft_budget=usd(1))
    assert events(50, 3.2, endless) == {SOFT}
