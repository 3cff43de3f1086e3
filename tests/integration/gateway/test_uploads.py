"""A file in parts, by the official client: ownership, refusals, repetitions and costs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.requests import FORM_TYPE, form
from tests.fakes.upstream import answer, hang_up, refusal
from vectorgate.gateway.limits import Limits
from vectorgate.gateway.surfaces import OpenAISurface
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.entry import State
from vectorgate.settings import LAMBDA_TOO_LARGE, LAMBDA_UPLOAD
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    import httpx2

    from tests.harnesses.gateway import Connect, GatewayHarness, GatewayServer
    from vectorgate.tenancy.ownership import Ownership

KEY, OTHER = "sk-of-parts-one", "sk-of-parts-two"
ANNOUNCED: dict[str, Any] = {"filename": "a.md", "bytes": 6, "mime_type": "text/markdown", "purpose": "assistants"}


@pytest.fixture
def client(harness: GatewayHarness, connect: Connect) -> openai.OpenAI:
    return connect(harness.key(KEY, team="red"))


def owner(harness: GatewayHarness, kind: ObjectKind, name: str) -> Ownership:
    ref = ObjectRef(next(iter(harness.gateway.providers)), kind, ObjectId(name))
    return harness.stores.ownership.owners([ref])[ref]


def test_a_file_in_parts_becomes_the_callers_as_one_that_is_uploaded_whole(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    done = client.uploads.upload_file_chunked(
        file=b"abcdef", filename="a.md", bytes=6, mime_type="text/markdown", purpose="assistants", part_size=4
    )
    assert (done.status, harness.upstream.calls) == ("completed", 4)
    assert done.file is not None
    assert client.files.retrieve(done.file.id).filename == "a.md"
    assert [file.id for file in client.files.list()] == [done.file.id]
    store = client.vector_stores.create(file_ids=[done.file.id])
    assert client.vector_stores.files.create(store.id, file_id=done.file.id).id == done.file.id
    file = owner(harness, ObjectKind.FILE, done.file.id)
    assert json.loads(file.snapshot or "") == done.file.model_dump(exclude_unset=True)
    assert file.tenant == "team:red"


def test_each_step_leaves_a_row_that_names_what_it_made_and_costs_nothing(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    upload = client.uploads.create(**ANNOUNCED)
    part = client.uploads.parts.create(upload.id, data=b"abcdef")
    done = client.uploads.complete(upload.id, part_ids=[part.id])
    other = client.uploads.cancel(client.uploads.create(**ANNOUNCED).id)
    assert (other.status, harness.settle()) == ("cancelled", 5)
    created, added, completed, _, cancelled = harness.rows()
    assert done.file
    assert (created.upload_id, added.upload_id, added.part_id) == (upload.id, upload.id, part.id)
    assert (completed.upload_id, completed.file_id, cancelled.upload_id) == (upload.id, done.file.id, other.id)
    assert {(row.state, row.spend, row.price_id) for row in harness.rows()} == {
        (State.SETTLED, 0, "openai.uploads.2025-03-11")
    }
    assert owner(harness, ObjectKind.PART, part.id).parent == upload.id


def test_a_part_of_an_upload_goes_on_as_it_came(harness: GatewayHarness, client: openai.OpenAI) -> None:
    upload = client.uploads.create(**ANNOUNCED)
    client.uploads.parts.create(upload.id, data=("p1", b"\x00\xff\r\n--abc", "text/x"))
    sent = harness.upstream.received[-1]
    assert sent.path == f"/v1/uploads/{upload.id}/parts"
    assert b'name="data"; filename="p1"\r\nContent-Type: text/x\r\n\r\n\x00\xff\r\n--abc\r\n' in sent.body
    assert harness.upstream.received[0].document == ANNOUNCED


def test_uploads_and_parts_of_others_are_absent_ones(
    harness: GatewayHarness, client: openai.OpenAI, connect: Connect
) -> None:
    upload = client.uploads.create(**ANNOUNCED)
    part = client.uploads.parts.create(upload.id, data=b"abcdef").id
    foreign = connect(harness.key(OTHER, team="blue"))
    own = foreign.uploads.create(**ANNOUNCED).id
    harness.upstream.forget()

    def seen(call: Any, name: str) -> tuple[int, str]:
        with pytest.raises(openai.NotFoundError) as caught:
            call(name)
        return caught.value.status_code, caught.value.response.text.replace(name, "ID")

    for call in (
        foreign.uploads.cancel,
        lambda name: foreign.uploads.parts.create(name, data=b"x"),
        lambda name: foreign.uploads.complete(name, part_ids=["part_x"]),
    ):
        assert seen(call, upload.id) == seen(call, "upload_absent")
    parts = lambda name: foreign.uploads.complete(own, part_ids=[name])  # noqa: E731 - as the ones above
    assert seen(parts, part) == seen(parts, "part_absent")
    assert harness.upstream.calls == 0


def test_a_second_complete_is_the_providers_to_refuse(harness: GatewayHarness, client: openai.OpenAI) -> None:
    upload = client.uploads.create(**ANNOUNCED)
    part = client.uploads.parts.create(upload.id, data=b"abcdef").id
    client.uploads.complete(upload.id, part_ids=[part])
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.complete(upload.id, part_ids=[part])
    assert harness.rows()[-1].state is State.VOIDED


@pytest.mark.parametrize("file", [None, {"id": "no id!"}, {}, "file-1"], ids=str)
def test_a_completion_that_names_no_file_is_a_broken_answer(
    harness: GatewayHarness, client: openai.OpenAI, file: Any
) -> None:
    upload = client.uploads.create(**ANNOUNCED)
    part = client.uploads.parts.create(upload.id, data=b"abcdef").id
    harness.upstream.will(answer(200, {"id": upload.id, "object": "upload", "status": "completed", "file": file}))
    with pytest.raises(openai.InternalServerError) as caught:
        client.uploads.complete(upload.id, part_ids=[part])
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert harness.rows()[-1].state is State.UNCERTAIN


@pytest.mark.parametrize("act", [hang_up, refusal(500)], ids=["lost", "500"])
def test_no_step_that_makes_something_is_asked_twice(harness: GatewayHarness, client: openai.OpenAI, act: Any) -> None:
    upload = client.uploads.create(**ANNOUNCED)
    part = client.uploads.parts.create(upload.id, data=b"abcdef").id
    calls: list[Any] = [
        lambda: client.uploads.create(**ANNOUNCED),
        lambda: client.uploads.parts.create(upload.id, data=b"abcdef"),
        lambda: client.uploads.complete(upload.id, part_ids=[part]),
    ]
    for call in calls:
        harness.upstream.forget()
        harness.upstream.will(act)
        with pytest.raises(openai.InternalServerError) as caught:
            call()
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert harness.upstream.calls == 1


def test_equal_parts_are_two_and_so_are_equal_uploads(harness: GatewayHarness, client: openai.OpenAI) -> None:
    """An SDK's retry is recognised by its body alone, and all parts of a file of zeros have the same body."""
    retried = {"x-stainless-retry-count": "1"}
    first = client.uploads.create(**ANNOUNCED).id
    second = client.uploads.create(**ANNOUNCED, extra_headers=retried).id
    part = client.uploads.parts.create(first, data=bytes(3)).id
    again = client.uploads.parts.create(first, data=bytes(3), extra_headers=retried).id
    assert (first == second, part == again) == (False, False)
    done = client.uploads.complete(first, part_ids=[part, again])
    harness.upstream.forget()
    repeated = client.uploads.complete(first, part_ids=[part, again], extra_headers=retried)
    assert (repeated.file, harness.upstream.calls) == (done.file, 0)
    client.uploads.complete(second, part_ids=[part, again], extra_headers=retried)
    assert harness.upstream.calls == 1, "the same body for another upload is another request"


