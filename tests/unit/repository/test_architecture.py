"""The section Rules of docs/architecture.md: what a reader of one file cannot see broken.

Which package may import which, and which module may import boto3, httpx or sqlite3, is said by the contracts in
pyproject.toml (`make lint` runs import-linter). Here is what those cannot say.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grimp
import pytest

from tests.helpers.expressions import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parents[3]
SOURCE: Final = ROOT / "layers/core/python"
PACKAGE: Final = SOURCE / "vectorgate"
MODULES: Final = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
FUNCTIONS: Final = sorted(ROOT.glob("functions/*/app.py"))
# What is shipped or served, and no test.
PACKAGES: Final = [path for name in ("engine", "local") if (path := ROOT / name).is_dir()]
SHIPPED: Final = sorted(path for folder in (PACKAGE, *PACKAGES) for path in folder.rglob("*.py"))

MODULES_IN_ROOT: Final = 8
LINES: Final = 350

# What a module that only decides has no use for.
# fmt: off
IMPURE: Final = frozenset({
    "asyncio", "boto3", "botocore", "glob", "http", "httpcore", "httpx", "io", "logging",
    "multiprocessing", "os", "pathlib", "random", "requests", "secrets", "select", "shutil", "signal",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "urllib3",
})
# fmt: on
# The modules that touch the world or hold a lock, and by which libraries; a name that ends with "/" is a folder. All
# others are pure.
TOUCHES: Final[Mapping[str, frozenset[str]]] = {
    "admin/meter_function.py": frozenset({"botocore"}),
    "admin/sqs_dead_letters.py": frozenset({"botocore"}),
    "aws/client.py": frozenset({"boto3", "botocore"}),
    "admin/reports/csv_file.py": frozenset({"io"}),  # a file is written to a text
    "api/form_data.py": frozenset({"logging", "tempfile"}),  # a large form goes to a temporary file
    "api/http.py": frozenset({"io"}),  # a body is a stream of bytes
    "auth/authenticate.py": frozenset({"threading"}),
    "auth/keys/cache.py": frozenset({"threading"}),
    "auth/token_bucket.py": frozenset({"threading"}),
    "exports/settings.py": frozenset({"os"}),
    "exports/aws.py": frozenset({"botocore"}),
    "gateway/call_limits.py": frozenset({"threading"}),  # a stream may be given up by another thread
    "bootstrap.py": frozenset({"pathlib", "random", "time"}),  # the clock and the randomness that all others are given
    "budgets/limits.py": frozenset({"threading"}),
    "client/": IMPURE,  # the SDK runs in its user's process
    "entrypoints/release_check/__init__.py": frozenset({"botocore"}),
    "entrypoints/release_check/settings.py": frozenset({"os"}),
    "entrypoints/snapshots.py": frozenset(
        {"os", "random", "ssl"}
    ),  # the randomness that each copy of a snapshot begins with
    "entrypoints/runtime/": frozenset({"http", "os", "socket", "threading"}),  # of Lambda's own API and environment
    "gateway/streaming.py": frozenset({"threading"}),  # a stream may be given up by another thread than its reader's
    "ingest/aws.py": frozenset({"botocore", "io", "urllib3"}),
    "ingest/uploads.py": frozenset({"tempfile"}),
    "persistence/dynamodb/table.py": frozenset({"botocore"}),
    "persistence/sqlite/": frozenset({"sqlite3", "threading"}),
    "pricing/book.py": frozenset({"pathlib"}),  # reads its own files
    "providers/credentials.py": frozenset({"botocore", "threading"}),
    "providers/http/": frozenset(
        {"httpcore", "httpx", "io", "logging", "os", "pathlib", "socket", "ssl", "tempfile", "threading"}
    ),
    "settings.py": frozenset({"os"}),
    "rate_limits/known.py": frozenset({"threading"}),
    "tenancy/slots.py": frozenset({"threading"}),
    "ui/pages.py": frozenset({"pathlib"}),  # reads its own files
}
# Of the environment; the last two read *_PROXY and NO_PROXY.
READERS: Final = frozenset({"environ", "environb", "getenv", "getenvb", "getproxies", "proxy_bypass"})
CLOCKS: Final = frozenset({"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"})


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
        for _, inner in ast.iter_fields(statement):
            if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                yield from names_in(inner)


def test_no_module_is_in_a_circle_of_imports() -> None:
    """Not even of imports for types only, which import-linter's contracts leave out."""
    graph = grimp.build_graph("vectorgate", *(path.name for path in PACKAGES), cache_dir=None)
    # It raises a CycleError that names the circle.
    TopologicalSorter({each: graph.find_modules_directly_imported_by(each) for each in graph.modules}).prepare()


def test_the_root_of_the_package_has_at_most_eight_modules() -> None:
    assert len([module for module in MODULES if "/" not in module]) <= MODULES_IN_ROOT


def test_no_file_is_longer_than_350_lines() -> None:
    folders = [
        path for name in ("examples", "functions", "layers/deps", "tests", "tools") if (path := ROOT / name).is_dir()
    ]
    others = (path for folder in folders for path in folder.rglob("*.py") if "node_modules" not in path.parts)
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in (*SHIPPED, *others)}
    assert {path: length for path, length in lines.items() if length > LINES} == {}


def test_only_settings_read_the_environment() -> None:
    for module in (module for module in MODULES if Path(module).name != "settings.py"):
        nodes = list(ast.walk(parsed(module)))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        assert not READERS & (names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}), module


def touched(module: str) -> frozenset[str]:
    """The impure libraries that a module may use."""
    allowed = (
        libraries for at, libraries in TOUCHES.items() if module == at or (module.startswith(at) and at[-1] == "/")
    )
    return frozenset().union(*allowed)


def impure_imports(module: str) -> Iterator[str]:
    """The impure libraries that a module uses, as `IMPURE` names them."""
    for name in imported(module):
        yield from ({name, name.partition(".")[0]} & IMPURE)


def test_what_decides_does_no_io_and_reads_no_clock() -> None:
    for module in MODULES:
        assert set(impure_imports(module)) <= touched(module), module
        for called in () if module.startswith("client/") else calls_in(module):
            assert called not in {"open", "print", "input"}, module
            owner, _, name = called.rpartition(".")
            assert owner.split(".")[0] not in {"datetime", "date", "time"} or name not in CLOCKS, module


def calls_in(module: str) -> Iterator[str]:
    """What a module calls, as it is written."""
    return (ast.unparse(node.func) for node in ast.walk(parsed(module)) if isinstance(node, ast.Call))


def test_expressions_are_never_built() -> None:
    expressions = Sources({module: parsed(module) for module in MODULES})
    built = {module: expressions.built(module) for module in MODULES}
    assert {module: found for module, found in built.items() if found} == {}


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
        # The SQLite stores, which no function has, load sqlite3; a command line is there to be run, not imported.
        if not module.startswith("persistence/sqlite/") and Path(module).name != "__main__.py"
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
    assert all(name.startswith("vectorgate.entrypoints.") for name in names_in(ast.parse(path.read_text()).body))
    assert [each.name for each in path.parent.iterdir() if each.name != "__pycache__"] == ["app.py"]
