"""docs/api.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vectorgate.admin.app import ROUTES
from vectorgate.api.operations import OPERATIONS, Safety
from vectorgate.azure_search.operations import INDEX_OPERATIONS

PAGE: Final = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")


TITLES: Final = {Safety.READ: "reads", Safety.IDEMPOTENT: "idempotent changes", Safety.CREATE: "creates"}


def test_every_operation_is_named_by_what_a_repetition_does_and_no_other_is() -> None:
    part = PAGE.partition("## Operations")[2].partition("\n\nReads")[0]
    assert set(Safety) == TITLES.keys()
    for safety, title in TITLES.items():
        line = part.partition(f"- {title}: ")[2].partition("\n-")[0]
        assert re.findall(r"`([a-z_.]+)`", line) == [each.name for each in OPERATIONS if each.safety == safety]


def test_every_operation_of_the_search_service_is_named() -> None:
    assert set(re.findall(r"`(indexes\.[a-z_.]+)`", PAGE)) == {operation.name for operation in INDEX_OPERATIONS}


def test_every_route_of_the_administrator_is_named_once() -> None:
    part = PAGE.partition("## Administration")[2].partition("\n#")[0]
    lines = re.findall(r"^- (`(?:GET|POST|DELETE) [^:]*):", part, re.MULTILINE)
    named: list[tuple[str, str]] = []
    for method, path in re.findall(r"`(?:(GET|POST|DELETE) )?(/[a-z0-9_/{}]+)`", " ".join(lines)):
        named.append((method or named[-1][0], path))  # a path without a method has that of the path before
    assert len(named) == len(set(named))
    assert set(named) == ROUTES.keys()
