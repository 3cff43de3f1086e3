"""What is used of rate limits, on DynamoDB: an item for each subject and unit, and one for its requests at a time.

============  =========================  ==========================  ==================================
item          PK                         SK                          holds
============  =========================  ==========================  ==================================
rate          ``RATE#<scope>#<id>``      ``requests``                ``tat``, in nanoseconds
rate          ``RATE#<scope>#<id>``      ``tokens/<limit>``          ``tat``, in nanoseconds
leases        ``RATE#<scope>#<id>``      ``leases``                  ``held``, a set of ``<end>#<name>``
============  =========================  ==========================  ==================================

An expression knows no maximum, so that a claim has two forms. Which one it takes is guessed by the TAT that its process
saw last; the old item in a refusal says which one is right, as a TAT never decreases::

    tat is past or absent     SET tat = :next     if  attribute_not_exists(tat) OR tat < :now
    tat is ahead              ADD tat :cost       if  tat >= :now AND tat <= :latest

Names in a set are added and removed without reading it. Where it is full, the refusal shows those whose end has passed:
a crash left them, they are removed, and the claim is made again.

botocore may repeat an UpdateItem whose answer was lost: then one unit more is used than was granted, never one less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.schema import joined
from vectorgate.persistence.dynamodb.table import PATIENT_PAUSES_S, ConditionFailed
from vectorgate.persistence.validation import check_claims, check_lease, check_rate_claim
from vectorgate.store_errors import LimitReached, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable
    from vectorgate.rate_limits.model import Claims, Lease, RateClaim

_RESTART: Final = "SET tat = :next"
_IS_PAST: Final = "attribute_not_exists(tat) OR tat < :now"
_ADVANCE: Final = "ADD tat :cost"
_HAS_ROOM: Final = "tat >= :now AND tat <= :latest"
_IS_AHEAD: Final = "tat >= :now"
_ASK: Final = "attribute_not_exists(tat) OR tat <= :latest"
_HOLD: Final = "ADD held :names"
_HAS_PLACE: Final = "attribute_not_exists(held) OR size(held) < :most"
_RELEASE: Final = "DELETE held :names"
_LEASES: Final = "leases"
_WITH_ITEM: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
ROUNDS: Final = 4  # a wrong guess, leases that a crash left, and both again as another process was faster

Action = tuple[str, dict[str, Any]]


class DynamoRates:
    """RateStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def take(self, claims: Claims) -> Sequence[int]:
        """One UpdateItem for one claim, else one TransactWriteItems."""
        check_claims(claims)
        attempt = ClaimAttempt(self._table, claims)
        for _ in range(ROUNDS):
            try:
                return self._write(attempt.actions(), claims)
            except ConditionFailed as failure:
                attempt.learn(failure.old_items)
        raise other_processes_were_faster()

    def add(self, claim: RateClaim) -> None:
        """One UpdateItem, or two."""
        check_rate_claim(claim)
        known = claim.known_ns
        for _ in range(ROUNDS):
            _, action = _advance(claim, _IS_AHEAD) if known >= claim.now_ns else _restart(claim)
            try:
                self._table.update(action.pop("Key"), **action)
            except ConditionFailed as failure:
                known = _tat(failure.old_items[0])
            else:
                return
        raise other_processes_were_faster()

    def release(self, lease: Lease) -> None:
        """One UpdateItem."""
        check_lease(lease)
        remove_leases(self._table, lease, [_member(lease)])

    def _write(self, actions: Sequence[Action], claims: Claims) -> Sequence[int]:
        if len(actions) != 1 or actions[0][0] != "Update":
            if actions:
                self._table.transact(actions, pauses=PATIENT_PAUSES_S)
            return [0] * len(claims.rates)
        arguments = dict(actions[0][1])
        written = self._table.update(arguments.pop("Key"), **arguments, ReturnValues="UPDATED_NEW")
        return [_tat(written)] * len(claims.rates)


