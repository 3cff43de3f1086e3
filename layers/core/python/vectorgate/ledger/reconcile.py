r"""Find out what became of operations whose answer was lost, or whose gateway died: nothing stays open for ever.

::

    the gateway left              first sweep                          second sweep
    started   -- it crashed -->   there: answered, with its owner
    uncertain -- lost answer ->   not there: uncertain, looked at ---> there: answered
                                                                       not there: voided
                                  nobody can tell: voided

A create is looked for in the provider's list (100 a call). A store tells by its tag whose it is; what cannot carry one
is told by likeness and time, which is weak: it is adopted only while one tenant alone could have made it and there are
no more such objects than operations that miss one. What is owned already is never a candidate. A file that parts were
to become looks as its upload announced it. Other operations are told by what became of their object. `matches` and the
rules are pure; `Reconciler` asks and writes.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.clock import MILLISECONDS
from vectorgate.errors import ApiError, UpstreamRefused
from vectorgate.idempotency.model import LEASE_MS, ONLY, implicit_claim
from vectorgate.ids import ObjectId, is_object_id
from vectorgate.ledger.model import Finding, State
from vectorgate.ledger.traces import likeness_of, tag_of, without_tag
from vectorgate.messages import encode_json
from vectorgate.money import ZERO
from vectorgate.operations import BY_NAME, Safety
from vectorgate.pricing.book import NOT_EXECUTED
from vectorgate.providers.base import Call
from vectorgate.stores import StoreError
from vectorgate.tenancy.model import Kind, Ref
from vectorgate.upstream.exchange import Exchange
from vectorgate.visit import COLUMN, ownership_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vectorgate.clock import Chance, Clock
    from vectorgate.idempotency.model import Claim
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.ledger.model import Entry
    from vectorgate.ledger.store import LedgerStore
    from vectorgate.observability import Telemetry
    from vectorgate.operations import Operation
    from vectorgate.providers.base import Provider
    from vectorgate.tenancy.store import OwnershipStore
    from vectorgate.upstream.credentials import Credentials
    from vectorgate.upstream.outcome import Transport

    Document: TypeAlias = Mapping[str, object]

AT_ONCE: Final = 1_000  # rows of one sweep, the oldest first
SECOND_LOOK_MS: Final = 30_000  # a provider's list may lag behind its own creates; this long is far beyond it
SKEW_S: Final = 60  # between our clock and the provider's
LONGEST_S: Final = 30  # a request, as API Gateway cuts it
MAX_PAGES: Final = 1_000  # of one listing: 100,000 objects younger than the oldest open row
CALL_SECONDS: Final = 28.0
_NOT_FOUND: Final = 404
_LISTS: Final[Mapping[Kind, str]] = {Kind.VECTOR_STORE: "vector_stores.list", Kind.FILE: "files.list"}
_CANCELLED: Final = frozenset({"cancelled", "cancelling"})


@dataclass(frozen=True, slots=True)
class Matches:
    """What was recognised, by operation; which operations have too many candidates, and which one too young to tell."""

    found: Mapping[OperationId, tuple[Document, Finding]]
    ambiguous: frozenset[OperationId]
    undecided: frozenset[OperationId] = frozenset()


def matches(rows: Sequence[Entry], objects: Iterable[Document], kind: Kind, horizon_ms: int) -> Matches:
    """Which of the unowned `objects` came from which of the open creates `rows`.

    Whatever began before `horizon_ms` and is still open is among `rows`. A younger object may be that of a request
    under way, so it is not told by likeness; but as long as it may be that of a row, the row does not go without.
    """
    by_tag = {str(row.id): row for row in rows}
    found: dict[OperationId, tuple[Document, Finding]] = {}
    alike: dict[str, list[Document]] = {}
    young: dict[str, list[Document]] = {}
    for document in objects:
        tag = tag_of(document)
        if tag is None:
            told = alike if _created_at(document) * MILLISECONDS <= horizon_ms else young
            told.setdefault(likeness_of(kind, document), []).append(document)
        elif tag in by_tag:
            found.setdefault(by_tag[tag].id, (document, Finding.TAG))
    ambiguous: set[OperationId] = set()
    for likeness, candidates in alike.items():
        missing = [row for row in rows if row.likeness == likeness]
        near = [document for document in candidates if any(_in_time(row, document) for row in missing)]
        if near and (len(near) > len(missing) or len({row.tenant for row in missing}) > 1):
            ambiguous.update(row.id for row in missing)
        else:
            found.update(_assigned(missing, near))
    waiting = (row for row in rows if any(_in_time(row, document) for document in young.get(row.likeness or "", ())))
    return Matches(found, frozenset(ambiguous), frozenset(row.id for row in waiting))


def _assigned(
    rows: Sequence[Entry], objects: Sequence[Document]
) -> Iterator[tuple[OperationId, tuple[Document, Finding]]]:
    """The oldest object to the oldest row that it can be of: they are one tenant's, and alike."""
    left = sorted(objects, key=_created_at)
    for row in sorted(rows, key=lambda row: row.started_ms):
        fitting = next((document for document in left if _in_time(row, document)), None)
        if fitting is not None:
            left.remove(fitting)
            yield row.id, (fitting, Finding.LIKENESS)


