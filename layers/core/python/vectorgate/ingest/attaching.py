"""Files into stores: grouped, paced, and once.

::

    wanted: files of one store      admit (20 in 5 s, a store)       not admitted: Later, within a minute
      -> mark each object's row     `attempted`, the write that only one of two can make
      -> one file_batches.create    sent once, within 10 s of being admitted, or not at all
                                    lost: Later. The next attempt looks first whether the file is there
      -> the row: attached          refused: in halves, until it is known which file is to blame

A store that is gone is replaced where it was meant by its name.

The provider's limit counts any 60 seconds, not those of the clock's minutes. What is sent within them was admitted in a
stretch of 70 s, which at most 15 windows of 5 s have a part in: 15 x 20 = 300.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.http import encode_json
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ObjectId
from vectorgate.ingest.model import Postponed, Rejected
from vectorgate.ingest.object_rows import following
from vectorgate.ingest.store_resolver import is_there
from vectorgate.ingest.team_client import NOT_FOUND, SOON, step_key
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ingest.model import ObjectLocation, ObjectRow
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.ingest.store_resolver import StoreResolver
    from vectorgate.ingest.team_client import TeamClient

    Fields: TypeAlias = Mapping[str, object]

ATTACHES_A_MINUTE: Final = 300  # OpenAI's: for each store, /files and /file_batches together, in any 60 s
MINUTE: Final = 60
WINDOW_SECONDS: Final = 5
PROMPT_SECONDS: Final = 10  # from being admitted to being sent: the rows' marks, the gateway's own steps
ATTACHES_A_WINDOW: Final = ATTACHES_A_MINUTE // ((MINUTE + PROMPT_SECONDS) // WINDOW_SECONDS + 1)
MOST_FILES: Final = 500  # of one batch: Azure's limit, OpenAI takes 2,000
# Nobody attaches a file that somebody else began to attach a shorter time ago: a call ends within 28 s.
ATTEMPT_SECONDS: Final = 60
UNKNOWN_BATCH: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file that is to be in a store. `index`: the notice's place among those that were taken together.

    `name`: what the store is called where it may be replaced. `row`: the object's, None for an event. `again`: an
    earlier attempt may have attached it.
    """

    index: int
    client: TeamClient
    store_id: ObjectId
    name: str | None
    file_id: ObjectId
    fields: Fields
    origin: ObjectLocation | str
    row: ObjectRow | None = None
    again: bool = False


Ending: TypeAlias = "Attached | Postponed | Rejected | StoreError"


@dataclass(frozen=True, slots=True)
class Attached:
    """It is in the store. `batch_id`: UNKNOWN_BATCH where an earlier attempt did it, whose answer was lost."""

    wanted: Wanted
    batch_id: str


