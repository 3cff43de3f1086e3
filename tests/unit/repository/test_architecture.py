"""The section Rules of docs/architecture.md: what a reader of one file cannot see broken."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.helpers.expressions import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
SOURCE: Final = ROOT / "layers/core/python"
PACKAGE: Final = SOURCE / "vectorgate"
MODULES: Final = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
FUNCTIONS: Final = sorted(ROOT.glob("functions/*/app.py"))

AWS: Final = {"persistence/dynamodb/table.py", "providers/credentials.py", "client/lambda_signer.py", "ingest/aws.py"}
# The only files that know these libraries. client/ is the SDK that users install: it has an egress of its own.
ADAPTERS: Final = {
    "boto3": AWS,
    "botocore": AWS,
    "httpx": {
        "providers/http/adapter.py",
        "providers/http/async_adapter.py",
        "client/sender.py",
        "client/transport.py",
    },
    "httpcore": {"providers/http/adapter.py", "providers/http/async_adapter.py"},
    "sqlite3": {"persistence/sqlite/database.py", "persistence/sqlite/ledger.py"},
}
# fmt: off
IMPURE: Final = frozenset({
    "asyncio", "boto3", "botocore", "glob", "http", "httpcore", "httpx", "io", "logging",
    "multiprocessing", "os", "pathlib", "random", "requests", "secrets", "select", "shutil", "signal",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "urllib3",
})
# fmt: on
# Of the environment; the last two read *_PROXY and NO_PROXY.
READERS: Final = frozenset({"environ", "environb", "getenv", "getenvb", "getproxies", "proxy_bypass"})
CLOCKS: Final = frozenset({"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"})
FEATURES: Final = frozenset(
    {"budgets", "idempotency", "indexes", "ingest", "keys", "ledger", "metering", "pricing", "reports", "tenancy"}
)
# What a feature may take from another. Prices are read through the book, which is pricing's public face.
SHARED: Final = frozenset({"model", "store", "book", "charge"})


def is_pure(module: str) -> bool:
    """Whether the module may neither do I/O nor read a clock."""
    folder, _, name = module.rpartition("/")
    if folder.split("/")[0] == "client" or folder == "providers/http":
        return False
    return name == "model.py" or module in PURE_FILES or folder.split("/")[0] in {"wire", "providers", "metering"}


PURE_FILES: Final = frozenset({"money.py", "errors.py", "operations.py", "retrying.py"})
PURE: Final = [module for module in MODULES if is_pure(module)]


@cache
def parsed(module: str) -> ast.Module:
    """A module of the package."""
    return ast.parse((PACKAGE / module).read_text(), module)


def imported(module: str) -> set[str]:
    """What a module imports when it runs, here or in a function; not what it imports for types only."""
    return set(names_in(parsed(module).body))


def names_in(body: list[ast.stmt]) -> Iterator[str]:
    """The dotted names that statements import."""
    for statement in body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield str(statement.module)
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        for _, inner in ast.iter_fields(statement):
            if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                yield from names_in(inner)


@pytest.mark.parametrize("module", MODULES)
def test_only_adapters_know_the_libraries_that_reach_out(module: str) -> None:
    roots = {name.partition(".")[0] for name in imported(module)}
    assert not {library for library, files in ADAPTERS.items() if library in roots and module not in files}


@pytest.mark.parametrize("module", MODULES)
def test_only_settings_read_the_environment(module: str) -> None:
    if Path(module).name == "settings.py":
        return
    read = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.Attribute | ast.Name)]
    assert not READERS & {ast.unparse(node).rpartition(".")[2] for node in read}


@pytest.mark.parametrize("module", PURE)
def test_what_decides_does_no_io_and_reads_no_clock(module: str) -> None:
    names = imported(module)
    assert not names & IMPURE
    assert not {name.partition(".")[0] for name in names} & IMPURE
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"open", "print", "input"}, called
            assert not (called.split(".")[0] in {"datetime", "date", "time"} and called.split(".")[-1] in CLOCKS), (
                called
            )


@pytest.mark.parametrize("module", [module for module in MODULES if module.split("/")[0] in FEATURES])
def test_features_know_each_others_models_and_ports_and_no_adapter(module: str) -> None:
    own = module.partition("/")[0]
    for name in imported(module):
        parts = name.split(".")
        if parts[0] != "vectorgate" or len(parts) < 3:
            continue
        if parts[1] in FEATURES - {own}:
            assert parts[2] in SHARED, name
        assert parts[1] != "persistence" or parts[2] not in {"dynamodb", "sqlite"}, name


@pytest.mark.parametrize("module", [module for module in MODULES if module.split("/")[0] != "client"])
def test_no_function_of_a_deployment_stands_on_the_sdk(module: str) -> None:
    if module == "__init__.py":  # where users find the SDK, looked up when it is first used
        return
    assert not {name for name in imported(module) if f"{name}.".startswith("vectorgate.client.")}


EXPRESSIONS: Final = Sources({module: parsed(module) for module in MODULES})


@pytest.mark.parametrize("module", MODULES)
def test_expressions_are_never_built(module: str) -> None:
    assert EXPRESSIONS.built(module) == []


PROBE: Final = """
import importlib, json, sys
loud = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.mkdir", "os.remove", "urllib.", "sqlite3.")
heard = []
def hear(event, arguments):
    written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if written or event.startswith(loud):
        heard.append(f"{event} {arguments!r}"[:200])
sys.addaudithook(hear)
for name in json.load(sys.stdin):
    importlib.import_module(name)
heavy = {"boto3", "botocore", "aws_lambda_powertools", "sqlite3"}
print(json.dumps([heard, sorted(heavy & set(sys.modules))]))
"""


def test_importing_the_package_does_nothing() -> None:
    names = [
        ".".join(("vectorgate", *Path(module).with_suffix("").parts)).removesuffix(".__init__")
        for module in MODULES
        # The one-machine edition's stores load sqlite3; a command line is there to be run, not imported.
        if not module.startswith("stores/sqlite/") and Path(module).name != "__main__.py"
    ]
    done = subprocess.run(  # noqa: S603 - our own lines, our own interpreter
        [sys.executable, "-W", "error", "-c", PROBE],
        input=json.dumps(names),
        env={"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heard, heavy = json.loads(done.stdout)
    assert heard == []
    assert heavy == []


@pytest.mark.parametrize("event", sorted(path.name for path in ROOT.glob("events/*.json")))
def test_every_sample_event_is_used_by_a_test(event: str) -> None:
    others = (path for path in ROOT.glob("tests/**/*.py") if path != Path(__file__))
    assert any(event in path.read_text() for path in others)


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_functions_handler_is_thin_and_alone_in_its_folder(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40
    assert [each.name for each in path.parent.iterdir() if each.name != "__pycache__"] == ["app.py"]
