"""The table's client, and the one place where botocore's errors become ours.

DynamoDB fails in three ways, and each is treated in one way:

* refused: a condition did not hold, and nothing was written. `ConditionFailed`, which the adapters turn into
  AlreadyExists or StateConflict.
* contended: another transaction holds the item, or the table is throttled; nothing was written. Tried again here, a few
  times with full jitter, then StoreUnavailable. The same holds for TransactionInProgress, which botocore's repetition
  of our own transaction may get: a further attempt by the same client token is answered for the first one.
* anything else, timeouts above all: StoreUnavailable, and whether it was written is unknown.

botocore repeats a request whose answer was lost. That is safe for reads, and for a transaction, which has a client
token. A conditional Put can fail because of its own first attempt::

    here                                   DynamoDB
    Put if state=started, mark=7f3a  ----> done
                            (lost)   <----
    the same request again           ----> refused: the state is no longer `started`
    refused, the row there has mark=7f3a: it is ours  ==> success

Hence the `mark`, new for each Put, and the old row in the refusal (`ReturnValuesOnConditionCheckFailure`).
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from vectorgate.aws.client import aws_client
from vectorgate.classes import dataclass
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from types_boto3_dynamodb import DynamoDBClient

    from vectorgate.clock import Clock, Random
    from vectorgate.persistence.dynamodb.schema import Action, Attribute, Item

Answer = TypeVar("Answer")

CONNECT_TIMEOUT_S: Final = 1
READ_TIMEOUT_S: Final = 2
ATTEMPTS: Final = 3
# Upper bounds of the pauses before a contended request is tried again; TransactionConflict passes within milliseconds.
PAUSES_S: Final = (0.025, 0.05, 0.1, 0.2)
# A thousand requests may contend for one account; a failure then would say falsely that it has no room.
PATIENT_PAUSES_S: Final = (*PAUSES_S, 0.4, 0.8, 0.8, 0.8, 0.8, 0.8)
# Keys of one BatchGetItem, which is its limit, and items of one page of a query.
BATCH: Final = 100
PAGE: Final = 100

_IS_THERE: Final = "attribute_exists(PK)"
IS_NEW: Final = "attribute_not_exists(PK)"
# Keys and limits of early releases have no version: they count as version 1.
_IS_OF_VERSION: Final = "version = :before OR (attribute_exists(PK) AND attribute_not_exists(version))"
STATE_NAME: Final = {"#state": "state"}
# What `batch_get` reads of each item, as BatchGetItem takes it.
_WHOLE: Final[Mapping[str, Any]] = {}
STATE_ALONE: Final[Mapping[str, Any]] = {
    "ProjectionExpression": "PK, #state, reserving",
    "ExpressionAttributeNames": STATE_NAME,
}
# Of an account: the operations that it holds may be some kilobytes.
SUMS_ALONE: Final[Mapping[str, Any]] = {"ProjectionExpression": "PK, SK, form, committed, reserved, spent"}

_CANCELLED = "TransactionCanceledException"
_CONDITION_FAILED = "ConditionalCheckFailed"
# As codes of errors and, without "Exception", as reasons of a cancelled transaction.
_CONTENDED = frozenset(
    {
        "TransactionConflict",
        "TransactionInProgress",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "Throttling",
        "RequestLimitExceeded",
    }
)


class ConditionFailed(Exception):
    """A condition did not hold and nothing was written.

    `old_items`: by the place of each action whose condition failed, the item that is in the table.
    """

    def __init__(self, old_items: Mapping[int, Item]) -> None:
        super().__init__("a condition did not hold")
        self.old_items = old_items


@dataclass(frozen=True, slots=True)
class Page:
    """Items, and the key of the last one that was looked at; None at the partition's end."""

    items: Sequence[Item]
    last: Item | None