def test_a_step_under_an_idempotency_key_is_done_once(harness: GatewayHarness, client: openai.OpenAI) -> None:
    def named(name: str) -> dict[str, str]:
        return {"Idempotency-Key": name}

    uploads = [client.uploads.create(**ANNOUNCED, extra_headers=named("a")).id for _ in range(2)]
    parts = [client.uploads.parts.create(uploads[0], data=b"x", extra_headers=named("b")).id for _ in range(2)]
    done = [client.uploads.complete(uploads[0], part_ids=parts[:1], extra_headers=named("c")).file for _ in range(2)]
    for made in (uploads, parts, [file.id for file in done if file]):
        assert len(made) == 2
        assert made[0] == made[1]
    assert harness.upstream.calls == 3
    other = client.uploads.create(**ANNOUNCED).id
    with pytest.raises(openai.UnprocessableEntityError):
        client.uploads.parts.create(other, data=b"x", extra_headers=named("b"))


def limit_uploads(harness: GatewayHarness) -> None:
    """Limit uploads as in Lambda."""
    surface = harness.gateway.surface("/v1/files")
    assert isinstance(surface, OpenAISurface)
    limited = replace(surface, limits=Limits(max_upload=LAMBDA_UPLOAD, too_large=LAMBDA_TOO_LARGE))
    object.__setattr__(harness.gateway, "openai", limited)


