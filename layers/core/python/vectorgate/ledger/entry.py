r"""The states of an operation's row and the only ways between them. Pure.

::

    started --> answered --> settled
       |  \--> uncertain --> answered | voided      (or `uncertain` still, when it was looked for once)
       \-----> voided

`started` is written before anything is forwarded, so that a crash leaves a trace of every call that may have reached
the provider. `settled` and `voided` are terminal: they never change, and a correction is a new row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import KeyId, ObjectId, OperationId, ProviderName, TenantId
    from vectorgate.pricing.money import NanoUSD

Scalar: TypeAlias = str | int | tuple[str, ...]


_LISTS = ("tags", "budgets", "quarantined")
_FIRST_ERROR = 400  # HTTP statuses from here on are failures


class State(StrEnum):
    """Where an operation stands."""

    STARTED = "started"
    ANSWERED = "answered"
    UNCERTAIN = "uncertain"
    VOIDED = "voided"
    SETTLED = "settled"


class Resolution(StrEnum):
    """How an outcome was found out; the row says so for ever."""

    TAG = "tag"  # the object names the operation
    LIKENESS = "likeness"  # weak: it looks like what was asked for, and nobody else's
    OBJECT = "object"  # what the operation does to its object has been done
    ABSENT = "absent"  # looked for twice, in vain
    AMBIGUOUS = "ambiguous"  # there is something, but it could be somebody else's
    UNKNOWABLE = "unknowable"  # the provider cannot be asked; a repetition does no harm


SUCCESSORS: Mapping[State, frozenset[State]] = {
    State.STARTED: frozenset({State.ANSWERED, State.UNCERTAIN, State.VOIDED}),
    State.UNCERTAIN: frozenset({State.UNCERTAIN, State.ANSWERED, State.VOIDED}),  # itself: looked for once, in vain
    State.ANSWERED: frozenset({State.SETTLED}),
    State.VOIDED: frozenset(),
    State.SETTLED: frozenset(),
}


class IllegalTransition(Exception):
    """A programming error: the ledger has no such way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One operation's row: under 1 KiB, no body, no secret.

    Times are Unix milliseconds, durations microseconds, money nano-dollars. `key_id` and what hangs on it is None for
    a caller whom nobody knows. `status_code` is what the client was answered; `fingerprint` the SHA-256 of the body
    that was asked for; `price_id` names the entry of the price book that `spend` was computed with.

    `idempotency` is the place of the client's idempotency key. `budgets` are the accounts that the call counts against
    (`budgets.model.noted`), `reserved` what each of them holds for it until it is settled or voided. `fuzzy_fingerprint` tells
    what it creates where no tag can (`ledger.traces`); `looked_ms` is when it was first looked for in vain, and
    `found_by` how its outcome was found out. `quarantined` names upstream figures that made no sense and were not used.
    `byte_seconds` is what a storage record charges for, `corrects` the row whose amount a correction brings right.
    `until_ms`: the call may be under way until then, where that is longer than any other may take.
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
    looked_ms: int | None = None
    found_by: str | None = None
    quarantined: tuple[str, ...] = ()
    byte_seconds: int | None = None
    corrects: OperationId | None = None
    until_ms: int | None = None

    def transition(self, state: State, **changes: object) -> LedgerEntry:
        """The same row in a later state. IllegalTransition when the ledger has no such way."""
        if state not in SUCCESSORS[self.state]:
            raise IllegalTransition(f"{self.state} -> {state}")
        return self.changed(state=state, **changes)

    def changed(self, **changes: object) -> LedgerEntry:
        """The same row with other values. `dataclasses.replace` costs four times this, and a request does it often."""
        return LedgerEntry(**dict(zip(_NAMES, _VALUES(self), strict=True)) | changes)

    @property
    def succeeded(self) -> bool:
        """Whether the client got what it asked for."""
        return self.status_code is not None and self.status_code < _FIRST_ERROR

    def to_record(self) -> dict[str, Scalar]:
        """Field by field, without those that have no value: what a store keeps."""
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


_NAMES = tuple(each.name for each in fields(LedgerEntry))
# Rows keep the attribute names that they were first written with, whatever the fields are called by now.
_STORED_AS = {"idempotency_name": "claim", "fuzzy_fingerprint": "likeness"}
STORED_NAMES: Final = tuple(_STORED_AS.get(name, name) for name in _NAMES)
_VALUES = attrgetter(*_NAMES)
