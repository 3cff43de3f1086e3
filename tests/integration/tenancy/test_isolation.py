"""Rows 11 and 12 of docs/security.md: tenants x operations x {own, foreign, absent, malformed, in the body}."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.requests import request_for
from tests.fakes.openai import store_document
from tests.fakes.upstream import answer
from vectorgate.api.operations import BY_NAME, OPERATIONS, PATH_KINDS, Operation
from vectorgate.ids import ObjectKind
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harnesses.gateway import GatewayHarness
    from tests.integration.conftest import Connect
    from vectorgate.api.http import Response

RED, RED_TOO, BLUE, LONER = "sk-red-client-1", "sk-red-client-2", "sk-blue-client-1", "sk-loner-client-1"
OTHERS = [BLUE, LONER]
CHANGING = ("x-request-id", "x-litellm-call-id", "x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms")
MALFORMED = [
    "a.b",
    "a b",
    "é",
    "\0",
    "a/b/c/d/e",
    "a\\b",
    "..",
    ".",
    "a;b",
    "x" * 129,
    "a\r\nb",
    "a\n",
    "%",
    "",
    "\ud800",
]
MALFORMED += ["a%20b", "%00", "a%2Fb", "%2e%2e", "a%0d%0ab", "a%5Fb"]  # a path has been decoded already
WITH_IDS = [operation for operation in OPERATIONS if operation.parameters]
IN_BODY = [(operation, path) for operation in OPERATIONS for path in operation.body_ids]


class Town:
    """Four keys of three tenants, and one of everything that RED made."""

    def __init__(self, harness: GatewayHarness) -> None:
        self.harness = harness
        for key, team in ((RED, "red"), (RED_TOO, "red"), (BLUE, "blue"), (LONER, None)):
            harness.key(key, team=team)
        self.ids: dict[str, str] = {}
        self.ids["file_id"] = self.made("files.create")
        self.ids["vector_store_id"] = self.made("vector_stores.create")
        self.ids["batch_id"] = self.made("vector_stores.file_batches.create", {"file_ids[]": self.ids["file_id"]})
        self.ids["upload_id"] = self.made("uploads.create")
        self.named = {ObjectKind.FILE: self.ids["file_id"], ObjectKind.PART: self.made("uploads.parts.create")}
        self.forget()

    def made(self, name: str, file_ids: Mapping[str, str] | None = None, key: str = RED, **ids: str) -> str:
        response = self.ask(BY_NAME[name], key, {**self.ids, **ids}, file_ids=file_ids)
        assert response.status == 200
        return str(json.loads(response.body.read())["id"])

    def own(self, kind: ObjectKind, key: str) -> str:
        """A file or a part of the key's own."""
        if kind is ObjectKind.FILE:
            return self.made("files.create", key=key)
        return self.made("uploads.parts.create", key=key, upload_id=self.made("uploads.create", key=key))

    def in_body(self, operation: Operation, key: str) -> dict[str, str]:
        """What the operation's body has to name, of the key's own."""
        return {path: self.own(operation.body_kind, key) for path in operation.body_ids[:1]}

    def path_of(self, key: str) -> dict[str, str]:
        """The path's ids, with a store and an upload of the key's own."""
        made = {"vector_store_id": "vector_stores.create", "upload_id": "uploads.create"}
        return {**self.ids, **{name: self.made(operation, key=key) for name, operation in made.items()}}

    def ask(self, operation: Operation, key: str, ids: Mapping[str, str] | None = None, **more: Any) -> Response:
        return self.harness.gateway.handle(request_for(operation, ids or self.ids, key=key, **more))

    def forget(self) -> None:
        self.harness.settle()
        self.harness.upstream.forget()

    @property
    def calls(self) -> int:
        return self.harness.upstream.calls


@pytest.fixture
def town(harness: GatewayHarness) -> Town:
    return Town(harness)


def seen(response: Response, shown: str) -> tuple[int, dict[str, str], bytes]:
    """All that a client sees, without what is of this one request, and with the id taken out of the text."""
    headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
    return response.status, headers, response.body.read().replace(shown.encode(), b"THE ID")