class DynamoTable:
    """The table `name`. boto3 is imported, and its client made, by `opened` or at the first request."""

    def __init__(
        self, name: str, *, clock: Clock, randomness: Random, region: str | None = None, endpoint_url: str | None = None
    ) -> None:
        self.name = name
        self.clock = clock
        self._randomness = randomness
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def client(self) -> DynamoDBClient:
        """The low-level client; making it takes about 250 ms, once."""
        client: DynamoDBClient = aws_client(
            "dynamodb",
            region=self._region,
            endpoint_url=self._endpoint_url,
            connect_s=CONNECT_TIMEOUT_S,
            read_s=READ_TIMEOUT_S,
            attempts=ATTEMPTS,
        )
        return client

    def opened(self) -> Self:
        """Make the client now, and not in a request."""
        _ = self.client
        return self

    def chance(self, one_in: int) -> bool:
        """Whether it is the turn of something that is done once in so many times."""
        return self._randomness.fraction() * one_in < 1

    def disconnect(self) -> None:
        """Close the client's connections; a later request opens new ones."""
        self.client.close()

    def put(self, item: Item, beside: Sequence[Action] = (), **condition: Any) -> None:  # noqa: ANN401  # PutItem's own
        """One conditional PutItem of a whole item. ConditionFailed or StoreUnavailable.

        With `beside` one TransactWriteItems of the Put and those actions.
        """
        if beside:
            self.transact([("Put", {"Item": item, **condition}), *beside])
            return
        mark = {"S": format(self._randomness.bits(64), "016x")}
        try:
            self._request(
                lambda: self.client.put_item(
                    TableName=self.name,
                    Item=item | {"mark": mark},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
            )
        except ConditionFailed as failure:
            if failure.old_items[0].get("mark") != mark:
                raise

    def update(self, key: Item, *, pauses: Sequence[float] = PAUSES_S, **arguments: Any) -> Item:  # noqa: ANN401  # UpdateItem's own
        """One UpdateItem that may be repeated; the attributes that it returns. ConditionFailed or StoreUnavailable.

        `pauses`: as of `transact`.
        """
        done: Any = self._request(lambda: self.client.update_item(TableName=self.name, Key=key, **arguments), pauses)
        attributes: Item = done.get("Attributes", {})
        return attributes

    def transact(self, actions: Sequence[tuple[str, dict[str, Any]]], *, pauses: Sequence[float] = PAUSES_S) -> None:
        """One TransactWriteItems of (`Put` | `Update` | `Delete` | `ConditionCheck`, its arguments): twice the units.

        `pauses`: seconds, at most, before each further attempt at items that are contended for. ConditionFailed or
        StoreUnavailable.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415

        items: list[Any] = [{kind: {"TableName": self.name, **arguments}} for kind, arguments in actions]
        token = ""

        def send() -> object:
            nonlocal token
            token = token or format(self._randomness.bits(128), "032x")
            try:
                return self.client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except ClientError as error:
                if error.response["Error"]["Code"] == _CANCELLED:
                    token = ""  # this transaction has ended: the next attempt is another one
                raise

        self._request(send, pauses)

    def get(self, key: Item) -> Item | None:
        """One consistent GetItem."""
        found: Any = self._request(lambda: self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True))
        item: Item | None = found.get("Item")
        return item

    def delete(self, key: Item, beside: Sequence[Action] = ()) -> bool:
        """One DeleteItem; whether there was an item. With `beside` one TransactWriteItems, if there was one."""
        if beside:
            return self._delete_with(key, beside)
        deleted: Any = self._request(
            lambda: self.client.delete_item(TableName=self.name, Key=key, ReturnValues="ALL_OLD")
        )
        return "Attributes" in deleted

    def _delete_with(self, key: Item, beside: Sequence[Action]) -> bool:
        try:
            self.transact([("Delete", {"Key": key, "ConditionExpression": _IS_THERE}), *beside])
        except ConditionFailed:
            return False
        return True

    def batch_get(
        self, keys: Sequence[Item], *, consistent: bool = True, only: Mapping[str, Any] = _WHOLE
    ) -> Iterator[Item]:
        """The items of those keys (no key twice) that exist, in no order. One BatchGetItem for each 100.

        `only`: STATE_ALONE or SUMS_ALONE.
        """
        for first in range(0, len(keys), BATCH):
            yield from self._batch({"ConsistentRead": consistent, **only, "Keys": keys[first : first + BATCH]})

    def query(
        self,
        condition: str,
        values: Mapping[str, Attribute],
        *,
        limit: int = PAGE,
        **how: Any,  # noqa: ANN401  # Query's own arguments
    ) -> Iterator[Item]:
        """The items of one partition, a page of `limit` at a time, each read when it is needed."""
        read = self._query(condition, values, Limit=limit, **how)
        page = self._request(read)
        yield from page["Items"]
        while "LastEvaluatedKey" in page:
            page = self._request(partial(read, ExclusiveStartKey=page["LastEvaluatedKey"]))
            yield from page["Items"]

    def query_page(
        self,
        condition: str,
        values: Mapping[str, Attribute],
        *,
        limit: int,
        **how: Any,  # noqa: ANN401  # Query's own arguments
    ) -> Page:
        """The items of one partition among `limit` that are looked at, and the key of the last one if others follow."""
        found = self._request(self._query(condition, values, Limit=limit, **how))
        return Page(found["Items"], found.get("LastEvaluatedKey"))

    def _query(self, condition: str, values: Mapping[str, Attribute], **how: Any) -> partial[Any]:  # noqa: ANN401  # Query's own
        return partial(
            self.client.query,
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **how,
        )

    def _batch(self, request: dict[str, Any]) -> Iterator[Item]:
        # A throttled table returns some of the items, and names the keys of the others.
        pending: dict[str, Any] = {self.name: request}
        for pause in (*PAUSES_S, None):
            answer: Any = self._request(partial(self.client.batch_get_item, RequestItems=pending))
            yield from answer["Responses"].get(self.name, ())
            pending = answer.get("UnprocessedKeys") or {}
            if not pending:
                return
            self._pause(pause, "keys were left unprocessed")

    def _request(self, send: Callable[[], Answer], pauses: Sequence[float] = PAUSES_S) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        for pause in (*pauses, None):
            try:
                return send()
            except ClientError as error:
                if not _is_contended(_failure_codes(error.response)):
                    raise StoreUnavailable(f"dynamodb: {error}") from error
                self._pause(pause, f"dynamodb: {error}")
            except (BotoCoreError, ResponseParserError) as error:
                raise StoreUnavailable(f"dynamodb: {error}") from error
        raise AssertionError("the last pause raises")

    def _pause(self, pause: float | None, why: str) -> None:
        if pause is None:
            raise StoreUnavailable(why)
        self.clock.sleep(pause * self._randomness.fraction())


def version_condition(version: int) -> dict[str, Any]:
    """A PutItem's condition: the item in the table is of this version."""
    return {"ConditionExpression": _IS_OF_VERSION, "ExpressionAttributeValues": {":before": {"N": str(version)}}}


def _failure_codes(response: Mapping[str, Any]) -> list[str]:
    """The codes of the failed actions, in their order. ConditionFailed when a condition was the reason of any."""
    code = response.get("Error", {}).get("Code", "")
    if code == _CANCELLED:
        reasons = response.get("CancellationReasons", [])
    else:
        reasons = [{"Code": code.removesuffix("Exception"), "Item": response.get("Item", {})}]
    old_items = {
        place: reason.get("Item", {}) for place, reason in enumerate(reasons) if reason.get("Code") == _CONDITION_FAILED
    }
    if old_items:
        raise ConditionFailed(old_items)
    return [reason["Code"] for reason in reasons if reason.get("Code", "None") != "None"]


def _is_contended(codes: Sequence[str]) -> bool:
    return bool(codes) and _CONTENDED.issuperset(codes)
