"""`openapi.json` has every field and parameter of the administrator's routes, with what it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.harnesses.admin import AdminHarness
from tools.openapi import administration_bodies, administration_queries
from tools.openapi.administration_bodies import BODIES, OF_MODEL, OPTIONAL, body_schemas
from tools.openapi.administration_queries import QUERIES, REQUIRED
from tools.openapi.administration_results import RESULTS
from tools.openapi.document import document
from vectorgate.admin import export_check
from vectorgate.admin.routes import ROUTES
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

# A name in camel case, but the products'.
CLASS: Final = re.compile(r"\b(?!OpenAI\b|LiteLLM\b)[A-Z][a-z]+[A-Z]\w+")

# Routes that ignore a parameter that they do not know.
LENIENT: Final = ("/info", "/unowned", "/share", "/admin/vector_stores", "{vector_store_id}", "/v1/indexes")


@pytest.fixture
def admin() -> Iterator[AdminHarness]:
    """The admin app on an empty database."""
    stores = open_stores()
    yield AdminHarness(stores)
    stores.close()


def test_every_body_is_described_and_each_of_its_fields_explained() -> None:
    paths = {path: item["post"] for path, item in document()["paths"].items() if ("POST", path) in ROUTES}
    assert {path for path, post in paths.items() if "requestBody" in post} == BODIES.keys()
    assert paths.keys() - BODIES.keys() == {export_check.PATH}  # whose one parameter is in the query
    fields = {(name, field) for name, schema in body_schemas().items() for field in schema["properties"]}
    assert OF_MODEL.keys() <= fields
    assert administration_bodies.MEANINGS.keys() == {field for name, field in fields if (name, field) not in OF_MODEL}
    for path, field in OPTIONAL.items():
        assert field not in body_schemas()[BODIES[path].__name__].get("required", ())


def test_no_description_has_the_name_of_a_class() -> None:
    described = {path: each["description"] for path, item in document()["paths"].items() for each in item.values()}
    assert {path: found for path, text in described.items() if (found := CLASS.findall(text))} == {}


def test_every_parameter_is_explained_and_no_other_is() -> None:
    assert QUERIES.keys() <= ROUTES.keys()
    assert administration_queries.MEANINGS.keys() == {name for names in QUERIES.values() for name in names}
    assert RESULTS.keys() <= {path for _, path in ROUTES}
    assert all(set(names) <= set(QUERIES[route]) for route, names in REQUIRED.items())


def test_a_route_that_refuses_unknown_parameters_knows_those_that_are_described(admin: AdminHarness) -> None:
    for method, path in ROUTES:
        if method != "GET" or path.endswith(LENIENT):
            continue
        status, answer = admin.ask(method, path, **{"not-a-parameter": "1"})
        assert (status, answer["error"]["code"]) == (400, "unknown_parameter"), path
        known = answer["error"]["message"].partition("expected one of ")[2].rstrip(".")
        if not path.startswith("/v1/organization/"):  # OpenAI's error does not say which there are
            assert set(known.split(", ")) - {""} == set(QUERIES.get((method, path), ())), path


def test_openais_reports_know_the_parameters_that_are_described_and_need_the_required_ones(
    admin: AdminHarness,
) -> None:
    for method, path in QUERIES:
        if not path.startswith("/v1/organization/"):
            continue
        for name in QUERIES[method, path]:
            assert admin.ask(method, path, **{name: "?"})[1]["error"]["code"] != "unknown_parameter", (path, name)


def test_a_required_parameter_is_missed(admin: AdminHarness) -> None:
    for (method, path), names in REQUIRED.items():
        status, answer = admin.ask(method, path.replace("{vector_store_id}", "vs_1"))
        assert (status, answer["error"]["param"] in names) == (400, True), (path, answer)
