"""`openapi.json` explains every code that an error of the gateway can have."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.openapi.error_codes import CODES, description
from vectorgate.api.schemas.error_messages import above_max, below_min

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parents[3] / "layers/core/python/vectorgate"
# A defect's; of no documented operation; of an event of ingestion; of a log line.
ELSEWHERE: Final = {"internal_error", "method_not_allowed", "unknown_sender", "no_provider"}


def codes_in(path: Path) -> Iterator[str]:
    """What a module passes as `code`. Azure's own are in camel case."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def test_every_code_of_an_error_is_explained() -> None:
    modules = (path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "client")
    used = {code for path in modules for code in codes_in(path) if code == code.lower()}
    explained = {code for codes in CODES.values() for code in codes}
    assert used - ELSEWHERE <= explained
    assert not ELSEWHERE & explained


def test_every_code_that_is_explained_is_one_of_an_error() -> None:
    sources = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    built = {above_max("p", 1.0, 2).code, below_min("p", 1.0, 0).code}  # of the kind of number and the side
    assert {code for codes in CODES.values() for code in codes if f'"{code}"' not in sources} == built


def test_codes_of_one_meaning_are_explained_together() -> None:
    assert description("413") == "`request_too_large`, `response_too_large`: larger than this deployment carries."
