"""The files of .github, and pre-commit's: they cannot be run here, so what can be read off them is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS: Final = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
FILES: Final = sorted([*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"])
VERBS: Final = frozenset(re.findall(r"^([a-z0-9]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
PINNED: Final = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# What no verb of the Makefile can do: it is about GitHub's release, or AWS's, not about the repository.
OTHER_COMMANDS: Final = frozenset({"gh release create", "rm dist/*.zip", "sam build", "sam deploy"})
WRITES: Final[dict[str, set[str]]] = {
    "codeql.yml": {"security-events"},
    "deploy.yml": {"id-token"},
    "release.yml": {"attestations", "contents", "id-token"},
}


def read(path: Path) -> Any:
    """A file's content."""
    return yaml.safe_load(path.read_text("utf-8"))


def jobs(path: Path) -> dict[str, Any]:
    """A workflow's jobs."""
    found: dict[str, Any] = read(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """All steps of a workflow."""
    for job in jobs(path).values():
        yield from job["steps"]


def named_verbs(path: Path, command: str) -> list[str]:
    """The verbs that a step runs, with those of a matrix in place of its name."""
    (verb,) = re.findall(r"^make (\S+|\$\{\{ matrix\.verb \}\})(?: |$)", command)
    if not verb.startswith("$"):
        return [verb]
    return [each for job in jobs(path).values() for each in job["strategy"]["matrix"]["verb"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_yaml(path: Path) -> None:
    assert isinstance(read(path), dict)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_step_runs_a_verb_that_the_makefile_has(path: Path) -> None:
    for command in (step["run"] for step in steps(path) if "run" in step):
        if not command.startswith(tuple(OTHER_COMMANDS)):
            assert VERBS.issuperset(named_verbs(path, command)), command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_a_commit_and_say_its_version(path: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_no_more_than_it_needs(path: Path) -> None:
    assert read(path)["permissions"] == {}
    for job in jobs(path).values():
        assert job["timeout-minutes"] <= 90
        written = {scope for scope, right in job["permissions"].items() if right != "read"}
        assert written <= WRITES.get(path.name, set())
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_command_has_an_expression_that_others_write(path: Path) -> None:
    """A title or a branch name in a command would be run as a part of it; such values come by the environment."""
    for command in (step["run"] for step in steps(path) if "run" in step):
        assert set(re.findall(r"\$\{\{ *([\w.]+) *\}\}", command)) <= {"matrix.verb"}


def test_all_supported_versions_of_python_are_tested() -> None:
    tested = jobs(ROOT / ".github/workflows/ci.yml")["test"]["strategy"]["matrix"]["python"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert tested == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert f'requires-python = ">={tested[0]}"' in project


def test_a_deployment_keeps_no_key_and_is_tried_afterwards() -> None:
    (job,) = jobs(ROOT / ".github/workflows/deploy.yml").values()
    text = (ROOT / ".github/workflows/deploy.yml").read_text("utf-8")
    assert "secrets." not in text
    commands = [step.get("run") or step["uses"].partition("@")[0] for step in job["steps"]]
    assert [command.split()[:2] for command in commands[-4:]] == [
        ["sam", "build"],
        ["aws-actions/configure-aws-credentials"],
        ["sam", "deploy"],
        ["make", "smoke"],
    ]
    assert job["environment"] == "${{ inputs.environment }}"


def test_a_deployment_is_another_release_that_is_shifted_as_chosen() -> None:
    path = ROOT / ".github/workflows/deploy.yml"
    (job,) = jobs(path).values()
    (deploy,) = (step["run"] for step in job["steps"] if step.get("run", "").startswith("sam deploy"))
    assert "Release=$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT" in deploy
    assert "ReleaseType=$RELEASE_TYPE" in deploy
    parameters = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))["Parameters"]
    chosen = read(path)[True]["workflow_dispatch"]["inputs"]["release"]  # YAML 1.1 reads `on` as true
    assert set(chosen["options"]) <= set(parameters["ReleaseType"]["AllowedValues"])
    assert chosen["default"] == parameters["ReleaseType"]["Default"]
    assert re.fullmatch(parameters["Release"]["AllowedPattern"], "12345678901-1")


def test_dependabot_looks_where_pins_are() -> None:
    for update in read(ROOT / ".github/dependabot.yml")["updates"]:
        for folder in update.get("directories", [update.get("directory")]):
            assert (ROOT / folder.removeprefix("/")).is_dir(), folder


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_one_that_github_shows(path: Path) -> None:
    form = read(path)
    assert form.keys() >= {"name", "description", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
    for field in fields:
        assert field["type"] in {"checkboxes", "dropdown", "input", "textarea"}
        assert field["attributes"]["label"]


def test_pre_commits_own_hooks_run_what_is_installed() -> None:
    for repository in read(ROOT / ".pre-commit-config.yaml")["repos"]:
        for hook in repository["hooks"] if repository["repo"] == "local" else ():
            command, verb, *_ = hook["entry"].split()
            assert verb in VERBS if command == "make" else command.startswith(".venv/bin/")
