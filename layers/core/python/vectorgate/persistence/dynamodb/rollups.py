"""Rollups in the table: their keys, what is added to them, and how they are read. Pure but for `DynamoTable`.

::

    USE  # key#2026-11#3   <hash of the scope id>#<DD>#<provider>#<operation>#<hash of the facts>

A month's rollups of a scope are in four partitions, by the hash of their scope id: one Query of each reads all of them,
and one Query of one of them those of an id. Rollups of a tenant are under ``USE#tenant#<tenant>#<YYYY-MM>``, without
hash where they have no facts; so were those of other scopes until facts were kept, and they are read there, too.

A histogram's buckets are attributes of their own, `o00` to `u25`, each there if any call is in it. An expression has
to be a constant, so the number of those that one write adds to is rounded up, by adding nothing to further ones.

Where rows are exported in order, those of a store are named in its partition, whose changes the table's stream keeps in
their order: by one of its rollups or, of stores without any, as new ones are, by an item without sums, under the hash
of the empty id. Each key has one in each partition, so that no two settlements contend for one that share no other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from vectorgate.ledger.latencies import BUCKET_NAMES
from vectorgate.ledger.rollups import MEASURES, NO_FACTS, Bucket, Facts, Rollup, Scope, measures_of, store_bucket
from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.schema import joined
from vectorgate.persistence.validation import check_bucket, label_part, month_part, object_part, scope_part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.dynamodb.schema import Action, Attribute, Item

SHARDS: Final = 4
_HASH_DIGITS: Final = 32
_PARTS: Final = 5
_NOTHING: Final = {"S": ""}
_SUMS: Final = {name: f":{name}" for name in MEASURES}
_ADD: Final = (
    "SET scope_id = :scope_id, key_id = :key_id, tenant = :tenant, user_id = :user_id, model_name = "
    ":model ADD calls :calls, failures :failures, spend :spend, tool_calls :tool_calls, tools_spend "
    ":tools_spend, input_tokens :input_tokens, output_tokens :output_tokens, cached_tokens "
    ":cached_tokens, cache_write_tokens :cache_write_tokens, searches :searches, byte_seconds "
    ":byte_seconds, refusals :refusals, upstream_errors :upstream_errors"
)
_NAME: Final = "SET settled = :rows, scope_id = :no_id"  # the release before reads it as a rollup of nothing
_ADD_AND_NAME: Final = (
    "SET settled = :rows, scope_id = :scope_id, key_id = :key_id, tenant = :tenant, user_id = :user_id, model_name = "
    ":model ADD calls :calls, failures :failures, spend :spend, tool_calls :tool_calls, tools_spend "
    ":tools_spend, input_tokens :input_tokens, output_tokens :output_tokens, cached_tokens "
    ":cached_tokens, cache_write_tokens :cache_write_tokens, searches :searches, byte_seconds "
    ":byte_seconds, refusals :refusals, upstream_errors :upstream_errors"
)
_ADD_2: Final = (
    "SET scope_id = :scope_id, key_id = :key_id, tenant = :tenant, user_id = :user_id, model_name = "
    ":model ADD calls :calls, failures :failures, spend :spend, tool_calls :tool_calls, tools_spend "
    ":tools_spend, input_tokens :input_tokens, output_tokens :output_tokens, cached_tokens "
    ":cached_tokens, cache_write_tokens :cache_write_tokens, searches :searches, byte_seconds "
    ":byte_seconds, refusals :refusals, upstream_errors :upstream_errors, #l0 :l0, #l1 :l1"
)
_ADD_8: Final = (
    "SET scope_id = :scope_id, key_id = :key_id, tenant = :tenant, user_id = :user_id, model_name = "
    ":model ADD calls :calls, failures :failures, spend :spend, tool_calls :tool_calls, tools_spend "
    ":tools_spend, input_tokens :input_tokens, output_tokens :output_tokens, cached_tokens "
    ":cached_tokens, cache_write_tokens :cache_write_tokens, searches :searches, byte_seconds "
    ":byte_seconds, refusals :refusals, upstream_errors :upstream_errors, #l0 :l0, #l1 :l1, #l2 :l2, #l3 "
    ":l3, #l4 :l4, #l5 :l5, #l6 :l6, #l7 :l7"
)
_ADD_52: Final = (
    "SET scope_id = :scope_id, key_id = :key_id, tenant = :tenant, user_id = :user_id, model_name = "
    ":model ADD calls :calls, failures :failures, spend :spend, tool_calls :tool_calls, tools_spend "
    ":tools_spend, input_tokens :input_tokens, output_tokens :output_tokens, cached_tokens "
    ":cached_tokens, cache_write_tokens :cache_write_tokens, searches :searches, byte_seconds "
    ":byte_seconds, refusals :refusals, upstream_errors :upstream_errors, #l0 :l0, #l1 :l1, #l2 :l2, #l3 "
    ":l3, #l4 :l4, #l5 :l5, #l6 :l6, #l7 :l7, #l8 :l8, #l9 :l9, #l10 :l10, #l11 :l11, #l12 :l12, #l13 "
    ":l13, #l14 :l14, #l15 :l15, #l16 :l16, #l17 :l17, #l18 :l18, #l19 :l19, #l20 :l20, #l21 :l21, #l22 "
    ":l22, #l23 :l23, #l24 :l24, #l25 :l25, #l26 :l26, #l27 :l27, #l28 :l28, #l29 :l29, #l30 :l30, #l31 "
    ":l31, #l32 :l32, #l33 :l33, #l34 :l34, #l35 :l35, #l36 :l36, #l37 :l37, #l38 :l38, #l39 :l39, #l40 "
    ":l40, #l41 :l41, #l42 :l42, #l43 :l43, #l44 :l44, #l45 :l45, #l46 :l46, #l47 :l47, #l48 :l48, #l49 "
    ":l49, #l50 :l50, #l51 :l51"
)


def rollup_key(bucket: Bucket) -> Item:
    """The primary key of a rollup."""
    check_bucket(bucket)
    month, day = bucket.day[:7], bucket.day[8:]
    parts = (day, object_part(bucket.provider), label_part(bucket.operation))
    facts = () if bucket.facts == NO_FACTS else (_hash("\0".join(bucket.facts)),)
    if bucket.scope is Scope.TENANT or not facts:
        return {"PK": partition_of_id(bucket.scope, bucket.scope_id, month), "SK": joined(*parts, *facts)}
    return {
        "PK": partition_of_month(bucket.scope, month, shard_of_id(bucket.scope_id)),
        "SK": joined(_hash(bucket.scope_id), *parts, *facts),
    }


def partition_of_id(scope: Scope, scope_id: str, month: str) -> Attribute:
    """The partition of one month's rollups of a tenant or, without facts, of another id."""
    return joined("USE", scope, scope_part(scope, scope_id), month_part(month))


