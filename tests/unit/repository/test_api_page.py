"""docs/api.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vectorgate.admin.app import ROUTES
from vectorgate.api.operations import OPERATIONS, Safety
from vectorgate.azure_search.operations import INDEX_OPERATIONS

PAGE: Final = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")


def row(group: str) -> str:
    """The group's line of the table: the verbs of its operations, by what a repetition does."""
    of_group = [operation for operation in OPERATIONS if operation.name.rpartition(".")[0] == group]
    cells = (
        ", ".join(f"`{each.name.rpartition('.')[2]}`" for each in of_group if each.safety == safety)
        for safety in (Safety.READ, Safety.IDEMPOTENT, Safety.CREATE)
    )
    return re.sub(" +", " ", f"| `{group}` | {' | '.join(cells)} |")


def test_every_operation_has_its_place_and_no_other_has_one() -> None:
    part = PAGE.partition("## Operations")[2].partition("\n#")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    assert lines == [row(group) for group in dict.fromkeys(each.name.rpartition(".")[0] for each in OPERATIONS)]


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
