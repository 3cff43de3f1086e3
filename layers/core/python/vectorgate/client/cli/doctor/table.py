"""The check of the table: its state, indexes, stream, time to live, backups and protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.client.cli.doctor.check import Check, failed, passed, warning
from vectorgate.client.cli.exits import NOT_AUTHORISED, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from vectorgate.client.cli.aws import Aws


def table_check(name: str, aws: Aws) -> Check:
    """What is missing of what the template gives the table."""
    table = aws.call("dynamodb", "describe_table", TableName=name)["Table"]
    broken = [*_broken(table)]
    if broken:
        return failed(
            "table", "; ".join(broken), "deploy the stack again; a table that was deleted is restored from a backup"
        )
    unsafe = [*_unsafe(name, table, aws)]
    if unsafe:
        return warning("table", "; ".join(unsafe), "turn it on again: it was changed by hand")
    return passed("table", f"{name}, {table.get('ItemCount', 0)} items some hours ago")


def _broken(table: Mapping[str, Any]) -> Iterator[str]:
    """Without which calls or settlement fail."""
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        yield f"the table is {table['TableStatus']}"
    indexes = {each["IndexName"]: each.get("IndexStatus", "ACTIVE") for each in table.get("GlobalSecondaryIndexes", ())}
    for missing in sorted({"request_log", "by_tenant", "open"} - indexes.keys()):
        yield f"the index {missing} is missing"
    yield from (
        f"the index {index} is {state}" for index, state in indexes.items() if state not in {"ACTIVE", "UPDATING"}
    )
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        yield "the stream is off, so nothing is settled"


def _unsafe(name: str, table: Mapping[str, Any], aws: Aws) -> Iterator[str]:
    """What the ledger does not need from call to call."""
    if not table.get("DeletionProtectionEnabled"):
        yield "deletion protection is off"
    try:
        ttl = aws.call("dynamodb", "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
        backups = aws.call("dynamodb", "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    except Failure as error:
        if error.code != NOT_AUTHORISED:
            raise
        return
    if ttl.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        yield "time to live is off, so idempotency records stay"
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if recovery != "ENABLED":
        yield "point-in-time recovery is off"
