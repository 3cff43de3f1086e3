"""What import-linter's contracts cannot say of the engine: of another package, it may know a few modules only."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
ENGINE: Final = ROOT / "engine"
MODULES: Final = sorted(path.relative_to(ENGINE).as_posix() for path in ENGINE.rglob("*.py"))
ROOTS: Final = frozenset({"bootstrap.py", "__main__.py"})
DOMAIN: Final = [module for module in MODULES if module not in ROOTS and not module.startswith(("adapters/", "web/"))]
OF_THE_GATEWAY: Final = ("vectorgate.api.schemas", "vectorgate.api.errors", "vectorgate.ids")
OUTSIDE: Final = frozenset({"sqlite3", "tempfile", "os", "safetensors", "tokenizers", "starlette", "uvicorn", "time"})


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere in it, for types as well."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(name: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of these, or within one."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("module", MODULES)
def test_the_engine_takes_schemas_errors_and_ids_of_the_gateway_and_nothing_else(module: str) -> None:
    names = [name for name in imported(ENGINE / module) if below(name, ("vectorgate", "local"))]
    assert [name for name in names if not below(name, OF_THE_GATEWAY)] == []


@pytest.mark.parametrize("module", DOMAIN)
def test_the_domain_knows_neither_an_adapter_nor_the_web_nor_what_they_stand_on(module: str) -> None:
    names = set(imported(ENGINE / module))
    assert [name for name in names if below(name, ("engine.adapters", "engine.web", "engine.bootstrap"))] == []
    assert {name.partition(".")[0] for name in names} & OUTSIDE == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("adapters/")])
def test_adapters_know_the_model_and_the_ports_and_no_operation(module: str) -> None:
    known = ("engine.adapters", "engine.model", "engine.ports", "engine.queries")
    names = [name for name in imported(ENGINE / module) if below(name, ("engine",))]
    assert [name for name in names if not below(name, known)] == []
