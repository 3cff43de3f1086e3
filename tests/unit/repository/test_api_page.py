"""docs/api.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vectorgate.admin.app import ROUTES
from vectorgate.api.operations import KIB, MIB, OPERATIONS, Media, Operation
from vectorgate.azure_search.operations import INDEX_OPERATIONS

PAGE: Final = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")


METHODS: Final = {
    "GET": "read",
    "POST": None,
    "DELETE": "idempotent",
}  # and the safety of all operations by that method


def size(limit: int) -> str:
    """A limit as the page has it; a form's is the file's, without the form around it."""
    return f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"


def cell(operation: Operation) -> str:
    """The operation's name, and what its method does not say: its safety, and the size of its body."""
    known = METHODS[operation.method]
    media = {
        Media.NONE: "",
        Media.JSON: f", {size(operation.max_body)}",
        Media.MULTIPART: f", form {size(operation.max_body)}",
    }
    if known:
        assert (operation.safety, operation.media) == (known, Media.NONE)
        return f"`{operation.name}`"
    return f"`{operation.name}` {operation.safety}{media[operation.media]}"


def row(path: str) -> str:
    """The path's line of the table."""
    of_path = {operation.method: cell(operation) for operation in OPERATIONS if operation.path == path}
    assert of_path.keys() <= METHODS.keys()
    return f"| `{path}` | {' | '.join(of_path.get(method, '') for method in METHODS)} |".replace("  ", " ")


def test_every_operation_has_its_place_and_no_other_has_one() -> None:
    part = PAGE.partition("## Operations")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    assert lines == [row(path) for path in dict.fromkeys(operation.path for operation in OPERATIONS)]


def test_every_operation_of_the_search_service_is_named() -> None:
    assert set(re.findall(r"`(indexes\.[a-z_.]+)`", PAGE)) == {operation.name for operation in INDEX_OPERATIONS}


def test_every_route_of_the_administrator_is_named() -> None:
    part = PAGE.partition("## Administration")[2].partition("## Errors")[0]
    named = set(re.findall(r"`((?:GET|POST|DELETE) /[a-z0-9_/{}]+)`", part))
    assert named == {f"{method} {path}" for method, path in ROUTES}