def partition_of_month(scope: Scope, month: str, shard: int) -> Attribute:
    """The partition of a quarter of a month's rollups of a scope."""
    return joined("USE", scope, month_part(month), str(shard))


def shard_of_id(scope_id: str) -> int:
    """The quarter of an id. Part of stored keys: it must never change."""
    return crc32(scope_id.encode()) % SHARDS


def prefix_of_id(scope_id: str) -> Attribute:
    """How the sort keys of an id's rollups begin there."""
    return {"S": _hash(scope_id) + "#"}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def add_action(rollup: Rollup, rows: Sequence[str] = ()) -> Action:
    """Add the sums to their item: two units, for it is under a KiB, unless it names over 16 `rows`.

    A store's names none of an earlier settlement: the exporter would send them again, behind later ones.
    """
    names, names_rows = _padded([name for name, _ in rollup.latencies]), rollup.bucket.scope is Scope.STORE
    match len(names):
        case 0:
            expression = _ADD_AND_NAME if names_rows else _ADD
        case 2:
            expression = _ADD_2
        case 8:
            expression = _ADD_8
        case _:
            expression = _ADD_52
    counts = dict(rollup.latencies)
    values = {f":l{place}": counts.get(name, 0) for place, name in enumerate(names)}
    sums = dict(zip(_SUMS.values(), measures_of(rollup), strict=True))
    named_rows = {":rows": " ".join(rows)} if names_rows else {}
    update = {
        "Key": rollup_key(rollup.bucket),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": encoded({**_facts(rollup.bucket), **sums, **values, **named_rows}),
    }
    named = {f"#l{place}": name for place, name in enumerate(names)}
    return "Update", {**update, "ExpressionAttributeNames": named} if named else update


