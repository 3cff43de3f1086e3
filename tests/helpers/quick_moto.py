"""moto's DynamoDB without what took half of its time. What it answers is the same.

For a transaction, moto copies the whole table once for each action, lest it has to be undone: here only the items that
the actions name are copied. It parses each expression twice and copies the result; for each of its nodes it asks which
kinds of nodes a validator looks at, and counts the clauses below it, of which the root has all. For each value, it asks
every type that it could have, under six names. For each query, it sorts all items of the table, and asks of each text
that it compares whether it is a number, a set, a list, a map or nothing. For each request, it looks for the methods of
its class, and takes 52 letters by lot. Each mock_aws has boto3 make a session, which reads its settings and names its
events anew, and prepares 3,500 answers for `requests`, which nothing here uses.
"""

from __future__ import annotations

import copy
import pickle
from functools import cache
from itertools import count
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.hooks import EventAliaser
from moto.core import models as core_models
from moto.core import responses
from moto.core.serialize import JSONSerializer
from moto.dynamodb import models
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, UpdateExpression
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.parsing.validators import ActionCountValidator, OverlappingPathsValidator
from moto.utilities import aws_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from moto.dynamodb.models.dynamo_type import Item

    Transact = Callable[[Any, list[dict[str, Any]]], None]

ITS_OWN: Final[Transact] = models.DynamoDBBackend.transact_write_items
ITS_STRUCTURE: Final[Callable[..., None]] = JSONSerializer._serialize_type_structure
ITS_VALUE: Final[property] = DynamoType.cast_value
KEY: Final = attrgetter("hash_key.value", "range_key.value")
ITS_START: Final[Callable[..., None]] = EventAliaser.__init__
ITS_PARSING: Final[Callable[[str], UpdateExpression]] = UpdateExpressionParser.make
METHOD_NAMES: Final = cache(responses.method_names_from_class)
NAMES_OF_EVENTS: Final[dict[str, str]] = {}
REQUESTS: Final = count(1)
PLAIN: Final = frozenset({"S", "N", "SS", "NS", "BOOL", "NULL"})  # types whose values are written as they are
PROCESSED: Final[dict[type, tuple[type, ...]]] = {}


def quicken() -> None:
    """Do this for all that is done with moto from now on, and use one session until the end of mock_aws."""
    models.copy = SimpleNamespace(deepcopy=lambda value: value if isinstance(value, Table) else copy.deepcopy(value))
    models.DynamoDBBackend.transact_write_items = _transact
    DepthFirstTraverser.nodes_to_be_processed = _nodes
    UpdateExpressionParser.make = staticmethod(_parsed)
    validators.deepcopy = _as_it_is  # what `make` returns is the caller's own
    ActionCountValidator.traverse = OverlappingPathsValidator.traverse = DepthFirstTraverser.process
    JSONSerializer._serialize_type_structure = _structure
    Table.all_items = _items
    DynamoType.cast_value = property(_value)
    responses.method_names_from_class = METHOD_NAMES
    core_models.RESPONSES_METHODS = []
    aws_headers.gen_amzn_requestid_long = _request_id
    EventAliaser.__init__ = _start  # type: ignore[method-assign, assignment]
    boto3.DEFAULT_SESSION = _session()


def _transact(backend: Any, actions: list[dict[str, Any]]) -> None:
    """Do all of the actions or none."""
    before = [(each, copy.deepcopy(each[0].items[each[1]].get(each[2]))) for each in _places(backend, actions)]
    shards = {id(table): table.stream_shard for (table, *_), _ in before if table.stream_shard}
    lengths = {each: len(shard.items) for each, shard in shards.items()}
    try:
        ITS_OWN(backend, actions)
    except Exception:
        for (table, hash_key, range_key), item in before:
            table.items[hash_key].pop(range_key, None)
            if item is not None:
                table.items[hash_key][range_key] = item
        for each, shard in shards.items():
            del shard.items[lengths[each] :]
        raise


def _places(backend: Any, actions: list[dict[str, Any]]) -> Iterator[tuple[Table, DynamoType, DynamoType]]:
    """The table and the keys of each item that an action names. Each of the tables has a range key."""
    for action in actions:
        (named,) = action.values()
        table = backend.tables[named["TableName"]]
        key = named.get("Key") or named["Item"]
        yield table, DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])


def _nodes(traverser: Any) -> tuple[type, ...]:
    """The kinds of nodes that a traverser processes: the same for all of its class."""
    kind = type(traverser)
    if kind not in PROCESSED:
        PROCESSED[kind] = tuple(traverser._processing_map())
    return PROCESSED[kind]


def _parsed(expression: str) -> UpdateExpression:
    """A tree of the expression, for the caller to change."""
    tree: UpdateExpression = pickle.loads(_pickled(expression))  # noqa: S301 - from the line below
    return tree


@cache
def _pickled(expression: str) -> bytes:
    return pickle.dumps(ITS_PARSING(expression))


def _as_it_is(tree: UpdateExpression) -> UpdateExpression:
    return tree


def _request_id(headers: dict[str, Any] | None = None) -> str:
    """The next id, also among the headers of the answer."""
    found = f"{next(REQUESTS):052}"
    if headers is not None:
        headers["x-amzn-requestid"] = found
    return found


def _structure(serializer: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str) -> None:
    """Write a structure, or a value that moto has as it is to be written."""
    if shape.name == "AttributeValue" and type(value) is dict and value.keys() <= PLAIN:
        serializer._default_serialize(serialized, value, shape, key)
    else:
        ITS_STRUCTURE(serializer, serialized, value, shape, key)


def _items(table: Table) -> list[Item]:
    """The items in the order of their keys, which are texts."""
    return sorted((item for items in table.items.values() for item in items.values()), key=KEY)


def _value(value: DynamoType) -> Any:
    return value.value if value.type == "S" else ITS_VALUE.__get__(value)


def _start(aliaser: Any, *arguments: Any) -> None:
    ITS_START(aliaser, *arguments)
    aliaser._alias_name_cache = NAMES_OF_EVENTS


@cache
def _session() -> boto3.Session:
    return boto3.Session()
