"""A DynamoDB client of one table in memory: thirty times as fast as an emulator, for a simulation of many seeds.

It knows what the adapters use: conditional writes with the old item in a refusal, transactions, consistent reads, and
queries of the table and its indexes by page. `tests/contract/test_against_model.py` compares it with moto.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from tests.fakes.dynamodb_expressions import holds, updated
from vectorgate.persistence.dynamodb.schema import INDEXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Item = dict[str, Any]
    Key = tuple[str, str]

_KEYS: Final = {
    None: ("PK", "SK"),
    **{index["IndexName"]: tuple(each["AttributeName"] for each in index["KeySchema"]) for index in INDEXES},
}
_FAILED: Final = "ConditionalCheckFailed"


class FakeDynamo:
    """The client of a table. `items` are what is in it, by their keys. Not thread-safe."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        # Of the table and of each index: the sort keys of each partition in order, with the table's keys.
        self._partitions: dict[str | None, defaultdict[str, list[tuple[str, Key]]]] = {
            name: defaultdict(list) for name in _KEYS
        }

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def get_item(self, **asked: Any) -> Item:
        """Read one item."""
        found = self.items.get(_key_of(asked["Key"]))
        return {"Item": dict(found)} if found is not None else {}

    def batch_get_item(self, **asked: Any) -> Item:
        """Read up to a hundred items, or some attributes of them."""
        ((table, request),) = asked["RequestItems"].items()
        found = [self.items[key] for each in request["Keys"] if (key := _key_of(each)) in self.items]
        names = request.get("ExpressionAttributeNames", {})
        wanted = [names.get(name, name) for name in request.get("ProjectionExpression", "").split(", ") if name]
        return {"Responses": {table: [_part(item, wanted) for item in found]}}

    def put_item(self, **asked: Any) -> Item:
        """Write one item."""
        return self._write_one("Put", asked)

    def update_item(self, **asked: Any) -> Item:
        """Change one item."""
        return self._write_one("Update", asked)

    def delete_item(self, **asked: Any) -> Item:
        """Remove one item."""
        return self._write_one("Delete", asked)

    def transact_write_items(self, **asked: Any) -> Item:
        """Write all items, or none."""
        actions = [action for item in asked["TransactItems"] for action in item.items()]
        keys = [_key_of(action.get("Item") or action["Key"]) for _, action in actions]
        if len(set(keys)) != len(keys):
            raise refusal("ValidationException")
        reasons = [
            {"Code": "None"} if self._is_met(action) else {"Code": _FAILED, **self._old(action)}
            for _, action in actions
        ]
        if any(reason["Code"] != "None" for reason in reasons):
            raise refusal("TransactionCanceledException", reasons)
        for kind, action in actions:
            self._write(kind, action)
        return {}

    def query(self, **asked: Any) -> Item:
        """Read a page of a partition."""
        name = asked.get("IndexName")
        values, names = asked["ExpressionAttributeValues"], asked.get("ExpressionAttributeNames", {})
        condition = asked["KeyConditionExpression"]
        rest = self._partition(name, values[condition.split("=")[1].split()[0]]["S"], asked)
        rest = [key for key in rest if holds(condition, self.items[key], values, names)]
        page = rest[: asked["Limit"]]
        found = [self.items[key] for key in page]
        kept = [dict(item) for item in found if holds(asked.get("FilterExpression"), item, values, names)]
        return {"Items": kept} if len(page) == len(rest) else {"Items": kept, "LastEvaluatedKey": found[-1]}

    def _partition(self, name: str | None, partition: str, asked: Mapping[str, Any]) -> Sequence[Key]:
        """The keys of a partition's items in order, behind the start of a page."""
        places = self._partitions[name][partition]
        ascending = asked.get("ScanIndexForward", True)
        if (start := asked.get("ExclusiveStartKey")) is not None:
            at = bisect_left(places, (start[_KEYS[name][1]]["S"], _key_of(start)))
            places = places[at + 1 :] if ascending else places[:at]
        return [key for _, key in (places if ascending else reversed(places))]

    def _write_one(self, kind: str, asked: Mapping[str, Any]) -> Item:
        if not self._is_met(asked):
            raise refusal(_FAILED + "Exception", item=self._old(asked).get("Item"))
        old, new = self._write(kind, asked)
        match asked.get("ReturnValues"):
            case "UPDATED_NEW":
                return {"Attributes": {name: new[name] for name in new if new[name] != old.get(name)}}
            case "ALL_OLD" if old:
                return {"Attributes": old}
            case _:
                return {}

    def _is_met(self, action: Mapping[str, Any]) -> bool:
        item = self.items.get(_key_of(action.get("Item") or action["Key"]), {})
        values, names = action.get("ExpressionAttributeValues", {}), action.get("ExpressionAttributeNames", {})
        return holds(action.get("ConditionExpression"), item, values, names)

    def _old(self, action: Mapping[str, Any]) -> Item:
        """The item in a refusal, if it was asked for and is there."""
        item = self.items.get(_key_of(action.get("Item") or action["Key"]))
        asked = action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return {"Item": dict(item)} if asked and item is not None else {}

    def _write(self, kind: str, action: Mapping[str, Any]) -> tuple[Item, Item]:
        """Write, whatever the condition; the item before and after, `{}` for none."""
        key = _key_of(action.get("Item") or action["Key"])
        old = self.items.get(key, {})
        if kind == "ConditionCheck":
            return old, old
        new: Item = {}
        if kind == "Put":
            new = dict(action["Item"])
        elif kind == "Update":
            values, names = action.get("ExpressionAttributeValues", {}), action.get("ExpressionAttributeNames", {})
            new = updated(action["UpdateExpression"], old or dict(action["Key"]), values, names)
        self._replace(key, old, new)
        return old, new

    def _replace(self, key: Key, old: Item, new: Item) -> None:
        before, after = dict(_places(old)), dict(_places(new))
        for name in before.keys() | after.keys():
            if before.get(name) == after.get(name):
                continue
            if name in before:
                partition, sort = before[name]
                places = self._partitions[name][partition]
                del places[bisect_left(places, (sort, key))]
            if name in after:
                partition, sort = after[name]
                insort(self._partitions[name][partition], (sort, key))
        if new:
            self.items[key] = new
        else:
            self.items.pop(key, None)


def refusal(code: str, reasons: Sequence[Item] = (), item: Item | None = None) -> ClientError:
    """The error of a refused write."""
    response: Any = {"Error": {"Code": code, "Message": "refused"}, "CancellationReasons": list(reasons)}
    return ClientError(response | ({"Item": item} if item is not None else {}), "Write")


def _key_of(item: Mapping[str, Any]) -> Key:
    return item["PK"]["S"], item["SK"]["S"]


def _places(item: Item) -> Iterator[tuple[str | None, tuple[str, str]]]:
    """The partition and the sort key of an item, in the table and in each index that has it."""
    for name, (partition, sort) in _KEYS.items():
        if partition in item and sort in item:
            yield name, (item[partition]["S"], item[sort]["S"])


def _part(item: Item, wanted: Sequence[str]) -> Item:
    return {name: item[name] for name in wanted if name in item} if wanted else dict(item)