def _facts(bucket: Bucket) -> dict[str, str]:
    facts = bucket.facts
    names = {":key_id": facts.key_id, ":tenant": facts.tenant, ":user_id": facts.user_id, ":model": facts.model}
    return {":scope_id": bucket.scope_id, **names}


def _padded(names: list[str]) -> list[str]:
    """The names, with others behind them so that there are as many as an expression has."""
    if not names:
        return []
    size = next(size for size in (2, 8, len(BUCKET_NAMES)) if len(names) <= size)
    return [*names, *(name for name in BUCKET_NAMES if name not in names)][:size]


def rollup_of_item(item: Mapping[str, Mapping[str, Any]]) -> Rollup:
    """The inverse of `add_action`, without latencies."""
    _, scope, first, second = item["PK"]["S"].split("#")
    parts = item["SK"]["S"].split("#")
    if len(parts) == _PARTS:  # hash of the id, day, provider, operation, hash of the facts
        month, parts = first, parts[1:]
        scope_id = item["scope_id"]["S"]
    else:
        scope_id, month = first, second
    day, provider, operation = parts[:3]
    facts = Facts(*(item.get(name, _NOTHING)["S"] for name in ("key_id", "tenant", "user_id", "model_name")))
    bucket = Bucket(Scope(scope), scope_id, f"{month}-{day}", provider, operation, facts)
    sums = {name: int(item[name]["N"]) for name in MEASURES if name in item}
    return Rollup(bucket, **sums)  # type: ignore[arg-type] # NanoUSD is an int


def has_sums(item: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the item is a rollup, and does not only name rows."""
    return "calls" in item


def latencies_of_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The calls by bucket of a histogram."""
    return {name: int(item[name]["N"]) for name in BUCKET_NAMES if name in item}


def settle_actions(
    settled: Sequence[LedgerEntry], rollups: Sequence[Rollup], *, exported_in_order: bool
) -> list[Action]:
    """Add the sums, and name the rows of each store in the order of their calls.

    The exporter reads them in the table's stream, which has the items of one transaction in any order.
    `exported_in_order`: there is one that does, for which rows are named that count in no sum of their store.
    """
    of_sums, of_none = _named_rows(settled, {rollup.bucket for rollup in rollups})
    actions = [add_action(rollup, of_sums.get(rollup.bucket, ())) for rollup in rollups]
    return actions + [_name_action(*key, rows) for key, rows in of_none.items()] if exported_in_order else actions


def _named_rows(
    settled: Sequence[LedgerEntry], counted: Collection[Bucket]
) -> tuple[Mapping[Bucket, list[str]], Mapping[tuple[str, str], list[str]]]:
    """Rows by the one of their store's rollups that names them; and by the key of an item, of stores without one."""
    of_sums, of_none = dict[Bucket, list[str]](), defaultdict[tuple[str, str], list[str]](list)
    for store, entries in _by_store(settled):
        ids: list[str] = [entry.id for entry in entries]
        buckets = {store_bucket(entry, store) for entry in entries}
        if sums := buckets.intersection(counted):
            of_sums[min(sums)] = ids
        else:
            of_none[_place_of_names(min(buckets))] += ids
    return of_sums, of_none


def _by_store(settled: Sequence[LedgerEntry]) -> Iterator[tuple[str, list[LedgerEntry]]]:
    stores: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in sorted(settled, key=attrgetter("started_ms", "id")):
        if entry.vector_store_id is not None:
            stores.setdefault((entry.provider or "-", entry.vector_store_id), []).append(entry)
    return ((store, entries) for (_, store), entries in stores.items())


def _place_of_names(bucket: Bucket) -> tuple[str, str]:
    """Primary key, in the partition of the store's bucket, of what names the rows of stores without sums."""
    key = rollup_key(bucket)
    return key["PK"]["S"], _hash("") + key["SK"]["S"][_HASH_DIGITS:]


def _name_action(partition: str, sort: str, rows: Sequence[str]) -> Action:
    """Name rows: two units for up to 24 of them."""
    return "Update", {
        "Key": {"PK": {"S": partition}, "SK": {"S": sort}},
        "UpdateExpression": _NAME,
        "ExpressionAttributeValues": encoded({":rows": " ".join(rows), ":no_id": ""}),
    }
