"""What the documents, docstrings and comments point to is there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from local.banner import HELP
from local.settings import LocalSettings
from tests.helpers.canary import PIECE
from vectorgate import settings
from vectorgate.pricing.book import read_prices
from vectorgate.providers.credentials import LEAK_CHARACTERS, MIN_SECRET_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
PACKAGE: Final = ROOT / "layers/core/python/vectorgate"
# fmt: off
PARTS: Final = (
    "docs", "engine", "events", "examples", "functions", "layers", "local", "requirements", "tests", "tools",
)
# fmt: on
FOLDERS: Final = tuple(name for name in PARTS if (ROOT / name).is_dir())
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])
# The demo's texts and what npm installed are not our documentation.
READ: Final = [path for path in DOCUMENTS if not {"demo", "demo_files", "node_modules"} & set(path.parts)]
SOURCES: Final = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts
)
CONFIGURATION: Final = [
    *(
        ROOT / name
        for name in (
            "Makefile",
            "pyproject.toml",
            "samconfig.toml",
            "template.yaml",
            "alarms.yaml",
            "front.yaml",
            "network.yaml",
        )
    ),
    *(ROOT / name / "Makefile" for name in ("functions", "layers/core", "layers/deps")),
]

LINK: Final = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
QUOTED: Final = re.compile(r"`([^`\s]+)`")
# A file or folder of ours: below one of our folders, or a document or module by its name.
NAMED: Final = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./*-]*|(?:[\w*-]+/)*[\w*-]+\.(?:md|py)")
TEST_ID: Final = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


@cache
def paths() -> frozenset[str]:
    """Every path of ours, and every end of one: `ports.py`, `auth/keys/ports.py`, and so on."""
    folders = [ROOT / folder for folder in FOLDERS]
    found = [*folders, *ROOT.glob("*.*"), *(path for folder in folders for path in folder.rglob("*"))]
    parts = [path.relative_to(ROOT).parts for path in found if "node_modules" not in path.parts]
    return frozenset("/".join(each[at:]) for each in parts for at in range(len(each)))


def is_there(name: str, beside: Path) -> bool:
    """Whether a name is a path, or the end of one; a pattern is one from the root, the package, or where it stands."""
    if "*" in name:
        return any(any(place.glob(name)) for place in (ROOT, PACKAGE, beside.parent))
    return name.rstrip("/") in paths()


def missing(names: Iterator[str], beside: Path) -> set[str]:
    """Those of the names that are paths of ours and lead nowhere."""
    return {name for name in names if NAMED.fullmatch(name) and not is_there(name, beside)}


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    assert {target for target in LINK.findall(text) if not (path.parent / target).exists()} == set()
    quoted = (name.partition("::")[0].split(":")[0] for name in QUOTED.findall(text))
    assert missing(quoted, path) == set()


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's titles."""
    titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_link_into_a_document_leads_to_a_title(path: Path) -> None:
    for target, anchor in re.findall(r"\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)", path.read_text("utf-8")):
        document = path.parent / target if target else path
        assert anchor in anchors(document), f"{target}#{anchor}"


def prose(path: Path) -> Iterator[str]:
    """A module's docstrings and comments."""
    source = path.read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def words(text: str) -> Iterator[str]:
    """What could be a path, without the marks around it."""
    for word in re.findall(r"(?<![\w/<{])[\w./*-]+", text):
        yield word.rstrip(".")


