"""Which object at the provider came from which open create. Pure.

A store names its operation in its metadata (a tag), which is proof. An object without a tag is recognised by its fuzzy
fingerprint and the time at which it was made, which is weak evidence: it is assigned only while a single tenant can
have made it and there are no more such objects than operations that lack one. Otherwise the operations are ambiguous.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.ledger.entry import Resolution
from vectorgate.ledger.fuzzy_fingerprint import fuzzy_fingerprint_of
from vectorgate.providers.openai import tag_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vectorgate.ids import ObjectKind, OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.providers.reader import Document

CLOCK_SKEW_S: Final = 15  # between our clocks and the provider's, as its answers date it
MAX_SKEW_S: Final = 600  # between our clocks and those of a provider that does not date its answers
MAX_REQUEST_S: Final = 30  # API Gateway ends a request then
MAX_DELAY_S: Final = 60  # after which a provider no longer executes a request whose connection was lost


@dataclass(frozen=True, slots=True)
class Matches:
    """What a list shows about open creates, by operation.

    `found`: the operation's object, and the evidence. `ambiguous`: there is an object, but another operation can have
    made it as well. `undecided`: an object that may be the operation's is too young to be assigned. `attempts`: for a
    row that stands for an attempt, the objects with its create's tag.
    """

    found: Mapping[OperationId, tuple[Document, Resolution]]
    ambiguous: frozenset[OperationId] = frozenset()
    undecided: frozenset[OperationId] = frozenset()
    attempts: Mapping[OperationId, Sequence[Document]] = field(default_factory=dict)


def match_list(rows: Sequence[LedgerEntry], objects: Iterable[Document], kind: ObjectKind, horizon_ms: int) -> Matches:
    """Match the open creates `rows`, oldest first, with the unowned `objects` of a list that was read to their time.

    Every open row that began before `horizon_ms` has to be among `rows`. An object that a younger row can have made is
    not assigned by its fingerprint, and leaves the rows that can have made it undecided.
    """
    listed = list(objects)
    untagged = [document for document in listed if tag_of(document) is None]
    old = _by_fingerprint(kind, (document for document in untagged if _is_older_than(horizon_ms, document)))
    young = _by_fingerprint(kind, (document for document in untagged if not _is_older_than(horizon_ms, document)))
    by_tag = match_tags(rows, listed)
    found = dict(by_tag.found)
    ambiguous: set[OperationId] = set()
    for group in _contending_rows(rows):
        candidates = _candidates(group, old)
        if candidates and _is_ambiguous(group, candidates):
            ambiguous.update(row.id for row in group)
        else:
            found.update(_assign(group, candidates))
    undecided = frozenset(row.id for row in rows if _candidates([row], young))
    return Matches(found, frozenset(ambiguous), undecided, by_tag.attempts)


def match_tags(rows: Sequence[LedgerEntry], objects: Sequence[Document]) -> Matches:
    """Match by tags alone, which is conclusive however much of a list was read."""
    by_tag = {str(row.id): row for row in rows if row.attempt_of is None}
    found: dict[OperationId, tuple[Document, Resolution]] = {}
    for document in objects:
        row = by_tag.get(tag_of(document) or "")
        if row is not None:
            found.setdefault(row.id, (document, Resolution.TAG))
    attempts = {
        row.id: [document for document in objects if tag_of(document) == row.attempt_of]
        for row in rows
        if row.attempt_of is not None
    }
    return Matches(found, attempts=attempts)


def match_truncated_list(
    rows: Sequence[LedgerEntry], objects: Sequence[Document], kind: ObjectKind, horizon_ms: int, reached_s: float
) -> tuple[Matches, frozenset[OperationId]]:
    """Match with a list that was read, newest first, to what was made in the second `reached_s`.

    The second value are the rows for which that is as good as the whole list: their time, and that of every row that
    contends with them, was read; or their tag was met.
    """
    covered = [row for row in rows if row.fuzzy_fingerprint is None and window_of(row)[0] > reached_s]
    covered += [row for group in _contending_rows(rows) if window_of(group[0])[0] > reached_s for row in group]
    by_tag, by_list = match_tags(rows, objects), match_list(covered, objects, kind, horizon_ms)
    conclusive = frozenset(row.id for row in covered).union(by_tag.found)
    found = {**by_tag.found, **by_list.found}
    return Matches(found, by_list.ambiguous, by_list.undecided, by_tag.attempts), conclusive


def window_of(row: LedgerEntry) -> tuple[int, int]:
    """The first and last second, by the provider's clock, in which the row's object can have been made."""
    started_s = row.started_ms // MILLISECONDS
    ended_s = started_s + MAX_REQUEST_S if row.until_ms is None else row.until_ms // MILLISECONDS
    return started_s - CLOCK_SKEW_S, ended_s + MAX_DELAY_S


def earliest_s(rows: Iterable[LedgerEntry]) -> int:
    """The first second of all their windows."""
    return min(window_of(row)[0] for row in rows)


def contended_until_ms(row: LedgerEntry) -> int:
    """The time from which every row that can have made the same object is old enough to have been looked for."""
    _, last_s = window_of(row)
    return (last_s + CLOCK_SKEW_S + 1) * MILLISECONDS + LEASE_MS


def by_providers_clock(row: LedgerEntry, ahead_s: int | None) -> LedgerEntry:
    """The row, dated by the provider's clock, which is so far ahead of ours: for matching only, not to be written.

    Where that is not known (None), the window of a row with a tag is MAX_SKEW_S longer at both ends: a tag is proof
    whatever the clocks say.
    """
    slack_s = MAX_SKEW_S if ahead_s is None and row.fuzzy_fingerprint is None else 0
    shift_ms = (ahead_s or 0) * MILLISECONDS
    until_ms = row.until_ms if row.until_ms is not None else row.started_ms + MAX_REQUEST_S * MILLISECONDS
    return row.changed(
        started_ms=row.started_ms + shift_ms - slack_s * MILLISECONDS,
        until_ms=until_ms + shift_ms + slack_s * MILLISECONDS,
    )


def created_s(document: Document) -> int:
    """The Unix second in which an object was made; 0 for an invalid figure."""
    moment = document.get("created_at")
    return moment if isinstance(moment, int) else 0


def _is_older_than(horizon_ms: int, document: Document) -> bool:
    """Whether every row that can have made the object began before the horizon."""
    return (created_s(document) + CLOCK_SKEW_S + 1) * MILLISECONDS <= horizon_ms


def _by_fingerprint(kind: ObjectKind, documents: Iterable[Document]) -> dict[str, list[Document]]:
    grouped: dict[str, list[Document]] = {}
    for document in documents:
        grouped.setdefault(fuzzy_fingerprint_of(kind, document), []).append(document)
    return grouped


def _candidates(rows: Sequence[LedgerEntry], objects: Mapping[str, Sequence[Document]]) -> list[Document]:
    """The objects with the rows' common fingerprint that any of them can have made."""
    same = objects.get(rows[0].fuzzy_fingerprint or "", ())
    return [document for document in same if any(_can_have_made(row, document) for row in rows)]


