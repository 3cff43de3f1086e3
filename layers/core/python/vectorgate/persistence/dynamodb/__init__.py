"""Every port on one DynamoDB table. `schema` describes the table, `table` the protocol of its writes and errors.

Importing this imports no boto3; making the client does.
"""

from __future__ import annotations

from vectorgate.persistence.dynamodb.budgets import DynamoBudgets
from vectorgate.persistence.dynamodb.indexes import DynamoIndexes
from vectorgate.persistence.dynamodb.ingest import DynamoIngest
from vectorgate.persistence.dynamodb.ledger import DynamoAssignments, DynamoLedger
from vectorgate.persistence.dynamodb.meter import DynamoMeters
from vectorgate.persistence.dynamodb.rates import DynamoRates
from vectorgate.persistence.dynamodb.readers import DynamoAudit, DynamoKeys, DynamoOwnership
from vectorgate.persistence.dynamodb.schema import INDEXES, TABLE_DEFINITION
from vectorgate.persistence.dynamodb.search import DynamoReports
from vectorgate.persistence.dynamodb.table import DynamoTable
from vectorgate.persistence.stores import Stores

__all__ = [
    "INDEXES",
    "TABLE_DEFINITION",
    "DynamoAssignments",
    "DynamoAudit",
    "DynamoBudgets",
    "DynamoIndexes",
    "DynamoIngest",
    "DynamoKeys",
    "DynamoLedger",
    "DynamoMeters",
    "DynamoOwnership",
    "DynamoRates",
    "DynamoReports",
    "DynamoTable",
    "stores_of",
]


def stores_of(table: DynamoTable, *, exported_in_order: bool = False, record_days: int = 0) -> Stores:
    """All ports on that table. `exported_in_order`, `record_days`: as in `Settings`."""
    return Stores(
        ledger=DynamoLedger(table, exported_in_order=exported_in_order, record_days=record_days),
        ownership=DynamoOwnership(table),
        assignments=DynamoAssignments(table),
        keys=DynamoKeys(table),
        reports=DynamoReports(table),
        indexes=DynamoIndexes(table),
        budgets=DynamoBudgets(table),
        meters=DynamoMeters(table),
        ingest=DynamoIngest(table),
        audit=DynamoAudit(table),
        rates=DynamoRates(table),
    )
