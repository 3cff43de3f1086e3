"""Counts of a DynamoDB client's calls and of the write units that they cost, from botocore's events.

Write units are computed from the items before and after each write, because emulators report no true figures: a write
costs one unit for each started KiB of the larger of the two images, twice that in a transaction, and for each index one
for each KiB of the projected attributes that appear, disappear or change (two when their key moves).
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vectorgate.persistence.dynamodb import INDEXES

if TYPE_CHECKING:
    from collections.abc import Iterator

KIB = 1024
_WRITES = {"PutItem": 1, "DeleteItem": 1, "UpdateItem": 1, "TransactWriteItems": 2}
_TABLE_KEY = ("PK", "SK")


class CallRecorder:
    """Counts `calls` by name and `write_units`, of what succeeds inside `watching(client)`. For one thread."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.write_units = 0
        self.largest_item = 0
        self._client: Any = None
        self._own_reading = False
        self._before: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    @contextmanager
    def watching(self, client: Any) -> Iterator[CallRecorder]:
        """Count the calls of a client, until the block ends."""
        self._client = client
        events = client.meta.events
        events.register("before-parameter-build.dynamodb", self._asked)
        events.register("after-call.dynamodb", self._answered)
        try:
            yield self
        finally:
            events.unregister("before-parameter-build.dynamodb", self._asked)
            events.unregister("after-call.dynamodb", self._answered)

    def _asked(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if self._own_reading:
            return
        self.calls[model.name] += 1
        if model.name in _WRITES:
            targets = list(_targets(model.name, params))
            self._before = [(table, key, self._read(table, key)) for table, key in targets]

    def _answered(self, http_response: Any, model: Any, **_: object) -> None:
        if self._own_reading or model.name not in _WRITES or http_response.status_code >= 300:
            return
        for table, key, old in self._before:
            new = self._read(table, key)
            self.largest_item = max(self.largest_item, size_of(new))
            self.write_units += _WRITES[model.name] * _units(max(size_of(old), size_of(new), 1))
            self.write_units += sum(_index_units(index, old, new) for index in INDEXES)

    def _read(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        self._own_reading = True
        try:
            found = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        finally:
            self._own_reading = False
        return dict(found.get("Item", {}))


def size_of(item: dict[str, Any]) -> int:
    """Return the bytes as DynamoDB counts them: names and values in UTF-8, numbers in two digits a byte, plus one."""
    return sum(len(name.encode()) + _size(attribute) for name, attribute in item.items())


def _size(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return (len(value.lstrip("-")) + 1) // 2 + 1
        case "S":
            return len(value.encode())
        case "L":
            return 3 + sum(1 + _size(part) for part in value)
        case "SS":
            return sum(len(name.encode()) for name in value)
        case "M":
            return 3 + len(value) + size_of(value)
        case _:
            return 1


def _targets(name: str, params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    actions = [params]
    if name == "TransactWriteItems":
        actions = [action for item in params["TransactItems"] for action in item.values()]
    for action in actions:
        key = action.get("Key") or action["Item"]
        yield action["TableName"], {part: key[part] for part in _TABLE_KEY}


def _index_units(index: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> int:
    names = [part["AttributeName"] for part in index["KeySchema"]]
    keys = {*names, *_TABLE_KEY}
    kept = [
        item if index["Projection"]["ProjectionType"] == "ALL" else {n: item[n] for n in keys if n in item}
        for item in (old, new)
        if all(name in item for name in names)
    ]
    if len(kept) == 2 and kept[0] == kept[1]:
        return 0
    moved = len(kept) == 2 and any(kept[0][name] != kept[1][name] for name in names)
    return (2 if moved else 1) * _units(max(map(size_of, kept))) if kept else 0


def _units(size: int) -> int:
    return -(-size // KIB)