def _can_have_made(row: LedgerEntry, document: Document) -> bool:
    first_s, last_s = window_of(row)
    return first_s <= created_s(document) <= last_s


def _contending_rows(rows: Iterable[LedgerEntry]) -> Iterator[list[LedgerEntry]]:
    """Groups of rows without a tag that can have made the same object, each oldest first."""
    by_fingerprint: dict[str, list[LedgerEntry]] = {}
    for row in rows:
        if row.fuzzy_fingerprint is not None:
            by_fingerprint.setdefault(row.fuzzy_fingerprint, []).append(row)
    for group in by_fingerprint.values():
        yield from _split_where_windows_part(group)


def _split_where_windows_part(rows: Iterable[LedgerEntry]) -> list[list[LedgerEntry]]:
    groups: list[list[LedgerEntry]] = []
    end_s = 0
    for row in sorted(rows, key=window_of):
        first_s, last_s = window_of(row)
        if not groups or first_s > end_s:
            groups.append([])
        groups[-1].append(row)
        end_s = max(end_s, last_s)
    return groups


def _is_ambiguous(rows: Sequence[LedgerEntry], candidates: Sequence[Document]) -> bool:
    """Too many objects, more than one tenant, or a row that was ambiguous when it was looked for before."""
    was_ambiguous = any(row.found_by == Resolution.AMBIGUOUS for row in rows)
    return was_ambiguous or len(candidates) > len(rows) or len({row.tenant for row in rows}) > 1


def _assign(
    rows: Sequence[LedgerEntry], candidates: Sequence[Document]
) -> Iterator[tuple[OperationId, tuple[Document, Resolution]]]:
    """The oldest object to the oldest row that can have made it: all rows are one tenant's, with one fingerprint."""
    left = sorted(candidates, key=created_s)
    for row in sorted(rows, key=lambda row: row.started_ms):
        fitting = next((document for document in left if _can_have_made(row, document)), None)
        if fitting is not None:
            left.remove(fitting)
            yield row.id, (fitting, Resolution.FUZZY_FINGERPRINT)
