"""Counts of a DynamoDB client's calls and of the units that they cost, from botocore's events.

Write units are computed from the items before and after each write, because emulators report no true figures: a write
costs one unit for each started KiB of the larger of the two images, twice that in a transaction, and for each index one
for each KiB of the projected attributes that appear, disappear or change (two when their key moves). A read costs
half a unit for each started 4 KiB, twice that if it is consistent: of each item, or of all that a query's page returns.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vectorgate.persistence.dynamodb import INDEXES

if TYPE_CHECKING:
    from collections.abc import Iterator

KIB = 1024
TABLE = "table"
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
STORED_BESIDE = 100  # bytes of an item, and of an index's entry, that are billed besides
_WRITES = {"PutItem": 1, "DeleteItem": 1, "UpdateItem": 1, "TransactWriteItems": 2}
_TABLE_KEY = ("PK", "SK")


class CallRecorder:
    """Counts `calls` by name and units by table and index, of what succeeds inside `watching(client)`. For one thread.

    `elsewhere_s`: the CPU seconds in which an emulator in this process answered, or this recorder read items.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.read: Counter[str] = Counter()  # halves of units
        self.largest_item = 0
        self.elsewhere_s = 0.0
        self._client: Any = None
        self._own_reading = False
        self._sent_at = 0.0
        self._params: dict[str, Any] = {}
        self._before: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    @property
    def write_units(self) -> int:
        """All write units, of the table and its indexes."""
        return self.written.total()

    @contextmanager
    def watching(self, client: Any) -> Iterator[CallRecorder]:
        """Count the calls of a client, until the block ends."""
        self._client = client
        events = client.meta.events
        events.register("before-parameter-build.dynamodb", self._asked)
        events.register_first("before-send.dynamodb", self._sent)
        events.register("response-received.dynamodb", self._received)
        events.register("after-call.dynamodb", self._answered)
        try:
            yield self
        finally:
            events.unregister("before-parameter-build.dynamodb", self._asked)
            events.unregister("before-send.dynamodb", self._sent)
            events.unregister("response-received.dynamodb", self._received)
            events.unregister("after-call.dynamodb", self._answered)

    def leave_out(self, client: Any) -> None:
        """Leave the time in which an emulator answers this client out, too. Its calls are not counted."""
        client.meta.events.register_first("before-send", self._sent)
        client.meta.events.register("response-received", self._received)

    def _sent(self, **_: object) -> None:
        if not self._own_reading:
            self._sent_at = time.thread_time()

    def _received(self, **_: object) -> None:
        if not self._own_reading:
            self.elsewhere_s += time.thread_time() - self._sent_at

    def _asked(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if self._own_reading:
            return
        self.calls[model.name] += 1
        self._params = params
        if model.name in _WRITES:
            targets = list(_targets(model.name, params))
            self._before = [(table, key, self._read(table, key)) for table, key in targets]

    def _answered(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: object) -> None:
        if self._own_reading or http_response.status_code >= 300:
            return
        if model.name not in _WRITES:
            self.read += _halves_read(model.name, self._params, parsed)
            return
        for table, key, old in self._before:
            new = self._read(table, key)
            self.largest_item = max(self.largest_item, size_of(new))
            self.written[TABLE] += _WRITES[model.name] * _units(max(size_of(old), size_of(new), 1))
            self.written += Counter({index["IndexName"]: _index_units(index, old, new) for index in INDEXES})

    def _read(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        self._own_reading, began = True, time.thread_time()
        try:
            found = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        finally:
            self._own_reading = False
            self.elsewhere_s += time.thread_time() - began
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
        case "SS" | "BS":
            return sum(len(each.encode() if isinstance(each, str) else each) for each in value)
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


def stored_bytes(item: dict[str, Any]) -> int:
    """Return the bytes that DynamoDB bills an item's storage by: its own and its index entries', with 100 more each."""
    kept = [item, *filter(None, (_entry(index, item) for index in INDEXES))]
    return sum(size_of(each) + STORED_BESIDE for each in kept)


def _entry(index: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """Return what an index has of an item; nothing unless the item has the index's keys."""
    names = [part["AttributeName"] for part in index["KeySchema"]]
    if not all(name in item for name in names):
        return {}
    if index["Projection"]["ProjectionType"] == "ALL":
        return item
    keys = {*names, *_TABLE_KEY, *index["Projection"].get("NonKeyAttributes", ())}
    return {name: item[name] for name in keys if name in item}


def _index_units(index: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> int:
    kept = [entry for item in (old, new) if (entry := _entry(index, item))]
    if len(kept) == 2 and kept[0] == kept[1]:
        return 0
    names = [part["AttributeName"] for part in index["KeySchema"]]
    moved = len(kept) == 2 and any(kept[0][name] != kept[1][name] for name in names)
    return (2 if moved else 1) * _units(max(map(size_of, kept))) if kept else 0


def _units(size: int) -> int:
    return -(-size // KIB)


def _halves_read(name: str, params: dict[str, Any], answer: dict[str, Any]) -> Counter[str]:
    """Half units by table or index. An item that is absent, or a page without items, costs as much as a small one."""
    if name == "BatchGetItem":
        ((table, request),) = params["RequestItems"].items()
        found = [*answer["Responses"].get(table, ())]
        sizes = [*map(size_of, found), *[1] * (len(request["Keys"]) - len(found))]
    else:
        request = params
        sizes = [sum(map(size_of, answer.get("Items", [answer.get("Item", {})])))]
    each = 2 if request.get("ConsistentRead") else 1
    return Counter({params.get("IndexName", TABLE): each * sum(-(-max(size, 1) // (4 * KIB)) for size in sizes)})
