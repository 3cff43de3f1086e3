"""Rows 11 and 12 of docs/security.md: tenants x operations x {own, foreign, absent, malformed, in the body}."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import openai
import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import answer
from tests.harnesses.tenants import BLUE, RED, RED_TOO, TEAMLESS, TenantScenario
from vectorgate.api.command import CURSORS
from vectorgate.api.operations import BY_NAME, OPERATIONS, Operation
from vectorgate.ids import PATH_KINDS, PATH_NAMES, ObjectKind
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.api.http import Response

OTHERS = [BLUE, TEAMLESS]
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
MALFORMED += ["a%20b", "%00", "a%2Fb", "%2e%2e", "a%0d%0ab", "a%5Fb"]  # in a path that has been decoded already
WITH_IDS = [operation for operation in OPERATIONS if operation.parameters and not PATH_NAMES & {*operation.parameters}]
PAGED = [operation for operation in OPERATIONS if operation.cursors is not None and operation.lists is None]
IN_BODY = [(operation, path) for operation in OPERATIONS for path in operation.body_ids]


@pytest.fixture
def scenario(harness: GatewayHarness) -> TenantScenario:
    return TenantScenario(harness)


def seen(response: Response, shown: str) -> tuple[int, dict[str, str], bytes]:
    """Return all that a client receives, without the headers of a single request and without the id."""
    headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
    return response.status, headers, response.read_body().replace(shown.encode(), b"THE ID")


def each(operations: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


def as_absent(kind: str) -> str:
    return {
        "vector_store_id": "vs_absent",
        "file_id": "file-absent",
        "batch_id": "vsfb_absent",
        "upload_id": "upload_absent",
        "response_id": "resp_absent",
    }[kind]


@each(WITH_IDS)
@pytest.mark.parametrize("key", [RED, RED_TOO])
def test_what_is_the_tenants_own_reaches_the_provider(scenario: TenantScenario, operation: Operation, key: str) -> None:
    named = dict.fromkeys(operation.body_ids[:1], scenario.named.get(operation.body_kind, ""))
    assert scenario.ask(operation, key, file_ids=named).status == 200
    assert scenario.calls == 1


@each(WITH_IDS)
@pytest.mark.parametrize("key", OTHERS)
def test_foreign_and_absent_look_alike_and_reach_no_provider(
    scenario: TenantScenario, operation: Operation, key: str
) -> None:
    file_ids = scenario.in_body(operation, key)
    scenario.forget()
    absent_ids = {name: as_absent(name) for name in operation.parameters}
    foreign, absent = (
        scenario.ask(operation, key, file_ids=file_ids),
        scenario.ask(operation, key, absent_ids, file_ids=file_ids),
    )
    alike = [foreign, absent]
    texts = []
    for response, ids in zip(alike, (scenario.ids, absent_ids), strict=True):
        content = response.read_body()
        for name in operation.parameters:
            content = content.replace(ids[name].encode(), name.encode())
        texts.append((response.status, content, seen(response, "")[1]))
    assert texts[0][0] == 404
    assert texts[0] == texts[1]
    assert scenario.calls == 0


@each(WITH_IDS)
@pytest.mark.parametrize("place", range(2))
def test_an_own_store_opens_no_foreign_file_or_batch(
    scenario: TenantScenario, operation: Operation, place: int
) -> None:
    if place >= len(operation.parameters):
        return
    name = operation.parameters[place]
    own = {"vector_store_id": scenario.created("vector_stores.create", key=BLUE)}
    own["file_id"] = scenario.created("files.create", key=BLUE)
    file_ids = scenario.in_body(operation, BLUE)
    scenario.forget()
    mixed = {"batch_id": "vsfb_absent", **own, name: scenario.ids[name]}
    absent = {**mixed, name: as_absent(name)}
    first = seen(scenario.ask(operation, BLUE, mixed, file_ids=file_ids), mixed[name])
    assert first[0] == 404
    assert first == seen(scenario.ask(operation, BLUE, absent, file_ids=file_ids), absent[name])
    assert scenario.calls == 0


@each(WITH_IDS)
def test_a_malformed_id_is_refused_before_a_provider_is_asked(scenario: TenantScenario, operation: Operation) -> None:
    for name, text in itertools.product(operation.parameters, MALFORMED):
        if not text and operation.path.endswith(f"{{{name}}}"):
            continue  # the path of the collection, with a slash at its end
        assert scenario.ask(operation, RED, {**scenario.ids, name: text}).status in {400, 404}
    assert scenario.calls == 0


@pytest.mark.parametrize(("operation", "path"), IN_BODY, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("key", OTHERS)
def test_a_foreign_file_in_a_body_is_an_absent_one(
    scenario: TenantScenario, operation: Operation, path: str, key: str
) -> None:
    own = scenario.own_path_ids(key)
    scenario.forget()
    foreign_id = scenario.named[operation.body_kind]
    foreign = seen(scenario.ask(operation, key, own, file_ids={path: foreign_id}), foreign_id)
    absent = seen(scenario.ask(operation, key, own, file_ids={path: "any-absent"}), "any-absent")
    assert foreign[0] == 404
    assert foreign == absent
    assert scenario.calls == 0


@pytest.mark.parametrize(("operation", "path"), IN_BODY, ids=lambda value: getattr(value, "name", value))
def test_one_foreign_file_among_own_ones_is_enough(scenario: TenantScenario, operation: Operation, path: str) -> None:
    if "[]" not in path:
        return
    own, own_id = scenario.own_path_ids(BLUE), scenario.own(operation.body_kind, BLUE)
    scenario.forget()
    name, _, inner = path.partition(".")
    items = [{inner: one} if inner else one for one in (own_id, scenario.named[operation.body_kind])]
    response = scenario.ask(operation, BLUE, own, body={name.removesuffix("[]"): items})
    assert (response.status, scenario.calls) == (404, 0)


def test_every_id_in_a_query_is_of_a_known_kind() -> None:
    """Except for the items of the response in the path, which the provider names: they have no owner of their own."""
    named = {operation.name for operation in OPERATIONS if operation.query({"after": "x"})}
    assert named == {operation.name for operation in OPERATIONS if operation.cursors} | {"responses.input_items.list"}


@each(PAGED)
@pytest.mark.parametrize("cursor", CURSORS)
def test_a_foreign_file_as_a_cursor_is_an_absent_one_and_reaches_no_provider(
    scenario: TenantScenario, operation: Operation, cursor: str
) -> None:
    own = {**scenario.own_path_ids(BLUE)}
    if "batch_id" in operation.parameters:
        files = {"file_ids[]": scenario.own(ObjectKind.FILE, BLUE)}
        own["batch_id"] = scenario.created("vector_stores.file_batches.create", files, BLUE, **own)
    scenario.forget()
    foreign_id = scenario.ids["file_id"]
    foreign = seen(scenario.ask(operation, BLUE, own, query={cursor: foreign_id}), foreign_id)
    absent = seen(scenario.ask(operation, BLUE, own, query={cursor: "file-absent"}), "file-absent")
    assert (foreign[0], scenario.calls) == (404, 0)
    assert foreign == absent


@each(PAGED)
@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("deleted", [False, True])
def test_an_own_file_is_a_cursor_even_after_it_was_deleted(
    scenario: TenantScenario, operation: Operation, cursor: str, *, deleted: bool
) -> None:
    if deleted:
        assert scenario.ask(BY_NAME["files.delete"], RED).status == 200
    scenario.forget()
    assert scenario.ask(operation, RED, query={cursor: scenario.ids["file_id"]}).status == 200
    assert scenario.calls == 1
    assert scenario.harness.upstream.received[-1].path.endswith(f"?{cursor}={scenario.ids['file_id']}")


@each(WITH_IDS)
def test_a_refusal_states_no_durations_which_would_tell_foreign_from_absent(
    scenario: TenantScenario, operation: Operation
) -> None:
    assert not [name for name in scenario.ask(operation, BLUE).headers if "duration" in name]
    named = dict.fromkeys(operation.body_ids[:1], scenario.named.get(operation.body_kind, ""))
    assert "x-litellm-overhead-duration-ms" in scenario.ask(operation, RED, file_ids=named).headers


@each([operation for operation in OPERATIONS if operation.lists is not None])
@pytest.mark.parametrize("cursor", ["foreign", "absent", None])
def test_a_lists_durations_are_whole_milliseconds(
    scenario: TenantScenario, operation: Operation, cursor: str | None
) -> None:
    foreign = scenario.ids["vector_store_id" if operation.cursors is ObjectKind.VECTOR_STORE else "file_id"]
    query = {} if cursor is None else {"after": foreign if cursor == "foreign" else "absent"}
    headers = scenario.ask(operation, BLUE, query=query).headers
    assert headers["x-litellm-response-duration-ms"].isdecimal()
    assert headers["x-litellm-overhead-duration-ms"].isdecimal()


@each([operation for operation in OPERATIONS if operation.lists is not None])
def test_a_list_shows_nothing_to_a_tenant_that_owns_nothing(scenario: TenantScenario, operation: Operation) -> None:
    for key in OTHERS:
        page = json.loads(scenario.ask(operation, key).read_body())
        assert (page["data"], page["has_more"], page["first_id"]) == ([], False, None)
    assert scenario.calls == 0


def test_every_kind_in_a_path_is_known_to_this_suite() -> None:
    assert {name for operation in OPERATIONS for name in operation.parameters} == {*PATH_KINDS, *PATH_NAMES}
    made_by_responses = {ObjectKind.ITEM, ObjectKind.CONTAINER}
    assert {operation.creates for operation in OPERATIONS} - {None} | made_by_responses == set(ObjectKind)


def test_a_batch_is_found_in_its_own_store_alone(scenario: TenantScenario) -> None:
    other = {**scenario.ids, "vector_store_id": scenario.created("vector_stores.create")}
    scenario.forget()
    assert scenario.ask(BY_NAME["vector_stores.file_batches.retrieve"], RED, other).status == 404
    assert scenario.calls == 0


@pytest.mark.parametrize(
    ("deletion", "retrieval"), [("vector_stores.delete", "vector_stores.retrieve"), ("files.delete", "files.retrieve")]
)
def test_what_was_deleted_is_absent_even_if_the_provider_still_has_it(
    scenario: TenantScenario, deletion: str, retrieval: str
) -> None:
    stores, files = dict(scenario.harness.openai.stores), dict(scenario.harness.openai.files)
    assert scenario.ask(BY_NAME[deletion], RED).status == 200
    scenario.harness.openai.stores, scenario.harness.openai.files = stores, files
    scenario.forget()
    assert scenario.ask(BY_NAME[retrieval], RED).status == 404
    assert scenario.ask(BY_NAME[deletion], RED).status == 404
    assert scenario.calls == 0


@pytest.mark.parametrize("deleted_before", [False, True])
def test_an_id_that_the_provider_hands_out_again_stays_with_its_first_owner(
    scenario: TenantScenario, *, deleted_before: bool
) -> None:
    store = scenario.ids["vector_store_id"]
    if deleted_before:
        scenario.ask(BY_NAME["vector_stores.delete"], RED)
    scenario.harness.upstream.always(answer(200, store_document(store, name="another's")))
    refused = scenario.ask(BY_NAME["vector_stores.create"], BLUE)
    assert (refused.status, refused.headers["x-should-retry"]) == (502, "false")
    assert b"another's" not in refused.read_body()
    assert scenario.harness.rows()[-1].state is State.STARTED  # no owner was written: the meter resolves it
    scenario.forget()
    retrieve = BY_NAME["vector_stores.retrieve"]
    assert scenario.ask(retrieve, BLUE).status == 404
    assert scenario.calls == 0
    assert scenario.ask(retrieve, RED).status == (404 if deleted_before else 200)


def test_a_store_that_the_provider_did_not_delete_keeps_its_owner(scenario: TenantScenario) -> None:
    store = scenario.ids["vector_store_id"]
    kept = {"id": store, "object": "vector_store.deleted", "deleted": False}
    scenario.harness.upstream.will(answer(200, kept))
    assert json.loads(scenario.ask(BY_NAME["vector_stores.delete"], RED).read_body()) == kept
    assert scenario.ask(BY_NAME["vector_stores.retrieve"], RED).status == 200


def test_an_answer_about_another_object_is_a_broken_one(scenario: TenantScenario) -> None:
    scenario.harness.upstream.always(answer(200, store_document("vs_of_another", name="another's")))
    response = scenario.ask(BY_NAME["vector_stores.retrieve"], RED)
    assert response.status == 502
    assert b"another's" not in response.read_body()


@each([operation for operation in OPERATIONS if operation.body is not None and operation.media == "json"])
@pytest.mark.parametrize("field", ["vector_store_id", "id", "file_id", "batch_id", "filename", "tenant", "team_id"])
def test_an_id_in_a_body_never_counts(scenario: TenantScenario, operation: Operation, field: str) -> None:
    """Row 12 of docs/security.md."""
    if operation.body is None or field in operation.body.model_fields:
        return
    file_ids = dict.fromkeys(operation.body_ids[:1], scenario.named[operation.body_kind])
    response = scenario.ask(operation, RED, file_ids=file_ids, body={field: "vs_other"})
    error = json.loads(response.read_body())["error"]
    assert (response.status, error["code"], error["param"]) == (400, "unknown_parameter", field)
    assert scenario.calls == 0


def test_the_official_client_cannot_tell_foreign_from_absent(scenario: TenantScenario, connect: Connect) -> None:
    client = connect(BLUE)
    errors = []
    for store in (scenario.ids["vector_store_id"], "vs_absent"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.vector_stores.retrieve(store)
        errors.append(caught.value.message.replace(store, "ID"))
    assert errors[0] == errors[1]
