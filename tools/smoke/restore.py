"""What the restore runbook stands on: a copy of the table to the latest moment, compared, and deleted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.smoke.deployed import equal
from tools.smoke.target import Target, prove

if TYPE_CHECKING:
    from tools.smoke.calls import Made

RESTORED_SECONDS: Final = 3_600  # of a large table; a small one takes minutes


def a_copy_of_the_table_is_restored(target: Target, made: Made) -> str:
    """The first step of `restore.sh copy`: the copy has the table's keys and indexes, and rows."""
    del made
    client, name = target.aws("dynamodb"), target.outputs["TableName"]
    copy = f"{name}-{target.run}"
    client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=copy, UseLatestRestorableTime=True)
    target.undo.append(lambda: client.delete_table(TableName=copy))

    def active() -> bool:
        return bool(client.describe_table(TableName=copy)["Table"]["TableStatus"] == "ACTIVE")

    target.within(RESTORED_SECONDS, active, f"{copy} was not restored")
    found, source = (client.describe_table(TableName=each)["Table"] for each in (copy, name))
    equal("the copy's keys", found["KeySchema"], source["KeySchema"])
    indexes = [{each["IndexName"] for each in table["GlobalSecondaryIndexes"]} for table in (found, source)]
    equal("the copy's indexes", indexes[0], indexes[1])
    prove(client.scan(TableName=copy, Limit=1)["Count"] == 1, "the copy is empty")
    return copy