def test_through_lambda_a_refusal_says_how_a_file_fits(harness: GatewayHarness, client: openai.OpenAI) -> None:
    limit_uploads(harness)
    with pytest.raises(openai.APIStatusError) as whole:
        client.files.create(file=bytes(5_000_000), purpose="assistants")
    assert whole.value.status_code == 413
    assert all(way in whole.value.message for way in ("ingest bucket", "/v1/uploads", "part_size=4_000_000"))
    upload = client.uploads.create(**{**ANNOUNCED, "bytes": 5_000_000}).id
    harness.upstream.forget()
    with pytest.raises(openai.APIStatusError) as part:
        client.uploads.parts.create(upload, data=bytes(5_000_000))
    assert (part.value.status_code, part.value.code, harness.upstream.calls) == (413, "request_too_large", 0)
    assert "part_size=4000000" in part.value.message
    assert client.uploads.parts.create(upload, data=bytes(4_000_000)).upload_id == upload


def test_litellms_fields_of_a_form_are_honoured_and_stay_here(
    harness: GatewayHarness, gateway_server: GatewayServer, http_client: httpx2.Client
) -> None:
    harness.key(KEY)
    said = {"custom_llm_provider": "openai", "user": "ann", "litellm_metadata": "{}", "timeout": "5"}
    headers = {"authorization": f"Bearer {KEY}", "content-type": FORM_TYPE}
    content = form(purpose="assistants", **said)
    assert http_client.post(f"{gateway_server.url}/v1/files", content=content, headers=headers).status_code == 200
    assert (harness.row().end_user, harness.row().provider) == ("ann", "openai")
    (sent,) = harness.upstream.received
    assert not any(name.encode() in sent.body for name in said)


@pytest.mark.parametrize(
    ("field", "code", "param"),
    [
        ({"custom_llm_provider": "evil"}, "invalid_value", "custom_llm_provider"),
        ({"user": "a#b"}, "invalid_value", "user"),
        *(
            ({name: "x"}, "unknown_parameter", name)
            for name in ("api_base", "api_key", "base_url", "api_version", "headers", "extra_headers")
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["files", "uploads/{upload}/parts"])
def test_a_field_of_a_form_that_is_not_to_be_honoured_is_a_400(  # noqa: PLR0917 - fixtures and parameters
    harness: GatewayHarness,
    gateway_server: GatewayServer,
    http_client: httpx2.Client,
    client: openai.OpenAI,
    path: str,
    field: dict[str, str],
    code: str,
    param: str,
) -> None:
    at = path.format(upload=client.uploads.create(**ANNOUNCED).id)
    harness.upstream.forget()
    content = form("file", purpose="assistants", **field) if path == "files" else form("data", **field)
    headers = {"authorization": f"Bearer {KEY}", "content-type": FORM_TYPE}
    answered = http_client.post(f"{gateway_server.url}/v1/{at}", content=content, headers=headers)
    error = answered.json()["error"]
    assert (answered.status_code, error["code"], error["param"]) == (400, code, param)
    assert harness.upstream.calls == 0


@pytest.mark.parametrize(
    ("content", "code", "param"),
    [
        (form("file"), "unknown_parameter", "file"),
        (form("data", purpose="assistants"), "unknown_parameter", "purpose"),
        (form("data").replace(b'; filename="notes.md"', b""), "invalid_value", "data"),
    ],
)
def test_a_part_is_one_file_called_data_and_nothing_else(  # noqa: PLR0917 - the same
    gateway_server: GatewayServer,
    http_client: httpx2.Client,
    client: openai.OpenAI,
    content: bytes,
    code: str,
    param: str,
) -> None:
    upload = client.uploads.create(**ANNOUNCED).id
    headers = {"authorization": f"Bearer {KEY}", "content-type": FORM_TYPE}
    error = http_client.post(
        f"{gateway_server.url}/v1/uploads/{upload}/parts", content=content, headers=headers
    ).json()["error"]
    assert (error["code"], error["param"]) == (code, param)