def test_what_a_docstring_or_a_comment_names_is_there() -> None:
    # Whole files first: to take them apart takes seconds.
    suspects = [path for path in SOURCES if missing(words(path.read_text("utf-8")), path)]
    found = {path: missing((word for text in prose(path) for word in words(text)), path) for path in suspects}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("path", CONFIGURATION, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_configuration_names_is_there(path: Path) -> None:
    assert missing(words(path.read_text("utf-8")), path) == set()


@cache
def names_of_tests(path: str) -> frozenset[str]:
    """Return the names of a file's tests."""
    return frozenset(re.findall(r"^def (test_\w+)\(", (ROOT / path).read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_test_that_a_document_names_is_there(path: Path) -> None:
    for file, test in TEST_ID.findall(path.read_text("utf-8")):
        assert test in names_of_tests(file), file


def test_every_threat_names_a_test_or_has_one_with_its_number() -> None:
    text = (ROOT / "docs/security.md").read_text("utf-8")
    rows = dict(re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE))
    assert list(rows) == [str(number) for number in range(1, len(rows) + 1)]
    folder = "tests/integration/gateway"
    tests = names_of_tests(f"{folder}/test_threats.py") | names_of_tests(f"{folder}/test_secrets_withheld.py")
    numbered = {found[1] for test in tests if (found := re.match(r"test_row_(\d+)_", test))}
    assert {number for number, row in rows.items() if not TEST_ID.search(row)} <= numbered <= rows.keys()


def test_page_and_decision_state_the_lengths_by_which_credentials_are_searched_for() -> None:
    row = next(line for line in (ROOT / "docs/security.md").read_text("utf-8").splitlines() if line[:4] == "10. ")
    assert f"no {PIECE} characters in a row in what the gateway writes" in row
    assert f"nor the whole credential or {LEAK_CHARACTERS} in a row in what a provider echoes" in row
    decision = (ROOT / "docs/adr/0013-withhold-credentials-not-guesses.md").read_text("utf-8")
    assert f"the whole credential or {LEAK_CHARACTERS} characters of it in a row" in decision
    assert f"below\n{MIN_SECRET_CHARACTERS} characters" in decision


SETTING: Final = re.compile(r"[A-Z]+(?:_[A-Z]+)+|HOST|PORT")


def settings_in(sources: Iterator[Path]) -> set[str]:
    """Return the environment variables that modules read: string literals that are their names."""
    trees = (ast.parse(path.read_text("utf-8")) for path in sources)
    constants = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and SETTING.fullmatch(value)}


def section(page: str, title: str) -> str:
    """Return what stands below a title of a page."""
    return (ROOT / "docs" / page).read_text("utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def named_in(text: str) -> set[str]:
    """Return the settings that a text names, which may end in `<PROVIDER>` and the like."""
    return {name for name in re.findall(rf"\b(?:{SETTING.pattern})\b", text) if SETTING.fullmatch(name)}


# What these modules name besides: the variable that hands the engine its key, and what WSGI calls parts of a request.
NOT_SETTINGS: Final = frozenset({"VECTORGATE_UPSTREAM_KEY", "VECTORGATE_ENGINE_KEY"})
WSGI: Final = re.compile(r"HTTP_\w+|REQUEST_\w+|CONTENT_\w+|PATH_INFO|QUERY_STRING|REMOTE_ADDR|SERVER_\w+")


def test_the_help_of_local_mode_lists_its_settings_and_no_others() -> None:
    named = settings_in((ROOT / "local").glob("*.py")) - NOT_SETTINGS
    assert named_in(HELP) == {name for name in named if not WSGI.fullmatch(name)}


def test_the_settings_module_lists_the_settings_of_the_functions_and_no_others() -> None:
    text = str(settings.__doc__)
    assert named_in(text) == settings_in(iter([PACKAGE / "settings.py"]))
    assert "VECTORGATE_SECRET_<PROVIDER>" in text


def test_the_configuration_page_has_a_price_that_the_price_book_and_local_mode_take(tmp_path: Path) -> None:
    text = section("configuration.md", "Your own prices")
    assert "`VECTORGATE_PRICES=prices.json make run`" in text
    (sample,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (price,) = read_prices(sample)
    assert price.covers("openai", "storage")
    (tmp_path / "prices.json").write_text(sample)
    assert LocalSettings.read({"VECTORGATE_PRICES": str(tmp_path / "prices.json")}).prices


def test_the_decision_records_are_listed_and_have_their_four_parts() -> None:
    records = sorted(path for path in (ROOT / "docs/adr").glob("*.md") if path.name != "README.md")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (ROOT / "docs/adr/README.md").read_text("utf-8")) == [
        path.name for path in records
    ]
    for path in records:
        text = path.read_text("utf-8")
        assert re.match(rf"# {int(path.name[:4])}\. ", text), path.name
        assert re.findall(r"^(Status(?=:)|## .*)", text, re.MULTILINE)[:4] == [
            "Status", "## Context", "## Decision", "## Consequences",
        ], path.name  # fmt: skip


# Words that a newcomer would have to learn. Names of tests, files and fields are quoted, and the history is as it was.
PRIVATE_WORDS: Final = re.compile(
    r"\b(books|booked|booking|bookkeep\w*|descent|desks?|doors?|strangers?|editions?|whoever|nobody|nobody's|somebody\w*"
    r"|anybody\w*)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_uses_no_private_words(path: Path) -> None:
    text = path.read_text("utf-8")
    for quoted in (r"```.*?```", r"`[^`]*`", r"\]\([^)]*\)"):
        text = re.sub(quoted, "", text, flags=re.DOTALL)
    assert path.name == "CHANGELOG.md" or PRIVATE_WORDS.findall(text) == []


def test_what_is_shipped_uses_no_private_words() -> None:
    shipped = [
        path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"engine", "functions", "layers", "local"}
    ]
    found = {path: PRIVATE_WORDS.findall(path.read_text("utf-8")) for path in shipped}
    assert {path: words for path, words in found.items() if words} == {}


def test_no_document_has_the_marks_of_a_merge() -> None:
    marked = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)
    assert [path for path in READ if marked.search(path.read_text("utf-8"))] == []


def test_the_changelog_has_each_title_once_in_a_version_and_each_item_once_under_a_title() -> None:
    for version in (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## ")[1:]:
        titles = re.findall(r"^### .*", version, re.MULTILINE)
        assert sorted(titles) == sorted(set(titles))
        for part in version.split("\n### "):  # git merges it by union, which keeps an item and its successor
            beginnings = [item[:24] for item in re.findall(r"^- .*", part, re.MULTILINE)]
            assert sorted(beginnings) == sorted(set(beginnings))


def test_the_rules_are_those_that_are_tested() -> None:
    rules = (ROOT / "docs/architecture.md").read_text("utf-8").partition("## Rules")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^- `(test_\w+)`", rules, re.MULTILINE)) == sorted(
        names_of_tests("tests/unit/repository/test_architecture.py")
    )
