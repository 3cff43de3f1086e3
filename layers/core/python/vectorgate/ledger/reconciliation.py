r"""Find out what became of operations whose answer was lost, or whose gateway died: nothing stays open for ever.

::

    the gateway left              first sweep                          second sweep
    started   -- it crashed -->   there: answered, with its owner
    uncertain -- lost answer ->   not there: uncertain, looked at ---> there: answered
                                                                       not there: voided
                                  nobody can tell: voided

A create is looked for in the provider's list (100 a call). A store tells by its tag whose it is; what cannot carry one
is told by likeness and time, which is weak: it is adopted only while one tenant alone could have made it and there are
no more such objects than operations that miss one. Where two tenants could have, the row says so (`found_by`), is
believed for good, and stays open until every other row that could be of the same object has met it. What is owned
already is never a candidate. A file that parts were to become looks as its upload announced it. Other operations are
told by what became of their object. `match_rows` and the rules are pure; `Reconciler` asks and writes.

A list that is cut, for its time is over, tells of the rows whose time it reached, and of others by their tags. Where
what is younger than a row is too much, its own time is read, the oldest first, from a known store that is older::

    newest first:  ... row's time ......... cut <-------- now
    oldest first:  anchor --> row's time --> passed ..... now

Of a create that its tag would tell this says the same as the whole list, whether the tag was met or not.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.errors import ApiError, BadGateway
from vectorgate.api.http import encode_json
from vectorgate.api.operations import BY_NAME, Safety
from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import LEASE_MS, ONLY
from vectorgate.idempotency.service import implicit_record, with_answer
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.correlation import fuzzy_fingerprint_of, ownership_of, tag_of, without_tag
from vectorgate.ledger.entry import Resolution, State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.pricing.book import NOT_EXECUTED
from vectorgate.pricing.money import ZERO
from vectorgate.store_errors import StoreError
from vectorgate.tenancy.ownership import OWNED_COLUMN, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore, Position
    from vectorgate.providers.reader import Document, ProviderReader
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

PAGE: Final = 1_000  # rows of one read
WALKED: Final = 20_000  # open rows that one sweep reads, the oldest first
PROVIDER_SECONDS: Final = 20.0  # of one sweep for one provider: one that hangs leaves the others their time
LEAST_SECONDS: Final = 2.0  # of a group, also where the ones before it took more than their share
LISTING: Final = 0.8  # of a group's time, at most; the rest is for what the lists told
NEAR_MS: Final = 3_600_000  # before a row: where an anchor of its list is looked for
ANCHORS: Final = 500  # rows that are looked through for one
SECOND_LOOK_MS: Final = 30_000  # a provider's list may lag behind its own creates; this long is far beyond it
SKEW_S: Final = 15  # between our clocks and the provider's
LONGEST_S: Final = 30  # a request, as API Gateway cuts it
LATE_S: Final = 60  # after which a provider no longer executes what was lost on its way
_LISTS: Final[Mapping[ObjectKind, str]] = {ObjectKind.VECTOR_STORE: "vector_stores.list", ObjectKind.FILE: "files.list"}
_CANCELLED: Final = frozenset({"cancelled", "cancelling"})


@dataclass(frozen=True, slots=True)
class Matches:
    """What was recognised, by operation; which operations have too many candidates, and which one too young to tell."""

    found: Mapping[OperationId, tuple[Document, Resolution]]
    ambiguous: frozenset[OperationId] = frozenset()
    undecided: frozenset[OperationId] = frozenset()


def match_rows(rows: Sequence[LedgerEntry], objects: Iterable[Document], kind: ObjectKind, horizon_ms: int) -> Matches:
    """Which of the unowned `objects` came from which of the open creates `rows`.

    Whatever began before `horizon_ms` and is still open is among `rows`. An object that a younger row could have made,
    one that may be under way, is not told by likeness; but while it may be that of a row, the row does not go without.
    """
    by_tag = {str(row.id): row for row in rows}
    found: dict[OperationId, tuple[Document, Resolution]] = {}
    alike: dict[str, list[Document]] = {}
    young: dict[str, list[Document]] = {}
    for document in objects:
        tag = tag_of(document)
        if tag is None:
            told = alike if (_created_at(document) + SKEW_S + 1) * MILLISECONDS <= horizon_ms else young
            told.setdefault(fuzzy_fingerprint_of(kind, document), []).append(document)
        elif tag in by_tag:
            found.setdefault(by_tag[tag].id, (document, Resolution.TAG))
    ambiguous: set[OperationId] = set()
    for missing in _contending(rows):
        near = [
            one
            for one in alike.get(missing[0].fuzzy_fingerprint or "", ())
            if any(_in_time(row, one) for row in missing)
        ]
        if near and _is_ambiguous(missing, near):
            ambiguous.update(row.id for row in missing)
        else:
            found.update(_assigned(missing, near))
    waiting = (
        row for row in rows if any(_in_time(row, document) for document in young.get(row.fuzzy_fingerprint or "", ()))
    )
    return Matches(found, frozenset(ambiguous), frozenset(row.id for row in waiting))


def match_by_tag(rows: Sequence[LedgerEntry], objects: Iterable[Document]) -> Matches:
    """What tags alone tell, for which no list need be whole."""
    named = {tag: document for document in objects if (tag := tag_of(document)) is not None}
    return Matches({row.id: (named[row.id], Resolution.TAG) for row in rows if row.id in named})


def match_partial_list(
    rows: Sequence[LedgerEntry], objects: Sequence[Document], kind: ObjectKind, horizon_ms: int, low_s: float
) -> tuple[Matches, frozenset[OperationId]]:
    """What a list tells that was read, newest first, down to what was made in that second; and of which rows."""
    whole = [row for row in rows if row.fuzzy_fingerprint is None and _window(row)[0] > low_s]
    whole += [row for group in _contending(rows) if _window(group[0])[0] > low_s for row in group]
    by_tag, by_all = match_by_tag(rows, objects), match_rows(whole, objects, kind, horizon_ms)
    told = frozenset(row.id for row in whole).union(by_tag.found)
    return Matches({**by_tag.found, **by_all.found}, by_all.ambiguous, by_all.undecided), told


def _contending(rows: Iterable[LedgerEntry]) -> Iterator[list[LedgerEntry]]:
    """The rows that only likeness tells, in groups, each the oldest first, between which no object can be contended."""
    alike: dict[str, list[LedgerEntry]] = {}
    for row in rows:
        if row.fuzzy_fingerprint is not None:
            alike.setdefault(row.fuzzy_fingerprint, []).append(row)
    for group in alike.values():
        yield from _overlapping(group)


def _overlapping(rows: Iterable[LedgerEntry]) -> list[list[LedgerEntry]]:
    """The rows in groups, between which no object can be contended: their windows do not meet."""
    groups: list[list[LedgerEntry]] = []
    end = 0
    for row in sorted(rows, key=_window):
        first, last = _window(row)
        if not groups or first > end:
            groups.append([])
        groups[-1].append(row)
        end = max(end, last)
    return groups


def _is_ambiguous(missing: Sequence[LedgerEntry], near: Sequence[Document]) -> bool:
    """Too many objects, too many tenants, or a row that was found ambiguous before, when others were open beside it."""
    remembered = any(row.found_by == Resolution.AMBIGUOUS for row in missing)
    return remembered or len(near) > len(missing) or len({row.tenant for row in missing}) > 1


def _assigned(
    rows: Sequence[LedgerEntry], objects: Sequence[Document]
) -> Iterator[tuple[OperationId, tuple[Document, Resolution]]]:
    """The oldest object to the oldest row that it can be of: they are one tenant's, and alike."""
    left = sorted(objects, key=_created_at)
    for row in sorted(rows, key=lambda row: row.started_ms):
        fitting = next((document for document in left if _in_time(row, document)), None)
        if fitting is not None:
            left.remove(fitting)
            yield row.id, (fitting, Resolution.FUZZY_FINGERPRINT)


