"""`openapi.json` says what the tables and the models say, and is an OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tools.openapi.__main__ import TARGET, main
from tools.openapi.administration import admin_id
from tools.openapi.answers import ANSWER_OF
from tools.openapi.document import document
from tools.openapi.paths import REFUSALS
from tools.openapi.requests import request_name
from vectorgate.admin.routes import ROUTES
from vectorgate.api import errors
from vectorgate.api.errors import ApiError, InvalidRequest
from vectorgate.api.operations import BY_NAME, OPERATIONS, Media
from vectorgate.api.schemas import validate
from vectorgate.azure_search.operations import INDEX_OPERATIONS
from vectorgate.ids import ID_PREFIXES, PATH_KINDS

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT: Final[dict[str, Any]] = document()
BY_ID: Final = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
STATIC: Final = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
EQUAL: Final = {"type": "eq", "key": "k", "value": 1}
# Bodies that a model takes or refuses by more than its types.
BODIES: Final[list[tuple[str, dict[str, object]]]] = [
    ("vector_stores.create", {}),
    ("vector_stores.create", {"name": "n" * 4096, "metadata": {"k" * 64: "v" * 512}}),
    ("vector_stores.create", {"name": "n" * 4097}),
    ("vector_stores.create", {"nome": "n"}),
    ("vector_stores.create", {"name": 1}),
    ("vector_stores.create", {"metadata": None}),
    ("vector_stores.create", {"metadata": {str(number): "v" for number in range(17)}}),
    ("vector_stores.create", {"metadata": {"k" * 65: "v"}}),
    ("vector_stores.create", {"metadata": {"k": "v" * 513}}),
    ("vector_stores.create", {"metadata": {"k": 1}}),
    ("vector_stores.create", {"file_ids": ["file-1"] * 500}),
    ("vector_stores.create", {"file_ids": ["file-1"] * 501}),
    ("vector_stores.create", {"file_ids": ["../file"]}),
    ("vector_stores.create", {"file_ids": [""]}),
    ("vector_stores.create", {"expires_after": {"anchor": "last_active_at", "days": 365}}),
    ("vector_stores.create", {"expires_after": {"anchor": "last_active_at", "days": 366}}),
    ("vector_stores.create", {"expires_after": None}),
    ("vector_stores.create", {"chunking_strategy": {"type": "auto"}}),
    ("vector_stores.create", {"chunking_strategy": STATIC}),
    ("vector_stores.create", {"chunking_strategy": {"type": "other"}}),
    ("vector_stores.create", {"chunking_strategy": None}),
    ("vector_stores.update", {"name": None, "expires_after": None, "metadata": None}),
    ("vector_stores.update", {"file_ids": []}),
    ("vector_stores.search", {"query": "q"}),
    ("vector_stores.search", {"query": ["q"] * 100}),
    ("vector_stores.search", {"query": ["q"] * 101}),
    ("vector_stores.search", {"query": []}),
    ("vector_stores.search", {"query": [1]}),
    ("vector_stores.search", {"query": {"q": 1}}),
    ("vector_stores.search", {}),
    ("vector_stores.search", {"query": "q", "max_num_results": 51}),
    ("vector_stores.search", {"query": "q", "filters": EQUAL}),
    ("vector_stores.search", {"query": "q", "filters": {"type": "and", "filters": [EQUAL, EQUAL]}}),
    ("vector_stores.search", {"query": "q", "filters": {**EQUAL, "value": ["a", 1]}}),
    ("vector_stores.search", {"query": "q", "filters": {**EQUAL, "value": [[]]}}),
    ("vector_stores.search", {"query": "q", "filters": {**EQUAL, "value": None}}),
    ("vector_stores.search", {"query": "q", "filters": None}),
    ("vector_stores.search", {"query": "q", "ranking_options": {"score_threshold": 1.5}}),
    ("vector_stores.files.create", {"file_id": "file-1", "attributes": {"a": "b", "c": 1.5, "d": True}}),
    ("vector_stores.files.create", {"file_id": "file-1", "attributes": {"a": []}}),
    ("vector_stores.files.create", {"file_id": "file-1", "attributes": None}),
    ("vector_stores.files.create", {}),
    ("vector_stores.files.update", {"attributes": None}),
    ("vector_stores.files.update", {}),
    ("vector_stores.file_batches.create", {"file_ids": ["file-1"]}),
    ("vector_stores.file_batches.create", {"files": [{"file_id": "file-1", "attributes": {"a": 1}}]}),
    ("vector_stores.file_batches.create", {"files": [{"file_id": "file-1", "user": "u"}]}),
    ("vector_stores.file_batches.create", {"file_ids": ["file-1"], "files": [{"file_id": "file-1"}]}),
    ("vector_stores.file_batches.create", {"file_ids": []}),
    ("vector_stores.file_batches.create", {}),
    ("uploads.create", {"filename": "f", "purpose": "assistants", "bytes": 8 * 2**30, "mime_type": "text/plain"}),
    ("uploads.create", {"filename": "f", "purpose": "assistants", "bytes": 8 * 2**30 + 1, "mime_type": "text/plain"}),
    ("uploads.create", {"filename": "", "purpose": "assistants", "bytes": 1, "mime_type": "text/plain"}),
    ("uploads.create", {"filename": "f", "purpose": "elsewhere", "bytes": 1, "mime_type": "text/plain"}),
    ("uploads.complete", {"part_ids": ["part_1"], "md5": "0" * 32}),
    ("uploads.complete", {"part_ids": [], "md5": "0" * 32}),
    ("uploads.complete", {"part_ids": ["part_1"], "md5": None}),
]


def test_it_is_an_openapi_document() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_operation_is_there_once_and_no_other_is() -> None:
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids)) == len(OPERATIONS) + len(INDEX_OPERATIONS) + len(ROUTES)
    for operation in OPERATIONS:
        method, path, _ = BY_ID[operation.name]
        assert (method.upper(), path) == (operation.method, f"/v1{operation.path}")
    assert {name.removesuffix(".get") for name in BY_ID.keys() - BY_NAME.keys()} == {
        *(row.name for row in INDEX_OPERATIONS),
        *(admin_id(method, path).removesuffix(".get") for method, path in ROUTES),
    }


def test_every_operation_has_an_answer() -> None:
    assert ANSWER_OF.keys() == BY_NAME.keys()


def test_every_status_that_a_refusal_can_have_is_described() -> None:
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ApiError))
    ours = {str(kind.status) for kind in kinds if not issubclass(kind, errors.UpstreamError)}
    # 405 is the answer to what is no operation of the document; 500 is a defect.
    assert ours | {"502", "504"} == REFUSALS.keys() | {"405", "500"}


def test_every_id_of_a_path_says_how_it_begins() -> None:
    described = {
        (parameter["name"], parameter["description"])
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
        if parameter.get("in") == "path" and parameter["name"] in PATH_KINDS
    }
    assert {name for name, _ in described} == set(PATH_KINDS)
    assert all(f"begin with `{ID_PREFIXES[PATH_KINDS[name]]}`" in description for name, description in described)


def test_a_form_has_its_file() -> None:
    for operation in OPERATIONS:
        if operation.media is Media.MULTIPART:
            schema = DOCUMENT["components"]["schemas"][request_name(operation)]
            assert operation.file_field in schema["required"]
            assert operation.file_field in schema["properties"]


@pytest.mark.parametrize(("name", "body"), BODIES)
def test_a_body_is_in_the_schema_if_the_model_takes_it(name: str, body: dict[str, object]) -> None:
    operation = BY_NAME[name]
    assert operation.body is not None
    try:
        validate(operation.body, body)
        taken = True
    except InvalidRequest:
        taken = False
    assert in_schema(request_name(operation), body) is taken


def in_schema(name: str, body: object) -> bool:
    """Whether a component of the document describes the body."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(body))


def test_the_file_is_what_the_tables_say() -> None:
    assert main(["--check"]) == 0


def test_a_file_that_differs_is_found_with_the_command_that_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "openapi.json"
    for text in (None, "", TARGET.read_text("utf-8") + "\n"):
        if text is not None:
            target.write_text(text, "utf-8")
        assert main(["--check"], target) == 1
        assert "make openapi" in capsys.readouterr().err
    assert main([], target) == 0
    assert target.read_bytes() == TARGET.read_bytes()
    assert main(["--check"], target) == 0
