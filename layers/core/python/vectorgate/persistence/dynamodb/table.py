"""The table's client, and the one place where botocore's errors become ours.

Three kinds of "no" come back from DynamoDB, and each gets one treatment:

* refused: a condition did not hold. Nothing was written. `Refused`, which the adapters turn into AlreadyExists or
  StateConflict.
* contended: another transaction holds the item, or the table is throttled. Nothing was written. Tried again here,
  a few times with full jitter, then StoreUnavailable. So is our own transaction while it is still executed, which
  botocore's repetition of it is told of: asked again by the same client token, it answers for the first.
* anything else, timeouts first of all: StoreUnavailable, and whether it was written is unknown.

botocore itself repeats a request whose answer was lost. That is safe for a transaction, which carries a client token,
and for reads. A conditional Put would then meet its own first attempt::

    here                                   DynamoDB
    Put if state=started, mark=7f3a  ----> done
                            (lost)   <----
    the same request again           ----> refused: the state is no longer `started`
    refused, the row there has mark=7f3a: it is ours  ==> success

Hence the `mark`, fresh for each Put, and the old row in the refusal (`ReturnValuesOnConditionCheckFailure`).
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from types_boto3_dynamodb import DynamoDBClient

    from vectorgate.clock import Clock, Random
    from vectorgate.persistence.dynamodb.schema import Attribute, Item

Answer = TypeVar("Answer")

CONNECT_TIMEOUT_S: Final = 1
READ_TIMEOUT_S: Final = 2
ATTEMPTS: Final = 3
# Upper bounds of the pauses before a contended request is tried again; TransactionConflict passes within milliseconds.
PAUSES_S: Final = (0.025, 0.05, 0.1, 0.2)
# One account can be what a thousand requests wait for: a refusal then would be a false one.
PATIENT_PAUSES_S: Final = (*PAUSES_S, 0.4, 0.8, 0.8, 0.8, 0.8, 0.8)
# Limits of BatchGetItem, and what one page of a query holds here.
BATCH: Final = 100
PAGE: Final = 100

IS_NEW: Final = "attribute_not_exists(PK)"
# An administrator's row of before there were versions counts as the first.
_IS_OF_VERSION: Final = "version = :before OR (attribute_exists(PK) AND attribute_not_exists(version))"
_ONLY_STATE: Final = "PK, #state"
STATE_NAME: Final = {"#state": "state"}

_CANCELLED = "TransactionCanceledException"
_REFUSED = "ConditionalCheckFailed"
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


class Refused(Exception):
    """A condition did not hold and nothing was written.

    `olds`: for each action of the request whose condition failed, its place and the item that stood there.
    """

    def __init__(self, olds: Mapping[int, Item]) -> None:
        super().__init__("a condition did not hold")
        self.olds = olds


class DynamoTable:
    """The table `name`. Making one costs nothing: boto3 is imported and the client made at the first request."""

    def __init__(
        self, name: str, *, clock: Clock, randomness: Random, region: str | None = None, endpoint_url: str | None = None
    ) -> None:
        self.name = name
        self._clock = clock
        self._chance = randomness
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def client(self) -> DynamoDBClient:
        """The low-level client of boto3's default session: ~250 ms, once."""
        import boto3  # noqa: PLC0415  # a cold start that needs no table does not pay for it
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        return boto3.client("dynamodb", region_name=self._region, endpoint_url=self._endpoint_url, config=config)

    def put(self, item: Item, **condition: Any) -> None:  # noqa: ANN401  # PutItem's own arguments
        """One conditional PutItem of a whole item. Refused, or StoreUnavailable."""
        mark = {"S": format(self._chance.bits(64), "016x")}
        try:
            self._ask(
                lambda: self.client.put_item(
                    TableName=self.name,
                    Item=item | {"mark": mark},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
            )
        except Refused as refused:
            if refused.olds[0].get("mark") != mark:
                raise

    def transact(self, actions: Sequence[tuple[str, dict[str, Any]]], *, pauses: Sequence[float] = PAUSES_S) -> None:
        """One TransactWriteItems of (`Put` | `Update` | `Delete` | `ConditionCheck`, its arguments): twice the units.

        `pauses`: how long, at most, before each further attempt at items that are contended for.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415

        items: list[Any] = [{kind: {"TableName": self.name, **arguments}} for kind, arguments in actions]
        token = ""

        def send() -> object:
            nonlocal token
            token = token or format(self._chance.bits(128), "032x")
            try:
                return self.client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except ClientError as error:
                if error.response["Error"]["Code"] == _CANCELLED:
                    token = ""  # this one was decided: the next attempt is another transaction
                raise

        self._ask(send, pauses)

    def get(self, key: Item) -> Item | None:
        """One consistent GetItem."""
        found: Any = self._ask(lambda: self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True))
        item: Item | None = found.get("Item")
        return item

    def delete(self, key: Item) -> bool:
        """One DeleteItem; whether there was something."""
        gone: Any = self._ask(lambda: self.client.delete_item(TableName=self.name, Key=key, ReturnValues="ALL_OLD"))
        return "Attributes" in gone

    def batch_get(self, keys: Sequence[Item], *, consistent: bool = True, only_state: bool = False) -> Iterator[Item]:
        """The items of those keys (no key twice) that exist, in no order. One BatchGetItem for each 100."""
        wanted: dict[str, Any] = {"ConsistentRead": consistent}
        if only_state:
            wanted |= {"ProjectionExpression": _ONLY_STATE, "ExpressionAttributeNames": STATE_NAME}
        for first in range(0, len(keys), BATCH):
            yield from self._batch(wanted | {"Keys": keys[first : first + BATCH]})

    def query(
        self,
        condition: str,
        values: Mapping[str, Attribute],
        *,
        limit: int = PAGE,
        **how: Any,  # noqa: ANN401  # Query's own arguments
    ) -> Iterator[Item]:
        """The items of one partition, a page of `limit` at a time and no page before it is needed."""
        ask: partial[Any] = partial(
            self.client.query,
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            Limit=limit,
            **how,
        )
        page = self._ask(ask)
        yield from page["Items"]
        while "LastEvaluatedKey" in page:
            page = self._ask(partial(ask, ExclusiveStartKey=page["LastEvaluatedKey"]))
            yield from page["Items"]

    def _batch(self, request: dict[str, Any]) -> Iterator[Item]:
        # A throttled table answers a part and names the rest.
        pending: dict[str, Any] = {self.name: request}
        for pause in (*PAUSES_S, None):
            answer: Any = self._ask(partial(self.client.batch_get_item, RequestItems=pending))
            yield from answer["Responses"].get(self.name, ())
            pending = answer.get("UnprocessedKeys") or {}
            if not pending:
                return
            self._rest(pause, "keys were left unprocessed")

    def _ask(self, send: Callable[[], Answer], pauses: Sequence[float] = PAUSES_S) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        for pause in (*pauses, None):
            try:
                return send()
            except ClientError as error:
                if not _is_contended(_outcomes(error.response)):
                    raise StoreUnavailable(f"dynamodb: {error}") from error
                self._rest(pause, f"dynamodb: {error}")
            except (BotoCoreError, ResponseParserError) as error:
                raise StoreUnavailable(f"dynamodb: {error}") from error
        raise AssertionError("the last pause raises")

    def _rest(self, pause: float | None, why: str) -> None:
        if pause is None:
            raise StoreUnavailable(why)
        self._clock.sleep(pause * self._chance.fraction())


def of_version(version: int) -> dict[str, Any]:
    """A PutItem's condition: the row was written so often before."""
    return {"ConditionExpression": _IS_OF_VERSION, "ExpressionAttributeValues": {":before": {"N": str(version)}}}


def _outcomes(response: Mapping[str, Any]) -> list[str]:
    """Why each action failed, in their order, without those that did not. Refused when a condition was the reason."""
    code = response.get("Error", {}).get("Code", "")
    if code == _CANCELLED:
        reasons = response.get("CancellationReasons", [])
    else:
        reasons = [{"Code": code.removesuffix("Exception"), "Item": response.get("Item", {})}]
    olds = {place: reason.get("Item", {}) for place, reason in enumerate(reasons) if reason.get("Code") == _REFUSED}
    if olds:
        raise Refused(olds)
    return [reason["Code"] for reason in reasons if reason.get("Code", "None") != "None"]


def _is_contended(outcomes: Sequence[str]) -> bool:
    return bool(outcomes) and _CONTENDED.issuperset(outcomes)
