"""docs/api.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vectorgate.admin.app import ROUTES
from vectorgate.api.operations import KIB, MIB, OPERATIONS, Media, Operation
from vectorgate.azure_search.operations import INDEX_OPERATIONS

PAGE: Final = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")


def size(limit: int) -> str:
    """A limit as the page has it; a form's is the file's, without the form around it."""
    return f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"


def row(operation: Operation) -> str:
    """The operation's line of the table."""
    media = {Media.NONE: "", Media.JSON: "JSON, ", Media.MULTIPART: "form, "}[operation.media]
    body = f"{media}{size(operation.max_body)} " if media else ""
    return f"| `{operation.name}` | `{operation.method} {operation.path}` | {operation.safety} | {body}|"


def test_every_operation_has_its_line_and_no_other_has_one() -> None:
    lines = [
        line for line in PAGE.splitlines() if re.match(r"\| `(vector_stores|files|uploads|responses|models)\.", line)
    ]
    assert lines == [row(operation) for operation in OPERATIONS]


def test_every_operation_of_the_search_service_is_named() -> None:
    assert set(re.findall(r"`(indexes\.[a-z_.]+)`", PAGE)) == {operation.name for operation in INDEX_OPERATIONS}


def test_every_route_of_the_administrator_is_named() -> None:
    part = PAGE.partition("## Administration")[2].partition("## Errors")[0]
    named = set(re.findall(r"`((?:GET|POST|DELETE) /[a-z0-9_/{}]+)`", part))
    assert named == {f"{method} {path}" for method, path in ROUTES}
