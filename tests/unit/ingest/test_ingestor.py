"""One rule at a time: what a notice does to the stores, and how it ends."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.gateway import secret_text
from tests.harnesses.ingest import BASE, BUCKET, Crash, Town
from vectorgate.api.http import Body
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.clock import MILLISECONDS
from vectorgate.ingest.attachment import (
    ATTACHES_PER_MINUTE,
    ATTACHES_PER_WINDOW,
    ATTEMPT_SECONDS,
    MINUTE,
    WINDOW_SECONDS,
    rate_limit_key,
    window_start,
)
from vectorgate.ingest.ingestor import START_WITHIN_SECONDS, UPLOAD_SECONDS
from vectorgate.ingest.model import (
    AttachRequested,
    CreateRequested,
    DetailType,
    Done,
    IndexingReminder,
    ObjectChange,
    ObjectLocation,
    PermanentFailure,
    RetryLater,
)
from vectorgate.ledger.ports import RecordQuery
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import NotSent, Replied, ResponseLost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.providers.base import UpstreamRequest
    from vectorgate.providers.http.outcome import Outcome

KEY = "acme/docs/guide.md"


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.close()


def take(town: Town, *notices: Any) -> Any:
    outcomes = town.ingestor.process(list(notices))
    return outcomes[0] if len(outcomes) == 1 else outcomes


def told(town: Town, kind: DetailType) -> list[Any]:
    return [event.detail for event in town.events if event.detail_type is kind]


def rows(town: Town) -> list[LedgerEntry]:
    now = int(town.now * MILLISECONDS)
    return list(town.stores.ledger.search(RecordQuery(start_ms=now - 86_400_000, end_ms=now + 1, limit=1000)))


def ingested(town: Town, key: str = KEY, content: bytes = b"hello") -> ObjectChange:
    """An object that is attached, and whose result is told."""
    change = town.put(key, content)
    town.send(change)
    town.run()
    return change


# ------------------------------------------------------------------------------------------------------------- objects


def test_an_object_is_uploaded_and_attached_to_the_store_of_its_prefix(town: Town) -> None:
    change = town.put(KEY, b"hello", metadata={"author": "Zoë"}, year="2026")
    done = take(town, change)
    (name, store), (file_id, file) = town.vector_stores.popitem(), town.files.popitem()
    assert (store.name, store.files) == ("docs", {file_id: {"author": "Zoë", "year": "2026"}})
    assert (file.filename, file.content) == ("guide.md", hashlib.sha256(b"hello").hexdigest())
    watch = IndexingReminder(
        team="red", vector_store_id=name, batch_id=done.follow_up.batch_id, files={file_id: change.location}
    )
    assert done == Done(watch, 5)


def test_every_call_is_in_the_teams_books(town: Town) -> None:
    ingested(town)
    assert {(row.tenant, row.team_id, row.tags) for row in rows(town)} == {("team:red", "red", ("ingest",))}
    assert {row.operation for row in rows(town)} >= {
        "vector_stores.create",
        "files.create",
        "vector_stores.file_batches.create",
    }


def test_a_result_comes_back_once_the_file_is_indexed(town: Town) -> None:
    change = ingested(town)
    (detail,) = told(town, DetailType.FILE_INDEXED)
    (name, store) = town.vector_stores.popitem()
    assert detail == {
        "vector_store_id": name,
        "file_id": next(iter(store.files)),
        "bucket": BUCKET,
        "key": KEY,
        "version_id": change.version,
        "usage_bytes": 5,
    }


def test_a_file_that_cannot_be_indexed_fails_with_the_providers_reason(town: Town) -> None:
    town.last_error["guide.md"] = {"code": "unsupported_file", "message": "It is empty."}
    ingested(town)
    (detail,) = told(town, DetailType.FILE_FAILED)
    assert detail["error"] == {"code": "unsupported_file", "message": "It is empty."}
    assert told(town, DetailType.FILE_INDEXED) == []


def test_a_file_that_is_still_being_indexed_is_looked_at_again_ever_more_seldom(town: Town) -> None:
    town.index_seconds = 10**9
    done = take(town, town.put(KEY, b"hello"))
    pauses = []
    for _ in range(12):
        done = take(town, done.follow_up)
        pauses.append(done.seconds)
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900]
    assert told(town, DetailType.FILE_FAILED) == []
    assert take(town, replace(done.follow_up, round=100)) == Done()
    assert "in_progress" in told(town, DetailType.FILE_FAILED)[0]["error"]["message"]


def test_what_is_told_twice_is_done_once_and_asks_the_provider_nothing(town: Town) -> None:
    change = ingested(town)
    before, books = sum(town.calls.values()), len(rows(town))
    assert take(town, change, change) == [Done(), Done()]
    assert (sum(town.calls.values()), len(rows(town))) == (before, books)


def test_an_overwritten_object_replaces_the_one_before_it(town: Town) -> None:
    ingested(town, content=b"old")
    (old,) = town.files
    ingested(town, content=b"new!")
    assert town.truth() == town.expected()
    assert list(town.files) != [old]
    assert len(town.files) == 1


def test_the_new_file_is_attached_before_the_old_one_goes(town: Town) -> None:
    ingested(town, content=b"old")
    seen: list[int] = []
    town.refuse = lambda method, named, _: (
        seen.append(len(next(iter(town.vector_stores.values())).files))
        if (method, named) == ("DELETE", "vector_stores/*/files/*")
        else None
    )
    ingested(town, content=b"new")
    assert seen == [2]


def test_a_late_older_version_changes_nothing(town: Town) -> None:
    old, new = town.put(KEY, b"old"), town.put(KEY, b"new")
    town.send(new)
    town.run()
    before = dict(town.files)
    assert take(town, old) == Done()
    assert town.files == before


def test_a_removed_object_is_detached_and_its_file_deleted(town: Town) -> None:
    ingested(town)
    assert take(town, town.remove(KEY)) == Done()
    assert town.files == {}
    assert town.truth() == {}


def test_a_removal_that_comes_first_is_remembered(town: Town) -> None:
    written, removed = town.put(KEY, b"x"), town.remove(KEY)
    assert take(town, removed) == Done()
    assert take(town, written) == Done()
    assert town.files == {}


def test_removing_an_old_version_leaves_the_current_one_alone(town: Town) -> None:
    old = ingested(town, content=b"old")
    ingested(town, content=b"new")
    before = dict(town.files)
    assert take(town, town.purge(KEY, old.version)) == Done()
    assert town.files == before


def test_removing_the_current_version_brings_the_one_before_it_back(town: Town) -> None:
    ingested(town, content=b"old")
    new = ingested(town, content=b"new")
    town.send(town.purge(KEY, new.version))
    town.run()
    assert town.truth() == town.expected()
    assert sum(town.truth().values()) == 1


def test_an_object_that_is_gone_before_it_is_read_is_nothing(town: Town) -> None:
    written = town.put(KEY, b"x")
    town.objects.clear()
    assert take(town, written) == Done()
    assert town.calls == {}


def test_a_folder_is_nothing(town: Town) -> None:
    assert take(town, town.put("acme/docs/", b"")) == Done()
    assert town.calls == {}


# -------------------------------------------------------------------------------------------------------------- stores


def test_objects_that_come_together_share_one_store(town: Town) -> None:
    town.send(*[town.put(f"acme/docs/{number}", b"x") for number in range(30)])
    town.run(10)
    assert len(town.vector_stores) == 1
    assert town.truth() == town.expected()


def test_a_store_is_made_once_by_two_that_do_not_see_each_other(town: Town) -> None:
    first, second = town.put("acme/docs/1", b"x"), town.put("acme/docs/2", b"y")
    inner = town.execute
    told_too: list[Any] = []

    def meanwhile(request: Any) -> Any:
        done = inner(request)
        if request.url.endswith("/vector_stores") and not told_too:
            told_too.append(take(town, second))
        return done

    town.execute = meanwhile  # type: ignore[method-assign]
    take(town, first)
    assert isinstance(told_too[0], RetryLater)
    town.send(first, second)
    town.run()
    assert len(town.vector_stores) == 1
    assert town.truth() == town.expected()


def test_an_id_of_ones_own_means_that_store(town: Town) -> None:
    take(town, CreateRequested(event_id="e1", source="crm", body={"name": "mine"}))
    (name,) = town.vector_stores
    ingested(town, f"acme/{name}/a.txt")
    assert list(town.vector_stores) == [name]
    assert len(town.vector_stores[name].files) == 1


def test_somebody_elses_id_is_only_a_name(town: Town) -> None:
    take(town, CreateRequested(event_id="e1", source="other", body={"name": "theirs"}))
    (theirs,) = town.vector_stores
    ingested(town, f"acme/{theirs}/a.txt")
    assert town.vector_stores[theirs].files == {}
    assert [store.name for store in town.vector_stores.values()] == ["theirs", theirs]


def test_teams_have_stores_of_their_own_under_one_name(town: Town) -> None:
    ingested(town, "acme/docs/a")
    ingested(town, "other/docs/a")
    assert [len(store.files) for store in town.vector_stores.values()] == [1, 1]


def test_a_store_that_was_deleted_is_made_anew(town: Town) -> None:
    ingested(town, "acme/docs/1")
    town.vector_stores.clear()
    town.send(town.put("acme/docs/2", b"x"), town.put("acme/docs/3", b"x"))
    town.run()
    assert [len(store.files) for store in town.vector_stores.values()] == [2]


# -------------------------------------------------------------------------------------------------------------- events


def test_an_application_gets_a_store_and_is_told_its_id(town: Town) -> None:
    wanted = CreateRequested(event_id="e1", source="crm", body={"name": "docs", "metadata": {"a": "b"}})
    assert take(town, wanted, wanted) == [Done(), Done()]
    (name,) = town.vector_stores
    assert told(town, DetailType.STORE_CREATED) == [{"event_id": "e1", "vector_store_id": name, "name": "docs"}] * 2


def test_a_store_that_cannot_be_is_told_and_set_aside(town: Town) -> None:
    wanted = CreateRequested(event_id="e1", source="crm", body={"name": 7})
    outcome = take(town, wanted)
    assert isinstance(outcome, PermanentFailure)
    (detail,) = told(town, DetailType.STORE_FAILED)
    assert (detail["event_id"], detail["error"]["message"]) == ("e1", outcome.reason)


def file_of(town: Town, team_key: str = "acme/docs/seed") -> str:
    ingested(town, team_key, b"seed")
    return next(name for name, file in town.files.items() if file.filename == "seed")


def test_an_application_attaches_a_file_by_name_with_all_that_a_file_can_have(town: Town) -> None:
    file_id = file_of(town)
    chunks = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}}
    town.send(
        AttachRequested(
            event_id="e2", source="crm", file_id=file_id, name="wiki", attributes={"n": 1}, chunking_strategy=chunks
        )
    )
    town.run()
    store = next(store for store in town.vector_stores.values() if store.name == "wiki")
    assert store.files == {file_id: {"n": 1}}
    assert town.bodies[-1] == {"file_ids": [file_id], "attributes": {"n": 1}, "chunking_strategy": chunks}
    assert told(town, DetailType.FILE_INDEXED)[-1]["event_id"] == "e2"


def test_an_attachment_that_is_asked_for_twice_is_made_once(town: Town) -> None:
    wanted = AttachRequested(event_id="e2", source="crm", file_id=file_of(town), name="wiki")
    town.send(wanted, wanted)
    town.run()
    town.send(wanted)
    town.run()
    assert set(town.attached.values()) == {1}


@pytest.mark.parametrize(
    "changes",
    [
        {"file_id": "file-unknown"},
        {"vector_store_id": "vs_unknown", "name": None},
        {"attributes": {"k" * 65: "v"}},
        {"chunking_strategy": {"type": "magic"}},
    ],
)
def test_an_attachment_that_cannot_be_is_told_and_set_aside(town: Town, changes: dict[str, Any]) -> None:
    wanted = replace(AttachRequested(event_id="e2", source="crm", file_id=file_of(town), name="wiki"), **changes)
    assert isinstance(take(town, wanted), PermanentFailure)
    (detail,) = told(town, DetailType.FILE_FAILED)
    assert (detail["event_id"], detail["file_id"]) == ("e2", wanted.file_id)


def test_nobody_attaches_what_is_another_teams(town: Town) -> None:
    file_id = file_of(town)
    ingested(town, "other/theirs/x")
    theirs = next(name for name, store in town.vector_stores.items() if store.name == "theirs")
    before = sum(town.calls.values())
    foreign_file = AttachRequested(event_id="e1", source="other", file_id=file_id, vector_store_id=theirs)
    foreign_store = AttachRequested(event_id="e2", source="crm", file_id=file_id, vector_store_id=theirs)
    absent = AttachRequested(event_id="e3", source="crm", file_id=file_id, vector_store_id="vs_0123456789")
    outcomes = take(town, foreign_file, foreign_store, absent)
    assert [type(outcome) for outcome in outcomes] == [PermanentFailure] * 3
    assert outcomes[1].reason == outcomes[2].reason.replace("vs_0123456789", theirs), "foreign is absent"
    assert sum(town.calls.values()) - before <= 1, "the foreign file's own store is all that is ever asked for"
    assert town.vector_stores[theirs].files.keys() != {file_id}


# -------------------------------------------------------------------------------------------------------------- senders


@pytest.mark.parametrize(
    "key",
    [
        "nobody/docs/a",
        "red/docs/a",
        "ACME/docs/a",
        "acme /docs/a",
        "a/../acme/docs/a",
        "acme",
    ],
)
def test_a_prefix_that_is_nobodys_is_set_aside_before_anything_is_asked(town: Town, key: str) -> None:
    assert isinstance(take(town, town.put(key, b"x")), PermanentFailure)
    assert town.calls == {}
    assert rows(town) == []
    assert town.stores.ingest.object_row(ObjectLocation(BUCKET, key)) is None


def test_an_application_that_is_unknown_is_not_heard(town: Town) -> None:
    assert isinstance(take(town, CreateRequested(event_id="e", source="red", body={})), PermanentFailure)
    assert (town.calls, town.events) == ({}, [])


def test_another_bucket_is_not_ours(town: Town) -> None:
    change = ObjectChange(location=ObjectLocation("elsewhere", KEY), sequencer="01")
    assert isinstance(take(town, change), PermanentFailure)
    assert (town.calls, town.events) == ({}, [])


def test_a_reminder_for_a_team_that_nobody_ingests_for_is_set_aside(town: Town) -> None:
    watch = IndexingReminder(team="green", vector_store_id="vs_1", batch_id=None, files={"file-1": "e"})
    assert isinstance(take(town, watch), PermanentFailure)
    assert town.calls == {}


def test_a_sender_that_moves_to_another_team_takes_nothing_along(town: Town) -> None:
    ingested(town)
    town.ingestor = replace(town.ingestor, senders={"acme": "blue"})
    ingested(town, content=b"new")
    assert town.truth() == town.expected() | town.truth()
    assert len(town.files) == 1
    assert [len(store.files) for store in town.vector_stores.values()] == [0, 1]


@pytest.mark.parametrize("first", [3, 6, 9, 12, 15])
@pytest.mark.parametrize("second", range(0, 24, 4))
def test_a_sender_that_moves_while_an_object_is_under_way_leaves_nothing_behind(
    town: Town, first: int, second: int
) -> None:
    change = town.put(KEY, b"hello")
    town.send(change)
    town.crash_at = first
    town.step()
    town.ingestor, town.crash_at = replace(town.ingestor, senders={"acme": "blue"}), second
    town.run()
    town.crash_at = None
    row = town.stores.ingest.object_row(change.location)
    assert row is not None
    assert row.team == "blue"
    assert [row.file_id] == list(town.files)
    town.send(town.remove(KEY))
    town.run()
    assert town.files == {}


# --------------------------------------------------------------------------------------------------------------- poison


@pytest.mark.parametrize("metadata", [{f"k{number}": "v" for number in range(17)}, {"k": "v" * 513}, {"k" * 65: "v"}])
def test_metadata_beyond_the_limits_is_told_and_set_aside_and_nothing_is_uploaded(
    town: Town, metadata: dict[str, str]
) -> None:
    assert isinstance(take(town, town.put(KEY, b"x", metadata=metadata)), PermanentFailure)
    assert town.calls == {}
    (detail,) = told(town, DetailType.FILE_FAILED)
    assert (detail["bucket"], detail["key"]) == (BUCKET, KEY)


def test_an_object_that_is_refused_takes_its_older_content_with_it(town: Town) -> None:
    ingested(town, content=b"old")
    assert isinstance(take(town, town.put(KEY, b"new", metadata={"k": "v" * 513})), PermanentFailure)
    assert town.files == {}


def test_one_refused_file_does_not_keep_the_others_of_its_batch_out(town: Town) -> None:
    bad: dict[str, Any] = {
        "error": {"message": "Not that one.", "type": "invalid_request_error", "code": "bad", "param": None}
    }

    def refuse(method: str, named: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        items = body.get("files") or [{"file_id": each} for each in body.get("file_ids", ())]
        names = [town.files[item["file_id"]].filename for item in items]
        return (400, bad) if (method, named) == ("POST", "vector_stores/*/file_batches") and "13" in names else None

    town.refuse = refuse
    outcomes = take(town, *[town.put(f"acme/docs/{number}", b"x", n=str(number)) for number in range(40)])
    assert [number for number, outcome in enumerate(outcomes) if outcome == PermanentFailure("Not that one.")] == [13]
    assert sum(town.truth().values()) == 39


def test_a_provider_that_takes_ids_alone_gets_a_batch_for_each_set_of_attributes(town: Town) -> None:
    unsupported = {
        "error": {"message": "no", "type": "invalid_request_error", "code": "unsupported_parameter", "param": "files"}
    }
    town.refuse = lambda _method, _named, body: (400, unsupported) if "files" in body else None
    objects = [town.put(f"acme/docs/{number}", b"x", n=str(number % 3)) for number in range(9)]
    assert all(isinstance(outcome, Done) for outcome in take(town, *objects))
    assert town.truth() == town.expected()
    assert sorted(len(body["file_ids"]) for body in town.bodies) == [3, 3, 3]


# ---------------------------------------------------------------------------------------------------------------- pace


def test_a_store_that_is_full_for_the_moment_is_waited_for_a_minute_at_most(town: Town) -> None:
    ingested(town)
    (name,) = town.vector_stores
    window = window_start(int(town.now))
    while town.stores.ingest.admit(rate_limit_key("red", name), window, limit=ATTACHES_PER_WINDOW):
        pass
    outcome = take(town, town.put("acme/docs/2", b"x"))
    assert isinstance(outcome, RetryLater)
    assert window + WINDOW_SECONDS <= town.now + outcome.seconds <= window + MINUTE + 1


@pytest.mark.parametrize(
    "outcome",
    [
        NotSent(timed_out=False),
        ResponseLost(timed_out=True),
        Replied(UpstreamResponse(status=429, headers={"retry-after": "1"}, body=Body.of(b"{}"))),
        Replied(UpstreamResponse(status=401, headers={}, body=Body.of(b"{}"))),
    ],
    ids=["not sent", "lost", "429", "401"],
)
def test_an_attaching_request_is_sent_once_each_time_it_is_admitted(town: Town, outcome: Outcome) -> None:
    ingested(town)
    usual = town.transported

    def faulty(request: UpstreamRequest) -> Outcome:
        if not request.url.endswith("/file_batches"):
            return usual(request)
        sent.append(request.url)
        town.secret_source.text = secret_text(BASE, "sk-another-of-the-providers")
        return outcome

    sent: list[str] = []
    town.transported = faulty  # type: ignore[method-assign]
    assert isinstance(take(town, town.put("acme/docs/2", b"x")), RetryLater)
    assert len(sent) == 1


def test_nobody_uses_up_the_pace_of_another_teams_store(town: Town) -> None:
    ingested(town, "other/theirs/x")
    (theirs,) = town.vector_stores
    wanted = AttachRequested(event_id="e", source="crm", file_id="file-x", vector_store_id=theirs)
    take(town, *(replace(wanted, event_id=f"e{number}") for number in range(ATTACHES_PER_MINUTE)))
    assert isinstance(take(town, town.put("other/theirs/y", b"y")), Done)


def test_a_budget_that_is_used_up_is_waited_for_as_long_as_one_can(town: Town) -> None:
    subject = Subject(BudgetScope.TEAM, "red")
    town.stores.budgets.add_limit(subject, Limit(since=0, max_budget=NanoUSD(0)))
    outcome = take(town, town.put(KEY, b"x"))
    assert isinstance(outcome, RetryLater)
    assert outcome.seconds == 900
    assert "budget" in outcome.reason


def test_a_provider_that_says_how_long_is_obeyed(town: Town) -> None:
    limited: dict[str, Any] = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    town.refuse = lambda *_: (429, limited)
    outcome = take(town, town.put(KEY, b"x"))
    assert isinstance(outcome, RetryLater)


def test_an_invocation_ends_in_time_however_slow_the_provider_is(town: Town) -> None:
    ingested(town)
    (name,) = town.vector_stores
    (file_id,) = town.files
    calls: list[float] = []

    def never(request: Any) -> ResponseLost:
        del request
        calls.append(town.now)
        town.now += 27.9
        return ResponseLost(timed_out=True)

    town.transported = never  # type: ignore[method-assign]
    began = town.now
    objects = [town.put(f"acme/store {number}/x", b"x") for number in range(20)]
    events = [AttachRequested(event_id=f"e{n}", source="crm", file_id=file_id, vector_store_id=name) for n in range(20)]
    reminders = [
        IndexingReminder(team="red", vector_store_id=name, batch_id=None, files={file_id: f"e{n}"}) for n in range(20)
    ]
    outcomes = take(town, *objects, *events, *reminders)
    assert {type(outcome) for outcome in outcomes} == {RetryLater}
    assert calls[-1] - began < START_WITHIN_SECONDS + UPLOAD_SECONDS
    assert town.now - began < 900  # a function's time limit: what it cuts off comes again hours later, five times


def test_no_upload_is_begun_when_the_time_is_up(town: Town) -> None:
    (outcome,) = town.ingestor.process([town.put(KEY, b"x")], start_within=0)
    assert isinstance(outcome, RetryLater)
    assert "POST files" not in town.calls


# ------------------------------------------------------------------------------------------------ crashes and conflicts


def test_an_attachment_whose_answer_was_lost_is_looked_for_before_it_is_made_again(town: Town) -> None:
    change, inner = town.put(KEY, b"x"), town.execute
    lost: list[bool] = []

    def losing(request: Any) -> Any:
        done = inner(request)
        if request.url.endswith("file_batches") and not lost:
            lost.append(True)
            raise Crash
        return done

    town.execute = losing  # type: ignore[method-assign]
    with pytest.raises(Crash):
        take(town, change)
    early = take(town, change)
    assert isinstance(early, RetryLater)
    assert early.seconds <= ATTEMPT_SECONDS
    town.now += ATTEMPT_SECONDS
    done = take(town, change)
    assert isinstance(done, Done)
    assert done.follow_up is not None
    assert done.follow_up.batch_id is None
    assert set(town.attached.values()) == {1}


@pytest.mark.parametrize("crash", range(60))
def test_wherever_the_process_ends_the_next_one_finishes(crash: int) -> None:
    town = Town(crash)
    ingested(town, content=b"old")
    town.send(town.put(KEY, b"new"), town.put("acme/docs/other", b"other"))
    town.crash_at = crash
    town.run()
    assert town.truth() == town.expected()
    assert len(town.files) == 2
    assert max(town.attached.values()) == 1
    town.close()


def test_two_that_handle_one_object_at_once_upload_and_attach_it_once(town: Town) -> None:
    change, inner = town.put(KEY, b"x"), town.execute
    second: list[Any] = []

    def meanwhile(request: Any) -> Any:
        if request.method == "POST" and not request.url.endswith("vector_stores"):
            second.append(take(town, change))
        return inner(request)

    town.execute = meanwhile  # type: ignore[method-assign]
    take(town, change)
    assert [type(outcome) for outcome in second] == [RetryLater, RetryLater]
    town.send(change)
    town.run()
    assert town.calls["POST files"] == 1
    assert set(town.attached.values()) == {1}


def test_an_upload_that_was_overtaken_leaves_no_file(town: Town) -> None:
    old = town.put(KEY, b"old")
    new, inner = town.put(KEY, b"new"), town.execute
    overtaken: list[bool] = []

    def meanwhile(request: Any) -> Any:
        done = inner(request)
        if request.url.endswith("/files") and request.method == "POST" and not overtaken:
            overtaken.append(True)
            take(town, new)
        return done

    town.execute = meanwhile  # type: ignore[method-assign]
    assert isinstance(take(town, old), RetryLater)
    town.send(old, new)
    town.run()
    assert town.truth() == town.expected()
    assert len(town.files) == 1


def test_results_are_not_told_twice_however_often_one_is_reminded(town: Town) -> None:
    done = take(town, town.put(KEY, b"x"))
    town.now += 10
    assert take(town, done.follow_up) == Done()
    assert take(town, done.follow_up) == Done()
    assert len(told(town, DetailType.FILE_INDEXED)) == 1


def test_an_upload_that_takes_minutes_is_not_taken_for_a_crash(town: Town) -> None:
    change, inner = town.put(KEY, b"x"), town.execute
    meanwhile: list[Any] = []

    def slowly(request: Any) -> Any:
        if request.url.endswith("/files") and request.method == "POST":
            for _ in range(5):
                town.now += 100
                town.sweep()
                meanwhile.append(take(town, change))
        return inner(request)

    town.execute = slowly  # type: ignore[method-assign]
    assert isinstance(take(town, change), Done)
    assert {type(outcome) for outcome in meanwhile} == {RetryLater}
    assert town.calls["POST files"] == 1
    assert town.truth() == town.expected()


def test_an_upload_that_was_cut_off_is_found_out_once_it_cannot_be_under_way(town: Town) -> None:
    change, inner = town.put(KEY, b"x"), town.execute
    lost: list[str] = []

    def losing(request: Any) -> Any:
        done = inner(request)
        if request.url.endswith("/files") and request.method == "POST" and not lost:
            lost.append(done[1]["id"])
            raise Crash
        return done

    town.execute = losing  # type: ignore[method-assign]
    town.send(change)
    town.run()
    assert town.truth() == town.expected()
    assert lost[0] not in town.files, "what was found by its looks alone is sent again rather than believed"


def test_lost_uploads_that_look_alike_are_never_mistaken_for_one_another(town: Town) -> None:
    """Name and size in common: the first never arrived, the second did, and both answers were lost."""
    first, second = town.put("acme/docs/1/a.txt", b"1111"), town.put("acme/docs/2/a.txt", b"2222")
    inner = town.execute
    sent: list[bool] = []

    def losing(request: Any) -> Any:
        if request.url.endswith("/files") and request.method == "POST":
            sent.append(True)
            if len(sent) == 1:
                raise Crash
            done = inner(request)
            if len(sent) == 2:
                raise Crash
            return done
        return inner(request)

    town.execute = losing  # type: ignore[method-assign]
    town.send(first)
    town.step()
    town.send(second)
    town.run()
    assert town.truth() == town.expected()
    assert len(town.files) == 2


@pytest.mark.parametrize(
    "key",
    ["acme/docs/\udcff", "acme/docs/\0a", "acme/../other/x/a", "acme/do#cs/a", "acme//a", "acme/docs/" + "x" * 1020],
    ids=repr,
)
def test_a_hostile_key_is_set_aside_before_anything_is_asked_or_kept(town: Town, key: str) -> None:
    good = town.put(KEY, b"x")
    outcomes = take(town, ObjectChange(location=ObjectLocation(BUCKET, key), sequencer="01"), good)
    assert [type(outcome) for outcome in outcomes] == [PermanentFailure, Done]
    assert len(town.files) == 1


@pytest.mark.parametrize(
    "body", [{"metadata": {"a": float("nan")}}, {"name": "\ud800"}, {"metadata": {"a": "v" * 10**6}}]
)
def test_a_body_that_is_not_json_or_too_large_is_set_aside_alone(town: Town, body: dict[str, Any]) -> None:
    bad = CreateRequested(event_id="e1", source="crm", body=body)
    good = CreateRequested(event_id="e2", source="crm", body={"name": "docs"})
    assert [type(outcome) for outcome in take(town, bad, good)] == [PermanentFailure, Done]
    assert [store.name for store in town.vector_stores.values()] == ["docs"]


def test_an_upload_that_was_overtaken_before_it_began_leaves_no_file(town: Town) -> None:
    old, new, opened = town.put(KEY, b"old"), town.put(KEY, b"new"), town.open
    meanwhile: list[Any] = []

    def slowly(place: ObjectLocation, version: str | None) -> Any:
        if not meanwhile:
            meanwhile.append(True)
            meanwhile.append(take(town, new))
        return opened(place, version)

    town.open = slowly  # type: ignore[method-assign]
    assert isinstance(take(town, old), RetryLater)
    assert isinstance(meanwhile[1], Done)
    assert len(town.files) == 2
    assert take(town, old) == Done()
    assert town.truth() == town.expected()
    assert len(town.files) == 1


def test_reminders_of_one_batch_ask_for_the_batch_as_long_as_none_of_it_is_done(town: Town) -> None:
    town.index_seconds = 100.0
    first, second = take(town, town.put("acme/docs/1", b"x"), town.put("acme/docs/2", b"y"))
    counts = {"in_progress": 2, "completed": 0, "failed": 0, "cancelled": 0, "total": 2}
    town.refuse = lambda _method, named, _body: (
        (200, {"id": first.follow_up.batch_id, "file_counts": counts}) if named.endswith("file_batches/*") else None
    )
    town.calls.clear()
    again = take(town, first.follow_up, second.follow_up)
    assert [each.follow_up.round for each in again] == [1, 1]
    assert town.calls == {"GET vector_stores/*/file_batches/*": 1}


@pytest.mark.parametrize("said", [4, 6])
def test_an_object_that_is_not_as_long_as_it_was_said_to_be_is_not_uploaded(town: Town, said: int) -> None:
    change, opened = town.put(KEY, b"hello"), town.open

    def misjudged(place: ObjectLocation, version: str | None) -> Any:
        found = opened(place, version)
        return None if found is None else replace(found, size=said)

    town.open = misjudged  # type: ignore[method-assign]
    assert isinstance(take(town, change), RetryLater)
    assert town.files == {}
    town.open = opened  # type: ignore[method-assign]
    town.send(change)
    town.run()
    assert town.truth() == town.expected()


def test_what_is_opened_is_closed_whatever_happens(town: Town) -> None:
    opened = town.open
    streams: list[Any] = []

    def watched(place: ObjectLocation, version: str | None) -> Any:
        found = opened(place, version)
        streams.extend([] if found is None else [found.stream])
        return found

    town.open = watched  # type: ignore[method-assign]
    ingested(town)
    take(town, town.put("acme/docs/bad", b"x", metadata={"k": "v" * 513}))
    take(town, town.remove("acme/docs/bad"), town.purge(KEY, "none"))
    assert len(streams) >= 3
    assert all(stream.closed for stream in streams)
