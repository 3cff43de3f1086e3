"""docs/api.md leaves each operation and route to openapi.json, which has them all, and names their groups."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from tools.openapi.administration import admin_id
from vectorgate.admin.routes import ROUTES
from vectorgate.api.operations import OPERATIONS
from vectorgate.api.safety import Safety
from vectorgate.azure_search.operations import INDEX_OPERATIONS

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs" / "api.md").read_text("utf-8")
DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "openapi.json").read_text("utf-8"))
DESCRIPTIONS: Final[dict[str, str]] = {
    each["operationId"]: each["description"] for item in DOCUMENT["paths"].values() for each in item.values()
}

REPETITION: Final = {
    Safety.READ: "A read: it may be repeated freely.",
    Safety.IDEMPOTENT: "Repeating it has no further effect.",
    Safety.CREATE: "Each execution creates an object: repeat it with the same `Idempotency-Key` only.",
}


def test_openapi_json_says_of_every_operation_what_a_repetition_does() -> None:
    assert set(Safety) == REPETITION.keys()
    for operation in OPERATIONS:
        said = {safety for safety, sentence in REPETITION.items() if sentence in DESCRIPTIONS[operation.name]}
        assert said == {operation.safety}, operation.name


def test_openapi_json_has_every_operation_and_route_and_no_other() -> None:
    searches = {operation.name for operation in INDEX_OPERATIONS}
    known = {operation.name for operation in OPERATIONS} | searches | {admin_id(*route) for route in ROUTES}
    assert known <= DESCRIPTIONS.keys()
    others = DESCRIPTIONS.keys() - known  # Azure's reads by GET
    assert {name.removesuffix(".get") for name in others} <= searches


def test_every_route_of_the_administrator_is_in_a_group_that_the_page_names_and_every_group_has_one() -> None:
    part = PAGE.partition("## Administration")[2].partition("\n#")[0]
    lines = re.findall(r"^- (`/.*?):", part, re.MULTILINE)
    groups = re.findall(r"`(/[a-z0-9_/]+)`", " ".join(lines))
    assert len(groups) == len(set(groups))
    found = {path: {group for group in groups if f"{path}/".startswith(f"{group}/")} for _, path in ROUTES}
    assert all(found.values()), found
    assert {max(each, key=len) for each in found.values()} == set(groups)