def _in_time(row: Entry, document: Document) -> bool:
    started_s = row.started_ms // MILLISECONDS
    ended_s = started_s + LONGEST_S if row.until_ms is None else row.until_ms // MILLISECONDS
    return started_s - SKEW_S <= _created_at(document) <= ended_s + SKEW_S


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Everything that finding out needs."""

    ledger: LedgerStore
    ownership: OwnershipStore
    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    clock: Clock
    chance: Chance
    telemetry: Telemetry

    def sweep(self, at_most: int = AT_ONCE) -> Mapping[str, int]:
        """Look at the oldest open rows once. How many were adopted, done, looked at, voided or left (`failed`).

        StoreError when the ledger cannot be read at all. A provider that does not answer keeps its rows open.
        """
        now_ms = self.clock.unix_ms()
        rows = self.ledger.open_rows(now_ms - LEASE_MS, at_most)
        horizon_ms = rows[-1].started_ms - 1 if len(rows) == at_most else now_ms - LEASE_MS
        counts: Counter[str] = Counter()
        for name, kind, group in _grouped(rows):
            try:
                counts += self._found_out(name, kind, group, horizon_ms)
            except ApiError:
                counts["failed"] += len(group)
        for outcome, count in counts.items():
            self.telemetry.count(f"Reconciled{outcome.title()}", count)
        return counts

    def _found_out(
        self, name: ProviderName | None, kind: Kind | None, rows: Sequence[Entry], horizon_ms: int
    ) -> Counter[str]:
        if name is None or name not in self.providers:
            return Counter(failed=len(rows))
        found = Matches({}, frozenset())
        if kind is Kind.FILE:
            rows = self._described(rows)
        if kind is not None:
            found = matches(rows, self._unowned(name, kind, rows), kind, horizon_ms)
        counts: Counter[str] = Counter()
        for row in rows:
            try:
                counts[self._resolved(row, kind, found)] += 1
            except (StoreError, ApiError):
                counts["failed"] += 1
        return counts

    def _resolved(self, row: Entry, kind: Kind | None, found: Matches) -> str:
        if row.state is State.STARTED and row.until_ms is not None and self.clock.unix_ms() < row.until_ms:
            return "waiting"  # a large upload on its way: it counts as one that misses its file, and is left alone
        if kind is not None and row.id in found.found:
            self._adopt(row, kind, *found.found[row.id])
            return "adopted" if found.found[row.id][1] is Finding.TAG else "weak"
        if kind is not None:
            return self._not_found(row, found)
        if row.operation not in PROBES:
            return self._void(row, Finding.UNKNOWABLE)
        retrieve, was_done = PROBES[row.operation]
        if not was_done(self._object(row, BY_NAME[retrieve])):
            return self._missing(row, Finding.ABSENT)
        self._done(row)
        return "done"

    def _not_found(self, row: Entry, found: Matches) -> str:
        if row.id in found.undecided:
            return "waiting"  # what may be its object is told when it is old enough
        return self._missing(row, Finding.AMBIGUOUS if row.id in found.ambiguous else Finding.ABSENT)

    def _adopt(self, row: Entry, kind: Kind, document: Document, finding: Finding) -> None:
        shown = without_tag(document)
        column = {COLUMN[kind]: ObjectId(str(document["id"]))}
        answered = row.moved_to(State.ANSWERED, found_by=finding, ended_ms=self.clock.unix_ms(), **column)
        claim = self._claim(row)
        answer = self._answer(row, shown)
        self.ledger.advance(
            answered,
            since=row.state,
            owned=[ownership_of(answered, kind, shown)],
            claim=claim.with_answer(200, encode_json(answer)) if claim is not None else None,
        )

    def _answer(self, row: Entry, made: Document) -> Document:
        """What the client would have been answered: the object, or the completed upload around it."""
        field = BY_NAME[row.operation].made_in
        if field is None:
            return made
        announced = self._uploads([row]).get(row.upload_id, {"id": row.upload_id, "object": "upload"})
        return {**announced, "status": "completed", field: made}

    def _described(self, rows: Sequence[Entry]) -> list[Entry]:
        """The rows, those that complete an upload with the likeness of what it announced."""
        announced = self._uploads(rows)
        likeness = {name: likeness_of(Kind.FILE, document) for name, document in announced.items()}
        return [row.changed(likeness=likeness.get(row.upload_id, row.likeness)) for row in rows]

    def _uploads(self, rows: Sequence[Entry]) -> dict[ObjectId | None, Document]:
        """Their uploads, by id, as the provider described them when they were created."""
        refs = [
            Ref(row.provider, Kind.UPLOAD, row.upload_id)
            for row in rows
            if row.provider is not None and row.upload_id is not None
        ]
        kept = self.ownership.owners(set(refs)).values() if refs else ()
        return {owned.ref.id: json.loads(owned.snapshot) for owned in kept if owned.snapshot is not None}

    def _claim(self, row: Entry) -> Claim | None:
        """What the row holds against repetitions: they are answered from now on."""
        if row.tenant is None:
            return None
        implicit = implicit_claim(row)
        name = row.claim if row.claim is not None or implicit is None else implicit.name
        if name is None:
            return None
        slot = str(row.id) if row.claim is None else ONLY
        held = self.ledger.claims(row.tenant, name, start=slot, limit=1 if slot == ONLY else 100)
        return next((claim for claim in held if claim.operation_id == row.id), None)

    def _done(self, row: Entry) -> None:
        """What it was to do to its object is done; that it was this operation cannot be told, nor matters."""
        answered = row.moved_to(State.ANSWERED, found_by=Finding.OBJECT, ended_ms=self.clock.unix_ms())
        self.ledger.advance(answered, since=row.state, retired=_retired(row), at=self.clock.unix_s())

    def _missing(self, row: Entry, finding: Finding) -> str:
        """Not there: once is noted, and the second time counts."""
        now_ms = self.clock.unix_ms()
        if row.looked_ms is None:
            looked = row.moved_to(State.UNCERTAIN, looked_ms=now_ms)
            self.ledger.advance(looked, since=row.state)
            return "looked"
        return self._void(row, finding) if now_ms - row.looked_ms >= SECOND_LOOK_MS else "looked"

    def _void(self, row: Entry, finding: Finding) -> str:
        voided = row.moved_to(
            State.VOIDED, found_by=finding, spend=ZERO, price_id=NOT_EXECUTED, ended_ms=self.clock.unix_ms()
        )
        self.ledger.advance(voided, since=row.state)
        return "ambiguous" if finding is Finding.AMBIGUOUS else "voided"

    def _unowned(self, name: ProviderName, kind: Kind, rows: Sequence[Entry]) -> list[Document]:
        """The provider's objects that are young enough, and nobody's."""
        since_s = min(row.started_ms for row in rows) // MILLISECONDS - SKEW_S
        unowned: list[Document] = []
        for page in self._pages(name, kind, since_s):
            refs = {Ref(name, kind, ObjectId(str(document["id"]))): document for document in page}
            owned = self.ownership.owners(refs)
            unowned += [document for ref, document in refs.items() if ref not in owned]
        return unowned

    def _pages(self, name: ProviderName, kind: Kind, since_s: int) -> Iterator[list[Document]]:
        """The provider's list, the youngest first, down to a moment. An ApiError when it cannot be read to there."""
        query = {"limit": "100", "order": "desc"}
        for _ in range(MAX_PAGES):
            document = self._ask(name, Call(operation=BY_NAME[_LISTS[kind]], query=query))
            data = document.get("data")
            page = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
            page = [item for item in page if is_object_id(str(item.get("id", "")))]
            yield [item for item in page if _created_at(item) >= since_s]
            if not page or not document.get("has_more") or _created_at(page[-1]) < since_s:
                return
            query["after"] = str(page[-1]["id"])
        raise ApiError("the provider's list has no end")

    def _object(self, row: Entry, retrieve: Operation) -> Document | None:
        ids = {"vector_store_id": row.vector_store_id, "file_id": row.file_id, "batch_id": row.batch_id}
        needed = {name: str(ids[name]) for name in retrieve.parameters}
        try:
            return self._ask(row.provider, Call(operation=retrieve, ids=needed))
        except UpstreamRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _ask(self, name: ProviderName | None, call: Call) -> Document:
        if name is None:
            raise ApiError("a row that names no provider")
        exchange = Exchange(
            provider=self.providers[name],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            chance=self.chance,
            deadline=self.clock.monotonic() + CALL_SECONDS,
        )
        return exchange.ask(call).document or {}


def _grouped(rows: Sequence[Entry]) -> Iterator[tuple[ProviderName | None, Kind | None, list[Entry]]]:
    """By provider, and by what can be listed there."""
    groups: dict[tuple[ProviderName | None, Kind | None], list[Entry]] = {}
    for row in rows:
        operation = BY_NAME.get(row.operation)
        creates = operation.creates if operation is not None and operation.safety is Safety.CREATE else None
        groups.setdefault((row.provider, creates if creates in _LISTS else None), []).append(row)
    for (name, kind), group in groups.items():
        yield name, kind, group


def _retired(row: Entry) -> list[Ref]:
    operation = BY_NAME[row.operation]
    if operation.deletes is None or row.provider is None:
        return []
    store = operation.deletes == "vector_store_id"
    name = row.vector_store_id if store else row.file_id
    return [Ref(row.provider, Kind.VECTOR_STORE if store else Kind.FILE, ObjectId(str(name)))]