class ClaimAttempt:
    """Claims as actions of a transaction, which learn from the refusals of earlier attempts."""

    def __init__(self, table: DynamoTable, claims: Claims) -> None:
        self._table = table
        self._claims = claims
        self._known = [claim.known_ns for claim in claims.rates]
        self._wanted = list(claims.leases)

    def actions(self) -> list[Action]:
        """One action for each claim."""
        rates = zip(self._claims.rates, self._known, strict=True)
        return [*(_rate_action(claim, known) for claim, known in rates), *map(_hold, self._wanted)]

    def learn(self, old_items: Mapping[int, Item]) -> None:
        """Take into account the items in a refusal, by the places of their actions. LimitReached."""
        wanted, first = list(self._wanted), len(self._known)
        for place, item in sorted(old_items.items()):
            if place < first:
                self._learn_rate(place, _tat(item))
            else:
                self._learn_lease(wanted[place - first], set(item.get("held", {}).get("SS", ())))

    def _learn_rate(self, place: int, tat_ns: int) -> None:
        claim = self._claims.rates[place]
        if tat_ns > claim.latest_ns:
            raise LimitReached(claim, tat_ns)
        self._known[place] = tat_ns

    def _learn_lease(self, lease: Lease, held: set[str]) -> None:
        """Remove what a crash has left. The lease itself is there if botocore repeated an answered request."""
        ended = sorted(name for name in held if int(name.partition("#")[0]) < lease.now_s)
        if _member(lease) in held:
            self._wanted.remove(lease)
        elif ended:
            remove_leases(self._table, lease, ended)
        elif len(held) >= lease.parallel.limit:
            raise LimitReached(lease)


def remove_leases(table: DynamoTable, lease: Lease, members: Sequence[str]) -> None:
    """Remove leases of the same subject, with one UpdateItem that may be repeated."""
    table.update(_leases_key(lease), UpdateExpression=_RELEASE, ExpressionAttributeValues=_names(members))


def other_processes_were_faster() -> StoreUnavailable:
    """The error of a claim that was refused again after each refusal's reason had been removed."""
    return StoreUnavailable("dynamodb: other processes were faster")


def _rate_action(claim: RateClaim, known_ns: int) -> Action:
    if claim.cost == 0:
        values = encoded({":latest": claim.latest_ns})
        return "ConditionCheck", {
            "Key": _rate_key(claim),
            "ConditionExpression": _ASK,
            "ExpressionAttributeValues": values,
            **_WITH_ITEM,
        }
    return _advance(claim, _HAS_ROOM) if known_ns >= claim.now_ns else _restart(claim)


def _restart(claim: RateClaim) -> Action:
    return "Update", {
        "Key": _rate_key(claim),
        "UpdateExpression": _RESTART,
        "ConditionExpression": _IS_PAST,
        "ExpressionAttributeValues": encoded({":now": claim.now_ns, ":next": claim.next_tat(0)}),
        **_WITH_ITEM,
    }


def _advance(claim: RateClaim, condition: str) -> Action:
    values = {":now": claim.now_ns, ":cost": claim.cost_ns}
    if condition == _HAS_ROOM:
        values[":latest"] = claim.latest_ns
    return "Update", {
        "Key": _rate_key(claim),
        "UpdateExpression": _ADVANCE,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": encoded(values),
        **_WITH_ITEM,
    }


def _hold(lease: Lease) -> Action:
    return "Update", {
        "Key": _leases_key(lease),
        "UpdateExpression": _HOLD,
        "ConditionExpression": _HAS_PLACE,
        "ExpressionAttributeValues": _names([_member(lease)]) | encoded({":most": lease.parallel.limit}),
        **_WITH_ITEM,
    }


def _rate_key(claim: RateClaim) -> Item:
    subject = claim.rate.subject
    return {"PK": joined("RATE", subject.scope, subject.id), "SK": joined(claim.rate.row)}


def _leases_key(lease: Lease) -> Item:
    subject = lease.parallel.subject
    return {"PK": joined("RATE", subject.scope, subject.id), "SK": {"S": _LEASES}}


def _member(lease: Lease) -> str:
    return f"{lease.until_s:010d}#{lease.name}"


def _names(members: Sequence[str]) -> Item:
    return {":names": {"SS": members}}


def _tat(item: Item) -> int:
    return int(item["tat"]["N"]) if "tat" in item else 0