def _in_time(row: LedgerEntry, document: Document) -> bool:
    first, last = _window(row)
    return first <= _created_at(document) <= last


def _window(row: LedgerEntry) -> tuple[int, int]:
    """The seconds in which what the row made can have been made, by the provider's clock."""
    started_s = row.started_ms // MILLISECONDS
    ended_s = started_s + LONGEST_S if row.until_ms is None else row.until_ms // MILLISECONDS
    return started_s - SKEW_S, ended_s + LATE_S


def _contended_until_ms(row: LedgerEntry) -> int:
    """When every other row that could be of the same object is old enough to have been looked at."""
    _, last = _window(row)
    return (last + SKEW_S + 1) * MILLISECONDS + LEASE_MS


def _since_s(rows: Iterable[LedgerEntry]) -> int:
    """The second in which the oldest of what the rows made can have been made."""
    return min(_window(row)[0] for row in rows)


def _created_at(document: Document) -> int:
    moment = document.get("created_at")
    return moment if isinstance(moment, int) else 0


def _is_deleted(document: Document | None) -> bool:
    return document is None


def _is_there(document: Document | None) -> bool:
    return document is not None


def _is_cancelled(document: Document | None) -> bool:
    return document is not None and document.get("status") in _CANCELLED


# By the operation: what to retrieve, and whether what is found means that it was executed.
PROBES: Final[Mapping[str, tuple[str, Callable[[Document | None], bool]]]] = {
    "vector_stores.delete": ("vector_stores.retrieve", _is_deleted),
    "files.delete": ("files.retrieve", _is_deleted),
    "vector_stores.files.create": ("vector_stores.files.retrieve", _is_there),
    "vector_stores.files.delete": ("vector_stores.files.retrieve", _is_deleted),
    "vector_stores.file_batches.cancel": ("vector_stores.file_batches.retrieve", _is_cancelled),
}