@dataclass(frozen=True, slots=True)
class Attaching:
    """What attaching needs."""

    store: IngestStore
    names: StoreResolver
    clock: Clock

    def attach(self, wanted: Sequence[Wanted]) -> dict[int, Ending]:
        """What became of each, by its `index`."""
        endings: dict[int, Ending] = {}
        for group in grouped(wanted):
            endings.update(self._group(group))
        return endings

    def _group(self, group: Sequence[Wanted]) -> dict[int, Ending]:
        endings: dict[int, Ending] = {}
        ready: list[Wanted] = []
        for each in group:
            try:
                if self._is_attached(each):
                    endings[each.index] = self._noted(each, UNKNOWN_BATCH)
                else:
                    ready.append(each)
            except (Postponed, Rejected, StoreError) as error:
                endings[each.index] = error
        for first in range(0, len(ready), MOST_FILES):
            endings.update(self._batch(ready[first : first + MOST_FILES]))
        return endings

    def _is_attached(self, wanted: Wanted) -> bool:
        """Whether an earlier attempt did it. Postponed while that attempt may still be under way."""
        if not wanted.again:
            return False
        if wanted.row is not None and wanted.row.attempted is not None:
            left = wanted.row.attempted + ATTEMPT_SECONDS - self.clock.unix_s()
            if left > 0:
                raise Postponed(left, "The file is being attached, or its answer was lost.")
        found = wanted.client.find(
            "vector_stores.files.retrieve", vector_store_id=wanted.store_id, file_id=wanted.file_id
        )
        return found is not None

    def _batch(self, wanted: Sequence[Wanted]) -> dict[int, Ending]:
        """One request for all of them, if the store has one left in this window."""
        until = self.clock.monotonic() + PROMPT_SECONDS
        now, client = self.clock.unix_s(), wanted[0].client
        try:
            client.check_time()
            lane = lane_of(client.team, wanted[0].store_id)
            admitted = self.store.admit(lane, window_of(now), most=ATTACHES_A_WINDOW)
        except (Postponed, StoreError) as error:
            return {each.index: error for each in wanted}
        if not admitted:
            wait = (
                window_of(now) + WINDOW_SECONDS - now + client.gateway.randomness.fraction() * (MINUTE - WINDOW_SECONDS)
            )
            full = Postponed(wait, "The store takes no more files at this moment.")
            return {each.index: full for each in wanted}
        endings: dict[int, Ending] = {}
        marked = [each for each in (self._marked(each, now, endings) for each in wanted) if each is not None]
        if marked:
            endings.update(self._request(marked, until))
        return endings

    def _marked(self, wanted: Wanted, now: int, endings: dict[int, Ending]) -> Wanted | None:
        """With a row that says so: of two that would attach one file, one alone can write it."""
        if wanted.row is None or wanted.row.attempted == now:
            return wanted
        row = following(wanted.row, vector_store_id=wanted.store_id, file_id=wanted.file_id, attempted=now)
        try:
            self.store.put_object_row(row)
        except StoreError as error:
            endings[wanted.index] = error
            return None
        return replace(wanted, row=row)

    def _request(self, wanted: Sequence[Wanted], until: float) -> dict[int, Ending]:
        client, store_id = wanted[0].client, wanted[0].store_id
        try:
            batch = client.call(
                "vector_stores.file_batches.create",
                {"vector_store_id": store_id},
                body_of(wanted),
                policy=Policy(attempts=1, send_before=until),
            )
        except Postponed as error:
            return {each.index: error for each in wanted}
        except Rejected as error:
            return self._refused(wanted, error)
        return {each.index: self._safely_noted(each, str(batch.get("id") or UNKNOWN_BATCH)) for each in wanted}

    def _refused(self, wanted: Sequence[Wanted], error: Rejected) -> dict[int, Ending]:
        """Whose fault is it: the store's, the provider's, or one file's?"""
        try:
            if error.status == NOT_FOUND and not is_there(wanted[0].client, wanted[0].store_id):
                return self._without_store(wanted, error)
        except (Postponed, Rejected, StoreError) as trouble:
            return {each.index: trouble for each in wanted}
        if len(wanted) == 1:
            return {wanted[0].index: error}
        endings: dict[int, Ending] = {}
        for part in _parts(wanted, error):
            endings.update(self._batch(part))
        return endings

    def _without_store(self, wanted: Sequence[Wanted], error: Rejected) -> dict[int, Ending]:
        endings: dict[int, Ending] = {}
        for each in wanted:
            if each.name is None:
                endings[each.index] = error
                continue
            self.names.replace(each.client, each.name, each.store_id)
            endings[each.index] = Postponed(SOON, "The store was deleted; there is a new one of its name.")
        return endings

    def _safely_noted(self, wanted: Wanted, batch_id: str) -> Ending:
        try:
            return self._noted(wanted, batch_id)
        except StoreError as error:
            return error

    def _noted(self, wanted: Wanted, batch_id: str) -> Attached:
        if wanted.row is None:
            return Attached(wanted, batch_id)
        row = following(
            wanted.row, vector_store_id=wanted.store_id, file_id=wanted.file_id, attached=True, batch_id=batch_id
        )
        self.store.put_object_row(row)
        return Attached(replace(wanted, row=row), batch_id)


def window_of(unix_s: int) -> int:
    """The second at which the window of that second began."""
    return unix_s - unix_s % WINDOW_SECONDS


def lane_of(team: str, store_id: str) -> ObjectId:
    """What is counted: the store as the team names it, so that nobody uses up the pace of another's."""
    return ObjectId(step_key("pace", team, store_id))


def grouped(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """By team and store; a file that is wanted twice in one store (two events) is in two groups."""
    groups: dict[tuple[str, str, int], list[Wanted]] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for each in wanted:
        place = (each.client.team, each.store_id, each.file_id)
        seen[place] = seen.get(place, -1) + 1
        groups.setdefault((each.client.team, each.store_id, seen[place]), []).append(each)
    yield from groups.values()


def body_of(wanted: Sequence[Wanted]) -> dict[str, object]:
    """A batch's body: `file_ids` where all have the same attributes, for that is all that Azure takes; else `files`."""
    if all(each.fields == wanted[0].fields for each in wanted):
        return {"file_ids": [each.file_id for each in wanted], **wanted[0].fields}
    return {"files": [{"file_id": each.file_id, **each.fields} for each in wanted]}


def _parts(wanted: Sequence[Wanted], error: Rejected) -> list[Sequence[Wanted]]:
    """Smaller batches: by their attributes where the provider has no other form, else halves."""
    if error.param == "files" and error.code == "unsupported_parameter":
        alike: dict[bytes, list[Wanted]] = {}
        for each in wanted:
            alike.setdefault(encode_json(dict(each.fields)), []).append(each)
        return list(alike.values())
    middle = len(wanted) // 2
    return [wanted[:middle], wanted[middle:]]
