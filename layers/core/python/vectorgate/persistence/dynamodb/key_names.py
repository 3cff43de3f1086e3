"""Names of keys, claimed in the transaction that writes the key: ``KEY#name-<claim>``, ``META``, with its holder.

A claim is not given back. It ends when its holder's row is gone or has another name, and is then another key's to
take, on the condition that its holder did not claim it again: each claim has its key's version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.auth.keys.ports import MAX_CLAIMS
from vectorgate.ids import KeyId
from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.schema import virtual_key_item, virtual_key_key
from vectorgate.persistence.dynamodb.table import ConditionFailed
from vectorgate.store_errors import NameTaken, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

    Action = tuple[str, dict[str, Any]]

ROUNDS: Final = 4  # of two that take over the same claim, one learns in the second that it has another holder
_IS_FREE: Final = "attribute_not_exists(PK) OR refers_to = :own"
_IS_AS_READ: Final = "refers_to = :holder AND version = :version"


def put_named(
    table: DynamoTable,
    key: VirtualKey,
    claims: Sequence[str],
    beside: Sequence[Action],
    condition: Mapping[str, Any],
) -> None:
    """One TransactWriteItems of the key's row, its claims and what is beside; two reads and another for an ended claim.

    ConditionFailed where the row's own condition fails. NameTaken, StoreUnavailable.
    """
    if len(claims) > MAX_CLAIMS:
        raise ValueError("too many claims")
    row: Action = ("Put", {"Item": virtual_key_item(key), **condition})
    ended: dict[str, Item] = {}
    for _ in range(ROUNDS):
        try:
            table.transact([row, *(_claim(key, claim, ended.get(claim)) for claim in claims), *beside])
        except ConditionFailed as failure:
            if failure.old_items.keys() - set(range(1, len(claims) + 1)):
                raise
            ended |= {claims[place - 1]: _ended(table, key, claims[place - 1]) for place in failure.old_items}
        else:
            return
    raise StoreUnavailable("dynamodb: other processes were faster")


def _claim(key: VirtualKey, claim: str, ended: Item | None) -> Action:
    item = _place(claim) | encoded({"refers_to": key.id, "version": key.version})
    if not ended:
        own = encoded({":own": key.id})
        return "Put", {"Item": item, "ConditionExpression": _IS_FREE, "ExpressionAttributeValues": own}
    read = {":holder": ended["refers_to"], ":version": ended["version"]}
    return "Put", {"Item": item, "ConditionExpression": _IS_AS_READ, "ExpressionAttributeValues": read}


def _ended(table: DynamoTable, key: VirtualKey, claim: str) -> Item:
    """A claim whose holder does not have the name any more; empty where there is none. NameTaken."""
    item = table.get(_place(claim))
    if item is None:
        return {}
    holder = table.get(virtual_key_key(KeyId(item["refers_to"]["S"])))
    if holder is not None and holder.get("alias") == {"S": key.alias} and holder["id"] != {"S": key.id}:
        raise NameTaken(str(key.alias))
    return item


def _place(claim: str) -> Item:
    """The key of a claim's item. No virtual key has such an id: they are hashes."""
    return virtual_key_key(KeyId(f"name-{claim}"))
