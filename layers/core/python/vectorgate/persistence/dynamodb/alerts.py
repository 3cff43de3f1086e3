"""Which budget alerts were sent, on DynamoDB: an item each.

======  =========================  ======================
item    PK                         SK
======  =========================  ======================
alert   ``ALERT#<scope>#<id>``     ``<period>#<event>``
======  =========================  ======================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.model import Account, BudgetScope, Subject
from vectorgate.persistence.dynamodb.schema import joined
from vectorgate.persistence.validation import check_account, label_part

if TYPE_CHECKING:
    from collections.abc import Collection

    from vectorgate.exports.ports import Alert
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable


class DynamoAlertLog:
    """AlertLog."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def sent(self, alerts: Collection[Alert]) -> frozenset[Alert]:
        """One BatchGetItem for each 100 alerts, consistent."""
        keys = {alert: _key(alert) for alert in alerts}
        found = [(item["PK"], item["SK"]) for item in self._table.batch_get(list(keys.values()))]
        return frozenset(alert for alert, key in keys.items() if (key["PK"], key["SK"]) in found)

    def mark(self, alert: Alert) -> None:
        """One PutItem."""
        self._table.put(_key(alert))


def _key(alert: Alert) -> Item:
    check_account(Account(Subject(BudgetScope(alert.scope), alert.id), alert.period))
    return {"PK": joined("ALERT", alert.scope, alert.id), "SK": joined(alert.period, label_part(alert.event))}
