"""What is used of rate limits, on DynamoDB: an item for each subject and unit, and one for its requests at a time.

============  =========================  ==========================  ==================================
item          PK                         SK                          holds
============  =========================  ==========================  ==================================
rate          ``RATE#<scope>#<id>``      ``requests``                ``tat``, in nanoseconds
rate          ``RATE#<scope>#<id>``      ``tokens/<limit>``          ``tat``, in nanoseconds
leases        ``RATE#<scope>#<id>``      ``leases``                  ``held``, a set of ``<end>#<name>``
============  =========================  ==========================  ==================================

An expression knows no maximum, so that a claim has two forms. Which one it takes is guessed by the TAT that its process
saw last; the old item in a refusal says which one is right::

    tat is past or absent     SET tat = :next     if  attribute_not_exists(tat) OR tat < :now
    tat is ahead              ADD tat :cost       if  tat >= :now AND tat <= :latest

Names in a set are added and removed without reading it. Where it is full, the refusal shows those whose end has passed:
a crash left them, they are removed, and the claim is made again.

Each claim is a write of its own, for two transactions on one item conflict. If one is refused, those before it are
given back: until then they count.

botocore may repeat an UpdateItem whose answer was lost: then one unit more is used than was granted, never one less.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.schema import joined
from vectorgate.persistence.dynamodb.table import ConditionFailed
from vectorgate.persistence.validation import check_claims, check_lease, check_rate_claim
from vectorgate.store_errors import LimitReached, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable
    from vectorgate.rate_limits.model import Claims, Lease, RateClaim

_RESTART: Final = "SET tat = :next"
_IS_PAST: Final = "attribute_not_exists(tat) OR tat < :now"
_ADVANCE: Final = "ADD tat :cost"
_HAS_ROOM: Final = "tat >= :now AND tat <= :latest"
_IS_AHEAD: Final = "tat >= :now"
_HOLD: Final = "ADD held :names"
_HAS_PLACE: Final = "attribute_not_exists(held) OR size(held) < :most"
_RELEASE: Final = "DELETE held :names"
_LEASES: Final = "leases"
_WITH_ITEM: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
ROUNDS: Final = 4  # a wrong guess, leases that a crash left, and both again as another process was faster


class DynamoRates:
    """RateStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def take(self, claims: Claims) -> Sequence[int]:
        """One UpdateItem for each claim, or two; one BatchGetItem for one that only asks."""
        check_claims(claims)
        for claim in claims.rates:
            if claim.cost == 0:
                self._ask(claim)
        held: list[Lease] = []
        tats: list[int] = []
        try:
            for lease in claims.leases:
                self._hold(lease)
                held.append(lease)
            for claim in claims.rates:
                tats.append(self._use(claim) if claim.cost else 0)  # noqa: PERF401 - those before a refused one count
        except StoreError:
            self._give_back(held, claims.rates[: len(tats)])
            raise
        return tats

    def add(self, claim: RateClaim) -> None:
        """One UpdateItem, or two."""
        check_rate_claim(claim)
        known = claim.known_ns
        for _ in range(ROUNDS):
            action = _advance(claim, _IS_AHEAD) if known >= claim.now_ns else _restart(claim)
            try:
                self._table.update(_rate_key(claim), **action)
            except ConditionFailed as failure:
                known = _tat(failure.old_items[0])
            else:
                return
        raise other_processes_were_faster()

    def release(self, lease: Lease) -> None:
        """One UpdateItem."""
        check_lease(lease)
        remove_leases(self._table, lease, [_member(lease)])

    def _ask(self, claim: RateClaim) -> None:
        for item in self._table.batch_get([_rate_key(claim)]):
            if _tat(item) > claim.latest_ns:
                raise LimitReached(claim, _tat(item))

    def _use(self, claim: RateClaim) -> int:
        """Use the units of a claim if there are some; the TAT then. LimitReached."""
        known = claim.known_ns
        for _ in range(ROUNDS):
            action = _advance(claim, _HAS_ROOM) if known >= claim.now_ns else _restart(claim)
            try:
                return _tat(self._table.update(_rate_key(claim), **action, ReturnValues="UPDATED_NEW"))
            except ConditionFailed as failure:
                known = _tat(failure.old_items[0])
                if known > claim.latest_ns:
                    raise LimitReached(claim, known) from failure
        raise other_processes_were_faster()

    def _hold(self, lease: Lease) -> None:
        """Take a place. What a crash has left is removed. LimitReached."""
        for _ in range(ROUNDS):
            try:
                self._table.update(_leases_key(lease), **_hold(lease))
            except ConditionFailed as failure:
                held = set(failure.old_items[0].get("held", {}).get("SS", ()))
                if _member(lease) in held:
                    return  # botocore repeated a request whose answer was lost
                ended = sorted(name for name in held if int(name.partition("#")[0]) < lease.now_s)
                if not ended:
                    raise LimitReached(lease) from failure
                remove_leases(self._table, lease, ended)
            else:
                return
        raise other_processes_were_faster()

    def _give_back(self, held: Sequence[Lease], used: Sequence[RateClaim]) -> None:
        """Give back what was taken before another claim was refused; it is used if that fails."""
        for lease in held:
            with suppress(StoreError):
                self.release(lease)
        for claim in used:
            if claim.cost:
                back = encoded({":cost": -claim.cost_ns})
                with suppress(StoreError):
                    self._table.update(_rate_key(claim), UpdateExpression=_ADVANCE, ExpressionAttributeValues=back)


def remove_leases(table: DynamoTable, lease: Lease, members: Sequence[str]) -> None:
    """Remove leases of the same subject, with one UpdateItem that may be repeated."""
    table.update(_leases_key(lease), UpdateExpression=_RELEASE, ExpressionAttributeValues=_names(members))


def other_processes_were_faster() -> StoreUnavailable:
    """The error of a claim that was refused again after each refusal's reason had been removed."""
    return StoreUnavailable("dynamodb: other processes were faster")


def _restart(claim: RateClaim) -> dict[str, Any]:
    return {
        "UpdateExpression": _RESTART,
        "ConditionExpression": _IS_PAST,
        "ExpressionAttributeValues": encoded({":now": claim.now_ns, ":next": claim.next_tat(0)}),
        **_WITH_ITEM,
    }


def _advance(claim: RateClaim, condition: str) -> dict[str, Any]:
    values = {":now": claim.now_ns, ":cost": claim.cost_ns}
    if condition == _HAS_ROOM:
        values[":latest"] = claim.latest_ns
    return {
        "UpdateExpression": _ADVANCE,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": encoded(values),
        **_WITH_ITEM,
    }


def _hold(lease: Lease) -> dict[str, Any]:
    return {
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
