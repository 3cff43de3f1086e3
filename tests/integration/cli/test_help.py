"""The help, the examples in it, the completion, and what is imported for them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest

from tests.factories.secrets import MASTER_KEY
from tests.integration.cli.conftest import run
from vectorgate.client import command
from vectorgate.client.cli.commands import Command
from vectorgate.client.cli.main import root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from tests.integration.cli.conftest import Run

SOURCE: Final = Path(__file__).parents[3] / "layers/core/python"
HEAVY: Final = frozenset({"httpx", "httpcore", "pydantic", "rich", "boto3", "botocore", "anyio", "asyncio"})


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    """Every command with its path."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            assert isinstance(found, Command), f"{name} has no example"
            yield (*path, name), found


def test_every_command_has_help_and_an_example_that_can_be_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    found = dict(commands(root))
    assert {("keys", "create"), ("stores", "adopt"), ("doctor",), ("ingest",), ("providers", "set")} <= found.keys()
    for path, each in found.items():
        line = each.example.partition(" < ")[0].removeprefix('eval "$(').removesuffix(')"')
        program, *arguments = shlex.split(line)
        assert (program, tuple(arguments[: len(path)])) == ("vectorgate", path), each.example
        each.make_context(path[-1], arguments[len(path) :]).close()
        if path != ("ingest",):
            assert run(" ".join(path) + " --help").code == 0
            assert each.example in capsys.readouterr().out


def test_the_page_of_the_command_line_names_every_command_and_the_help_of_a_group_its_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (SOURCE.parents[2] / "docs" / "cli.md").read_text("utf-8")
    rows = re.findall(r"^- (`[^:\n]*):", page, re.MULTILINE)
    found = [path for path, _ in commands(root)]
    assert sorted(re.findall(r"`([a-z-]+)`", " ".join(rows))) == sorted({path[0] for path in found})
    for name in {path[0] for path in found if len(path) > 1}:
        assert run(f"{name} --help").code == 0
        shown = capsys.readouterr().out
        assert all(f"  {path[-1]} " in shown for path in found if path[0] == name), name


def test_the_root_s_help_says_what_each_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help").code == 0
    shown = capsys.readouterr().out
    assert all(f"  {code} " in shown for code in (0, 1, 2, 3, 4, 5, 130))
    assert run("keys").code == run("no-such-command").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_asks_the_program(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"completion {shell}").code == 0
    assert "_VECTORGATE_COMPLETE" in capsys.readouterr().out


def test_a_process_completes_commands_and_loads_nothing_heavy_for_it_and_for_help() -> None:
    probe = """
import io, json, os, sys
from vectorgate.client.command import main
os.environ |= {"_VECTORGATE_COMPLETE": "bash_complete", "COMP_WORDS": "vectorgate keys r", "COMP_CWORD": "2"}
try: main([])
except SystemExit: pass
del os.environ["_VECTORGATE_COMPLETE"]
assert main(["--help"]) == 0
assert main(["stores", "--help"]) == 0
print(json.dumps(sorted(set(sys.argv[1:]) & sys.modules.keys())))
"""
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", probe, *HEAVY],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "plain,rotate"
    assert json.loads(lines[-1]) == []


def test_without_the_extra_ingest_works_and_the_rest_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("vectorgate.client.cli.main")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "click", None)
    for arguments in (["keys", "list"], ["--help"]):
        with pytest.raises(SystemExit):
            command.main(arguments)
    assert "pip install" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["ingest", "--help"])
    assert "--store" in capsys.readouterr().out


def test_a_process_whose_reader_leaves_early_ends_well(
    vectorgate: Run, harness: GatewayHarness, gateway_server: GatewayServer
) -> None:
    for number in range(150):  # more than a buffer holds
        harness.key(f"sk-{number}", alias="x" * 100)
    assert vectorgate("keys list --csv").code == 0
    given = {"PYTHONPATH": str(SOURCE), "VECTORGATE_BASE_URL": gateway_server.url, "VECTORGATE_API_KEY": MASTER_KEY}
    with subprocess.Popen(
        [sys.executable, "-m", "vectorgate.client", "keys", "list", "--csv"],
        env={**given, "NO_PROXY": "*"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