def each(operations: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


def as_absent(kind: str) -> str:
    return {
        "vector_store_id": "vs_absent",
        "file_id": "file-absent",
        "batch_id": "vsfb_absent",
        "upload_id": "upload_absent",
    }[kind]


@each(WITH_IDS)
@pytest.mark.parametrize("key", [RED, RED_TOO])
def test_what_is_the_tenants_own_reaches_the_provider(town: Town, operation: Operation, key: str) -> None:
    named = dict.fromkeys(operation.body_ids[:1], town.named.get(operation.body_kind, ""))
    assert town.ask(operation, key, file_ids=named).status == 200
    assert town.calls == 1


@each(WITH_IDS)
@pytest.mark.parametrize("key", OTHERS)
def test_foreign_and_absent_look_alike_and_reach_nobody(town: Town, operation: Operation, key: str) -> None:
    file_ids = town.in_body(operation, key)
    town.forget()
    absent_ids = {name: as_absent(name) for name in operation.parameters}
    foreign, absent = (
        town.ask(operation, key, file_ids=file_ids),
        town.ask(operation, key, absent_ids, file_ids=file_ids),
    )
    alike = [foreign, absent]
    texts = []
    for response, ids in zip(alike, (town.ids, absent_ids), strict=True):
        content = response.body.read()
        for name in operation.parameters:
            content = content.replace(ids[name].encode(), name.encode())
        texts.append((response.status, content, seen(response, "")[1]))
    assert texts[0][0] == 404
    assert texts[0] == texts[1]
    assert town.calls == 0


@each(WITH_IDS)
@pytest.mark.parametrize("place", range(2))
def test_an_own_store_opens_no_foreign_file_or_batch(town: Town, operation: Operation, place: int) -> None:
    if place >= len(operation.parameters):
        return
    name = operation.parameters[place]
    own = {"vector_store_id": town.made("vector_stores.create", key=BLUE)}
    own["file_id"] = town.made("files.create", key=BLUE)
    file_ids = town.in_body(operation, BLUE)
    town.forget()
    mixed = {"batch_id": "vsfb_absent", **own, name: town.ids[name]}
    absent = {**mixed, name: as_absent(name)}
    first = seen(town.ask(operation, BLUE, mixed, file_ids=file_ids), mixed[name])
    assert first[0] == 404
    assert first == seen(town.ask(operation, BLUE, absent, file_ids=file_ids), absent[name])
    assert town.calls == 0


@each(WITH_IDS)
def test_a_malformed_id_is_refused_before_anybody_is_asked(town: Town, operation: Operation) -> None:
    for name, text in itertools.product(operation.parameters, MALFORMED):
        assert town.ask(operation, RED, {**town.ids, name: text}).status in {400, 404}
    assert town.calls == 0


@pytest.mark.parametrize(("operation", "path"), IN_BODY, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("key", OTHERS)
def test_a_foreign_file_in_a_body_is_an_absent_one(town: Town, operation: Operation, path: str, key: str) -> None:
    own = town.path_of(key)
    town.forget()
    theirs = town.named[operation.body_kind]
    foreign = seen(town.ask(operation, key, own, file_ids={path: theirs}), theirs)
    absent = seen(town.ask(operation, key, own, file_ids={path: "any-absent"}), "any-absent")
    assert foreign[0] == 404
    assert foreign == absent
    assert town.calls == 0


@pytest.mark.parametrize(("operation", "path"), IN_BODY, ids=lambda value: getattr(value, "name", value))
def test_one_foreign_file_among_own_ones_is_enough(town: Town, operation: Operation, path: str) -> None:
    if "[]" not in path:
        return
    own, mine = town.path_of(BLUE), town.own(operation.body_kind, BLUE)
    town.forget()
    name, _, inner = path.partition(".")
    items = [{inner: one} if inner else one for one in (mine, town.named[operation.body_kind])]
    response = town.ask(operation, BLUE, own, body={name.removesuffix("[]"): items})
    assert (response.status, town.calls) == (404, 0)


@each([operation for operation in OPERATIONS if operation.lists is not None])
def test_a_list_shows_nothing_to_who_owns_nothing(town: Town, operation: Operation) -> None:
    for key in OTHERS:
        page = json.loads(town.ask(operation, key).body.read())
        assert (page["data"], page["has_more"], page["first_id"]) == ([], False, None)
    assert town.calls == 0


def test_every_kind_in_a_path_is_known_to_this_suite() -> None:
    assert {name for operation in OPERATIONS for name in operation.parameters} == set(PATH_KINDS)
    assert {operation.creates for operation in OPERATIONS} - {None} == set(ObjectKind)


def test_a_batch_is_found_in_its_own_store_alone(town: Town) -> None:
    other = {**town.ids, "vector_store_id": town.made("vector_stores.create")}
    town.forget()
    assert town.ask(BY_NAME["vector_stores.file_batches.retrieve"], RED, other).status == 404
    assert town.calls == 0


@pytest.mark.parametrize(
    ("deletion", "retrieval"), [("vector_stores.delete", "vector_stores.retrieve"), ("files.delete", "files.retrieve")]
)
def test_what_was_deleted_is_absent_even_if_the_provider_still_has_it(
    town: Town, deletion: str, retrieval: str
) -> None:
    stores, files = dict(town.harness.openai.stores), dict(town.harness.openai.files)
    assert town.ask(BY_NAME[deletion], RED).status == 200
    town.harness.openai.stores, town.harness.openai.files = stores, files
    town.forget()
    assert town.ask(BY_NAME[retrieval], RED).status == 404
    assert town.ask(BY_NAME[deletion], RED).status == 404
    assert town.calls == 0


@pytest.mark.parametrize("deleted_before", [False, True])
def test_an_id_that_the_provider_hands_out_again_stays_with_its_first_owner(
    town: Town, *, deleted_before: bool
) -> None:
    store = town.ids["vector_store_id"]
    if deleted_before:
        town.ask(BY_NAME["vector_stores.delete"], RED)
    town.harness.upstream.always(answer(200, store_document(store, name="somebody's")))
    refused = town.ask(BY_NAME["vector_stores.create"], BLUE)
    assert (refused.status, refused.headers["x-should-retry"]) == (502, "false")
    assert b"somebody's" not in refused.body.read()
    assert town.harness.rows()[-1].state is State.STARTED  # no owner was written: the meter finds out what it was
    town.forget()
    retrieve = BY_NAME["vector_stores.retrieve"]
    assert town.ask(retrieve, BLUE).status == 404
    assert town.calls == 0
    assert town.ask(retrieve, RED).status == (404 if deleted_before else 200)


def test_a_store_that_the_provider_did_not_delete_keeps_its_owner(town: Town) -> None:
    store = town.ids["vector_store_id"]
    kept = {"id": store, "object": "vector_store.deleted", "deleted": False}
    town.harness.upstream.will(answer(200, kept))
    assert json.loads(town.ask(BY_NAME["vector_stores.delete"], RED).body.read()) == kept
    assert town.ask(BY_NAME["vector_stores.retrieve"], RED).status == 200


def test_an_answer_about_another_object_is_a_broken_one(town: Town) -> None:
    town.harness.upstream.always(answer(200, store_document("vs_somebodys", name="somebody's")))
    response = town.ask(BY_NAME["vector_stores.retrieve"], RED)
    assert response.status == 502
    assert b"somebody's" not in response.body.read()


@each([operation for operation in OPERATIONS if operation.body is not None and operation.media == "json"])
@pytest.mark.parametrize("field", ["vector_store_id", "id", "file_id", "batch_id", "filename", "tenant", "team_id"])
def test_an_id_in_a_body_never_counts(town: Town, operation: Operation, field: str) -> None:
    """Row 12 of docs/security.md."""
    if operation.body is None or field in operation.body.model_fields:
        return
    file_ids = dict.fromkeys(operation.body_ids[:1], town.named[operation.body_kind])
    response = town.ask(operation, RED, file_ids=file_ids, body={field: "vs_other"})
    error = json.loads(response.body.read())["error"]
    assert (response.status, error["code"], error["param"]) == (400, "unknown_parameter", field)
    assert town.calls == 0


def test_the_official_client_cannot_tell_foreign_from_absent(town: Town, connect: Connect) -> None:
    client = connect(BLUE)
    errors = []
    for store in (town.ids["vector_store_id"], "vs_absent"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.vector_stores.retrieve(store)
        errors.append(caught.value.message.replace(store, "ID"))
    assert errors[0] == errors[1]
