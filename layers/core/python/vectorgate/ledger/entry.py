r"""The states of an operation's row and the transitions between them. Pure.

::

    started --> answered --> settled
       |  \--> uncertain --> answered | voided      (or `uncertain` again, after a search found nothing)
       \-----> voided

`started` is written before anything is forwarded, so that a crash leaves a trace of every call that may have reached
the provider. `settled` and `voided` are terminal: they never change, and a correction is a new row.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectId, ObjectKind, OperationId, ProviderName
from vectorgate.providers.openai import snapshot_of
from vectorgate.tenancy.ownership import MAX_CREATED_AT, ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.clock import Clock, Random
    from vectorgate.ids import KeyId, TenantId
    from vectorgate.pricing.money import NanoUSD

Scalar: TypeAlias = str | int | tuple[str, ...]


_UUID7_VERSION = 0x7 << 76
_UUID7_VARIANT = 0b10 << 62
_LISTS = ("tags", "budgets", "quarantined", "tool_calls", "searched_stores", "ceiling", "kept_stores", "kept_tools")
_FIRST_ERROR = 400  # HTTP statuses from here on are failures


class State(StrEnum):
    """The state of an operation."""

    STARTED = "started"
    ANSWERED = "answered"
    UNCERTAIN = "uncertain"
    VOIDED = "voided"
    SETTLED = "settled"


class Resolution(StrEnum):
    """How an unknown outcome was resolved; the row keeps it."""

    TAG = "tag"  # the object names the operation
    FUZZY_FINGERPRINT = "likeness"  # weak: an unowned object has the properties that were requested
    OWNER = "owner"  # the object's ownership names the operation
    OBJECT = "object"  # the operation's effect on its object is there
    ABSENT = "absent"  # two searches found nothing
    DUPLICATE = "duplicate"  # an attempt of a create that was sent again: its object was removed
    AMBIGUOUS = "ambiguous"  # objects match, but they could be other operations'
    ESTIMATE = "estimate"  # a stream that broke: its usage is an estimate, for the provider does not keep the response
    CEILING = "ceiling"  # a response whose answer was lost: its usage is the most that it may have used
    UNKNOWABLE = "unknowable"  # the provider has no way to tell; repeating the operation is harmless


SUCCESSORS: Mapping[State, frozenset[State]] = {
    State.STARTED: frozenset({State.ANSWERED, State.UNCERTAIN, State.VOIDED}),
    State.UNCERTAIN: frozenset({State.UNCERTAIN, State.ANSWERED, State.VOIDED}),  # itself: a first search found nothing
    State.ANSWERED: frozenset({State.SETTLED}),
    State.VOIDED: frozenset(),
    State.SETTLED: frozenset(),
}


_NOT_ENDED: Final[Mapping[State, str]] = {State.STARTED: "pending", State.UNCERTAIN: "uncertain"}
OUTCOMES: Final = ("success", "failure", *_NOT_ENDED.values())


class IllegalTransition(Exception):
    """A programming error: the ledger has no such transition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """The row of one operation: under 1 KiB, without bodies and secrets.

    Times are Unix milliseconds, durations microseconds, money nano-dollars. `key_id`, and the fields that come from the
    key, are None for an unauthenticated caller. `status_code` is the client's; `fingerprint` the SHA-256 of the request
    body; `price_id` names the entry of the price book that `spend` was computed with.

    `idempotency_name` is the name of the idempotency record. `budgets` are the accounts that the call counts against
    (`budgets.model.account_ref`), `reserved` the amount reserved in each of them until the row is settled or voided.
    `fuzzy_fingerprint` matches an object that has no tag (`ledger.fuzzy_fingerprint`). `first_absent_ms` is the time of
    the first search that did not find it, `found_by` how its outcome was resolved. `quarantined` names implausible
    figures of the provider that were not used. `byte_seconds` is the quantity that a storage record charges for,
    `corrects` the row whose amount a correction changes. `until_ms`: the call may be in flight until then, if longer
    than usual. `undelivered` is 1 if the client had stopped waiting when the answer was there.
    `reserving` is 1 in a store as long as the row's process has not written it again: whether everything was reserved
    that it names is not known before. It is not compared.
    `attempt_of`: the row stands for an attempt of that create, which was sent again: what it made is removed.

    Of a response: `model` and `service_tier` as asked for, then as the provider names them (`asked_model`: what was
    asked for, where that differs), its tokens, `tool_calls`
    of charged tools (`("file_search=2",)`), the stores that it searched, and `tools_spend`, the part of `spend` for
    those calls.
    `ceiling` is what it may use at most, in that form (`("input_tokens=900", "output_tokens=64")`): what it is charged
    for if its answer is lost. `kept_stores` and `kept_tools`: the stores and tools that items of its input brought,
    which responses that continue it have, too (`gateway.continuing`).
    """

    id: OperationId
    operation: str
    state: State
    started_ms: int
    key_id: KeyId | None = None
    tenant: TenantId | None = None
    key_alias: str | None = None
    team_id: str | None = None
    user_id: str | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    provider: ProviderName | None = None
    vector_store_id: ObjectId | None = None
    file_id: ObjectId | None = None
    batch_id: ObjectId | None = None
    upload_id: ObjectId | None = None
    part_id: ObjectId | None = None
    fingerprint: str | None = None
    ended_ms: int | None = None
    status_code: int | None = None
    error_code: str | None = None
    upstream_request_id: str | None = None
    upstream_us: int | None = None
    overhead_us: int | None = None
    spend: NanoUSD | None = None
    price_id: str | None = None
    idempotency_name: str | None = None
    budgets: tuple[str, ...] = ()
    reserved: NanoUSD | None = None
    fuzzy_fingerprint: str | None = None
    first_absent_ms: int | None = None
    found_by: str | None = None
    quarantined: tuple[str, ...] = ()
    byte_seconds: int | None = None
    corrects: OperationId | None = None
    until_ms: int | None = None
    undelivered: int | None = None
    attempt_of: OperationId | None = None
    response_id: ObjectId | None = None
    model: str | None = None
    service_tier: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    tool_calls: tuple[str, ...] = ()
    searched_stores: tuple[str, ...] = ()
    tools_spend: NanoUSD | None = None
    ceiling: tuple[str, ...] = ()
    asked_model: str | None = None
    kept_stores: tuple[str, ...] = ()
    kept_tools: tuple[str, ...] = ()
    reserving: int | None = field(default=None, compare=False)

    def transition(self, state: State, **changes: object) -> LedgerEntry:
        """The same row in a later state. IllegalTransition when the ledger has no such transition."""
        if state not in SUCCESSORS[self.state]:
            raise IllegalTransition(f"{self.state} -> {state}")
        return self.changed(state=state, **changes)

    def changed(self, **changes: object) -> LedgerEntry:
        """The same row with other values, in a quarter of the time of `dataclasses.replace`."""
        return LedgerEntry(**dict(zip(_NAMES, _VALUES(self), strict=True)) | changes)

    @property
    def succeeded(self) -> bool:
        """Whether the client got a success."""
        return self.status_code is not None and self.status_code < _FIRST_ERROR

    @property
    def outcome(self) -> str:
        """How the call ended for the client: one of `OUTCOMES`."""
        if self.state in _NOT_ENDED:
            return _NOT_ENDED[self.state]
        return "success" if self.succeeded else "failure"

    @property
    def may_have_reached_its_client(self) -> bool:
        """Whether it was executed, and nothing proves that its answer did not reach its client.

        Proof is that the client was told of a failure, or not answered at all, before the outcome was found out; or
        that it had stopped waiting. An upload can be completed only once, so that every such request is the same.
        """
        if self.upload_id is not None or self.state not in {State.ANSWERED, State.SETTLED}:
            return False
        found_out_later = self.found_by is not None and not self.succeeded
        return not found_out_later and not self.undelivered

    def ownership_of(
        self, kind: ObjectKind, document: Mapping[str, object], *, parent: ObjectId | None = None
    ) -> Ownership:
        """The ownership row of a created object, from the provider's document. ValueError without a tenant."""
        if self.tenant is None or self.key_id is None:
            raise ValueError("an object needs a tenant to own it")
        return Ownership(
            ref=ObjectRef(ProviderName(str(self.provider)), kind, ObjectId(str(document["id"]))),
            tenant=self.tenant,
            key_id=self.key_id,
            created_at=creation_time(document, self.started_ms // MILLISECONDS),
            end_user=self.end_user,
            parent=parent,
            snapshot=snapshot_of(kind, document),
            operation_id=self.id,
        )

    def to_record(self) -> dict[str, Scalar]:
        """The fields that have a value, under the names that they are stored by."""
        pairs = zip(STORED_NAMES, _VALUES(self), strict=True)
        return {name: value for name, value in pairs if value is not None and value != ()}

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> LedgerEntry:
        """The inverse of `to_record`."""
        known = {name: record[stored] for name, stored in zip(_NAMES, STORED_NAMES, strict=True) if stored in record}
        known["state"] = State(str(known["state"]))
        for name in _LISTS:
            known[name] = tuple(cast("list[str]", known.get(name, ())))
        return cls(**known)  # type: ignore[arg-type]


_NAMES = tuple(LedgerEntry.__slots__)
# Rows keep the attribute names that they were first written with, whatever the fields are called now.
_STORED_AS = {"idempotency_name": "claim", "fuzzy_fingerprint": "likeness", "first_absent_ms": "looked_ms"}
STORED_NAMES: Final = tuple(_STORED_AS.get(name, name) for name in _NAMES)
_VALUES = attrgetter(*_NAMES)


def creation_time(document: Mapping[str, object], default: int) -> int:
    """The object's creation time, by which lists are ordered; the operation's, if the provider's is invalid."""
    created_at = document.get("created_at")
    if isinstance(created_at, int) and not isinstance(created_at, bool) and 0 <= created_at <= MAX_CREATED_AT:
        return created_at
    return default


def uuid7(unix_ms: int, random_bits: int) -> OperationId:
    """RFC 9562 UUIDv7 of 48 bits of time and 74 of randomness: sorts by time."""
    rand_a, rand_b = (random_bits >> 62) & 0xFFF, random_bits & ((1 << 62) - 1)
    value = (unix_ms & ((1 << 48) - 1)) << 80 | _UUID7_VERSION | rand_a << 64 | _UUID7_VARIANT | rand_b
    text = f"{value:032x}"
    return OperationId("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))


def unix_ms_of(operation_id: OperationId) -> int:
    """The time of the id, in milliseconds since 1970."""
    return int(operation_id[:8] + operation_id[9:13], 16)


def new_operation_id(clock: Clock, randomness: Random) -> OperationId:
    """A new id, ordered by time."""
    return uuid7(clock.unix_ms(), randomness.bits(74))