# A provider's rows that one list tells of, or, without a kind, that are asked for one by one.
Group: TypeAlias = "tuple[ProviderName | None, ObjectKind | None, list[LedgerEntry]]"


class _ListCutShort(BadGateway):
    """The time for a list is over. What is younger than `low_s` was read, what is older may be in the rest."""

    def __init__(self, low_s: float) -> None:
        super().__init__("The provider's list is longer than there is time for.", code="list_too_long")
        self.low_s = low_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Everything that finding out needs."""

    ledger: LedgerStore
    ownership: OwnershipStore
    reader: ProviderReader
    clock: Clock
    telemetry: Telemetry

    def sweep(self) -> Mapping[str, int]:
        """Look at the oldest open rows once; how many ended in which way.

        Adopted by their tag, or by their looks (`weak`); `done`; `voided`, or voided as `ambiguous`; `looked` at for
        the first time; `waiting` for their time to come; `failed`, and left. StoreError when the ledger cannot be read
        at all. A provider that does not answer keeps its own rows open, and nobody else's: each has PROVIDER_SECONDS,
        of which each of its groups has an equal share and what the ones before it left; what is not enough for waits
        for the next sweep.
        """
        old_ms = self.clock.unix_ms() - LEASE_MS
        rows = self._open_rows(old_ms)
        read_ms = rows[-1].started_ms - 1 if len(rows) == WALKED else old_ms
        counts: Counter[str] = Counter()
        groups = list(_grouped(rows))
        to_come = Counter(name for name, _, _ in groups)
        left: defaultdict[ProviderName | None, float] = defaultdict(lambda: PROVIDER_SECONDS)
        for name, kind, group in groups:
            began = self.clock.monotonic()
            counts += self._found_out(name, kind, group, read_ms, max(LEAST_SECONDS, left[name] / to_come[name]))
            left[name] -= self.clock.monotonic() - began
            to_come[name] -= 1
        for outcome, count in counts.items():
            self.telemetry.count(f"Reconciled{outcome.title()}", count)
        return counts

    def _open_rows(self, before_ms: int) -> list[LedgerEntry]:
        """The oldest WALKED open rows, in their order."""
        rows: list[LedgerEntry] = []
        after: Position | None = None
        while len(rows) < WALKED:
            found = self.ledger.open_rows(before_ms, PAGE, after=after)
            rows += found
            if len(found) < PAGE:
                break
            after = (found[-1].started_ms, found[-1].id)
        return rows

    def _found_out(
        self,
        name: ProviderName | None,
        kind: ObjectKind | None,
        rows: Sequence[LedgerEntry],
        horizon_ms: int,
        seconds: float,
    ) -> Counter[str]:
        ends_at = self.clock.monotonic() + seconds
        if name is None or name not in self.reader.providers:
            self.telemetry.task_failed(
                "ReconcileFailures", BadGateway("It is not configured.", code="no_provider"), rows[0]
            )
            return Counter(failed=len(rows))
        found, told = Matches({}), rows
        if kind is not None:
            found, told = self._looked_for(name, kind, rows, horizon_ms, seconds * LISTING)
            ends_at = max(ends_at, self.clock.monotonic() + seconds * (1 - LISTING))  # what was told is acted on
        counts = Counter(failed=len(rows) - len(told))
        for place, row in enumerate(told):
            if self.clock.monotonic() >= ends_at:
                return counts + Counter(failed=len(told) - place)
            try:
                counts[self._resolved(name, row, kind, found)] += 1
            except (StoreError, ApiError) as error:
                self.telemetry.task_failed("ReconcileFailures", error, row)
                counts["failed"] += 1
        return counts

    def _looked_for(
        self, name: ProviderName, kind: ObjectKind, rows: Sequence[LedgerEntry], horizon_ms: int, seconds: float
    ) -> tuple[Matches, Sequence[LedgerEntry]]:
        """What the provider's list tells, and the rows that it tells of: all of them, if it was read to their time."""
        tagged = [row for row in rows if row.fuzzy_fingerprint is None] if kind is ObjectKind.VECTOR_STORE else []
        ends_at = self.clock.monotonic() + seconds
        listed: list[Document] = []
        low_s = inf
        try:
            if kind is ObjectKind.FILE:
                rows = self._described(rows)
            for page in self._unowned(name, kind, rows, ends_at - seconds / 2 if tagged else ends_at):
                listed += page
            return match_rows(rows, listed, kind, horizon_ms), rows
        except (StoreError, ApiError) as failure:
            error, low_s = failure, failure.low_s if isinstance(failure, _ListCutShort) else inf
        found, told = match_partial_list(rows, listed, kind, horizon_ms, low_s)
        below = [row for row in tagged if row.id not in told]
        if below and low_s < inf:
            older: list[Document] = []  # what was listed may be met again: nothing here is told by its looks
            passed = self._rows_fully_read(name, below, older, ends_at)
            met = match_by_tag(below, older).found
            found, told = replace(found, found={**found.found, **met}), told.union(passed, met)
        left = next((row for row in rows if row.id not in told), None)
        if left is not None:
            self.telemetry.task_failed("ReconcileFailures", error, left)
        return found, [row for row in rows if row.id in told]

    def _resolved(self, name: ProviderName, row: LedgerEntry, kind: ObjectKind | None, found: Matches) -> str:
        if row.state is State.STARTED and row.until_ms is not None and self.clock.unix_ms() < row.until_ms:
            return "waiting"  # a large upload on its way: it counts as one that misses its file, and is left alone
        if kind is not None and row.id in found.found:
            self._adopt(row, kind, *found.found[row.id])
            return "adopted" if found.found[row.id][1] is Resolution.TAG else "weak"
        if kind is not None:
            return self._not_found(row, found)
        if row.operation not in PROBES:
            return self._void(row, Resolution.UNKNOWABLE)
        retrieve, was_done = PROBES[row.operation]
        document = self.reader.find(name, retrieve, _ids_of(row, retrieve))
        if not was_done(document):
            return self._missing(row)
        self._done(row, document)
        return "done"

    def _not_found(self, row: LedgerEntry, found: Matches) -> str:
        if row.id in found.undecided:
            return "waiting"  # what may be its object is told when it is old enough
        ambiguous = row.id in found.ambiguous or row.found_by == Resolution.AMBIGUOUS  # once is for good
        return self._ambiguous(row) if ambiguous else self._missing(row)

    def _adopt(self, row: LedgerEntry, kind: ObjectKind, document: Document, finding: Resolution) -> None:
        shown = without_tag(document)
        column = {OWNED_COLUMN[kind]: ObjectId(str(document["id"]))}
        answered = row.transition(State.ANSWERED, found_by=finding, ended_ms=self.clock.unix_ms(), **column)
        idempotency = self._claim(row)
        answer = self._answer(row, shown)
        self.ledger.advance(
            answered,
            since=row.state,
            owned=[ownership_of(answered, kind, shown)],
            idempotency=with_answer(idempotency, 200, encode_json(answer)) if idempotency is not None else None,
        )

    def _answer(self, row: LedgerEntry, made: Document) -> Document:
        """What the client would have been answered: the object, or the completed upload around it."""
        field = BY_NAME[row.operation].result_field
        if field is None:
            return made
        announced = self._uploads([row]).get(row.upload_id, {"id": row.upload_id, "object": "upload"})
        return {**announced, "status": "completed", field: made}

    def _described(self, rows: Sequence[LedgerEntry]) -> list[LedgerEntry]:
        """The rows, those that complete an upload with the likeness of what it announced."""
        announced = self._uploads(rows)
        fuzzy_fingerprint = {
            name: fuzzy_fingerprint_of(ObjectKind.FILE, document) for name, document in announced.items()
        }
        return [
            row.changed(fuzzy_fingerprint=fuzzy_fingerprint.get(row.upload_id, row.fuzzy_fingerprint)) for row in rows
        ]

    def _uploads(self, rows: Sequence[LedgerEntry]) -> dict[ObjectId | None, Document]:
        """Their uploads, by id, as the provider described them when they were created."""
        refs = [
            ObjectRef(row.provider, ObjectKind.UPLOAD, row.upload_id)
            for row in rows
            if row.provider is not None and row.upload_id is not None
        ]
        kept = self.ownership.owners(set(refs)).values() if refs else ()
        return {owned.ref.id: json.loads(owned.snapshot) for owned in kept if owned.snapshot is not None}

    def _claim(self, row: LedgerEntry) -> IdempotencyRecord | None:
        """What the row holds against repetitions: they are answered from now on."""
        if row.tenant is None:
            return None
        implicit = implicit_record(row)
        name = row.idempotency_name if row.idempotency_name is not None or implicit is None else implicit.name
        if name is None:
            return None
        slot = str(row.id) if row.idempotency_name is None else ONLY
        held = self.ledger.idempotency_records(row.tenant, name, start=slot, limit=1 if slot == ONLY else 100)
        return next((idempotency for idempotency in held if idempotency.operation_id == row.id), None)

    def _done(self, row: LedgerEntry, document: Document | None) -> None:
        """What it was to do to its object is done; that it was this operation cannot be told, nor matters."""
        answered = row.transition(State.ANSWERED, found_by=Resolution.OBJECT, ended_ms=self.clock.unix_ms())
        idempotency = self._claim(row)
        answer = document if document is not None else _deletion(row)
        self.ledger.advance(
            answered,
            since=row.state,
            retired=_retired(row),
            at=self.clock.unix_s(),
            idempotency=with_answer(idempotency, 200, encode_json(answer)) if idempotency is not None else None,
        )

    def _missing(self, row: LedgerEntry) -> str:
        """Not there: once is noted, and the second time counts."""
        now_ms = self.clock.unix_ms()
        if row.first_absent_ms is None:
            self.ledger.advance(row.transition(State.UNCERTAIN, first_absent_ms=now_ms), since=row.state)
            return "looked"
        return self._void(row, Resolution.ABSENT) if now_ms - row.first_absent_ms >= SECOND_LOOK_MS else "waiting"

    def _ambiguous(self, row: LedgerEntry) -> str:
        """There is something that may be another's: noted, and believed for good once nobody else can come to it."""
        now_ms = self.clock.unix_ms()
        if row.found_by != Resolution.AMBIGUOUS:
            looked = row.transition(
                State.UNCERTAIN, first_absent_ms=row.first_absent_ms or now_ms, found_by=Resolution.AMBIGUOUS
            )
            self.ledger.advance(looked, since=row.state)
            return "looked"
        return self._void(row, Resolution.AMBIGUOUS) if now_ms >= _contended_until_ms(row) else "waiting"

    def _void(self, row: LedgerEntry, finding: Resolution) -> str:
        voided = row.transition(
            State.VOIDED, found_by=finding, spend=ZERO, price_id=NOT_EXECUTED, ended_ms=self.clock.unix_ms()
        )
        self.ledger.advance(voided, since=row.state)
        return "ambiguous" if finding is Resolution.AMBIGUOUS else "voided"

    def _unowned(
        self, name: ProviderName, kind: ObjectKind, rows: Sequence[LedgerEntry], ends_at: float
    ) -> Iterator[list[Document]]:
        """The provider's objects that are young enough, and nobody's, page by page. _Cut when the time is over.

        Not at the first page, which may be the only one: a list of one page is whole however long it took.
        """
        since_s, low_s = _since_s(rows), inf
        for number, page in enumerate(self.reader.pages(name, _LISTS[kind], order="desc")):
            low_s = min([low_s, *(moment for moment in map(_created_at, page[-1:]) if moment > 0)])
            yield self._unowned_of(name, kind, [one for one in page if _created_at(one) >= since_s])
            if low_s < since_s:
                break
            if number > 0:
                self._check(ends_at, low_s)

    def _rows_fully_read(
        self, name: ProviderName, tagged: Sequence[LedgerEntry], older: list[Document], ends_at: float
    ) -> frozenset[OperationId]:
        """The rows whose whole time was read, from an anchor on. `older` gets what is nobody's."""
        reached = 0
        rows: Sequence[LedgerEntry] = ()
        try:
            self._check(ends_at)
            anchor, rows = self._anchor(name, tagged)
            if anchor is None:
                return frozenset()
            for page in self.reader.pages(name, _LISTS[ObjectKind.VECTOR_STORE], order="asc", after=anchor.ref.id):
                moments = [_created_at(document) for document in page]
                if moments != sorted(moments) or (moments and moments[0] < max(anchor.created_at, reached)):
                    raise BadGateway("The provider's list is in no order.", code="list_without_order")
                older += self._unowned_of(name, ObjectKind.VECTOR_STORE, page)
                reached = max([reached, *moments])
                if all(_window(row)[1] < reached for row in rows):
                    break
                self._check(ends_at)
        except _ListCutShort:
            pass  # how far it came is what counts
        except (StoreError, ApiError) as error:
            self.telemetry.task_failed("ReconcileFailures", error, tagged[0])
            return frozenset()
        return frozenset(row.id for row in rows if _window(row)[1] < reached)

    def _anchor(
        self, name: ProviderName, rows: Sequence[LedgerEntry]
    ) -> tuple[Ownership | None, Sequence[LedgerEntry]]:
        """A known store that is older than what these rows, or the younger of them, can have made; and those rows."""
        for place in sorted({0, len(rows) // 2, len(rows) - 1}):
            found = self._older_than(name, _since_s(rows[place:]))
            if found is not None:
                return found, rows[place:]
        return None, ()

    def _older_than(self, name: ProviderName, since_s: int) -> Ownership | None:
        """The youngest known store that is older."""
        end_ms = since_s * MILLISECONDS
        query = RecordQuery(start_ms=max(0, end_ms - NEAR_MS), end_ms=end_ms, limit=ANCHORS)
        refs = {
            ObjectRef(name, ObjectKind.VECTOR_STORE, row.vector_store_id)
            for row in self.ledger.search(query)
            if row.provider == name and row.vector_store_id is not None
        }
        there = [owned for owned in self.ownership.owners(refs).values() if owned.retired_at is None]
        older = (owned for owned in there if 0 < owned.created_at < since_s)
        return max(older, key=lambda owned: (owned.created_at, owned.ref.id), default=None)

    def _unowned_of(self, name: ProviderName, kind: ObjectKind, documents: Iterable[Document]) -> list[Document]:
        refs = {ObjectRef(name, kind, ObjectId(str(document["id"]))): document for document in documents}
        owned = self.ownership.owners(refs)
        return [document for ref, document in refs.items() if ref not in owned]

    def _check(self, ends_at: float, low_s: float = inf) -> None:
        if self.clock.monotonic() >= ends_at:
            raise _ListCutShort(low_s)


def _grouped(rows: Sequence[LedgerEntry]) -> Iterator[Group]:
    """By provider, and by what can be listed there. A list tells of many rows; what is asked one by one comes last."""
    groups: dict[tuple[ProviderName | None, ObjectKind | None], list[LedgerEntry]] = {}
    for row in rows:
        operation = BY_NAME.get(row.operation)
        creates = operation.creates if operation is not None and operation.safety is Safety.CREATE else None
        groups.setdefault((row.provider, creates if creates in _LISTS else None), []).append(row)
    for (name, kind), group in sorted(groups.items(), key=lambda each: each[0][1] is None):
        yield name, kind, group


def _ids_of(row: LedgerEntry, operation: str) -> dict[str, str]:
    """The ids of its path, which are the row's."""
    ids = {"vector_store_id": row.vector_store_id, "file_id": row.file_id, "batch_id": row.batch_id}
    return {name: str(ids[name]) for name in BY_NAME[operation].parameters}


def _deletion(row: LedgerEntry) -> Document:
    """What the client would have been told of what is gone."""
    operation = BY_NAME[row.operation]
    if operation.deletes is not None:
        return operation.deletion(_ids_of(row, row.operation))
    return {"id": row.file_id, "object": "vector_store.file.deleted", "deleted": True}


def _retired(row: LedgerEntry) -> list[ObjectRef]:
    operation = BY_NAME[row.operation]
    kind, named = operation.deleted_kind, operation.deletes
    if kind is None or named is None or row.provider is None:
        return []
    return [ObjectRef(row.provider, kind, ObjectId(_ids_of(row, row.operation)[named]))]
