"""Every port on one DynamoDB table. `schema` describes the table, `table` the protocol of its writes and errors.

Importing this imports no boto3; making the client does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Random

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
    "open_stores",
    "stores_of",
]


def open_stores(
    table_name: str, *, clock: Clock, randomness: Random, region: str | None = None, endpoint_url: str | None = None
) -> Stores:
    """All ports on the table of that name; without a region, the environment's. Its client is made now."""
    table = DynamoTable(table_name, clock=clock, randomness=randomness, region=region, endpoint_url=endpoint_url)
    return stores_of(table.opened())


def stores_of(table: DynamoTable) -> Stores:
    """All ports on that table."""
    return Stores(
        ledger=DynamoLedger(table),
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
