"""LiteLLM's management client and its command line, unmodified, administer local mode."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.harnesses.local_process import KEY, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPAT_PYTHON: Final = os.environ["VECTORGATE_COMPAT_PYTHON"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A new local mode."""
    with LocalProcess(tmp_path / "home") as running:
        yield running.url


def printed(url: str, *command: str) -> str:
    """What a command prints, which must succeed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    named = {"LITELLM_PROXY_URL": url, "LITELLM_PROXY_API_KEY": KEY, "VECTORGATE_KEY": KEY, "COLUMNS": "200"}
    done = subprocess.run(  # noqa: S603 - our own lines
        command,
        env={**kept, **named, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return done.stdout


def test_the_management_client_works(url: str) -> None:
    script = str(Path(__file__).with_name("litellm_admin.py"))
    seen = json.loads(printed(url, COMPAT_PYTHON, script, url).strip().splitlines()[-1])
    assert seen == {
        "listed": ["nightly"],
        "alias": "daily",
        "models": ["gpt-5"],
        "deleted": True,
        "teams": ["one-machine"],
        "people": ["bob@red.example"],
        "person": "Bob",
    }


def test_the_command_line_works(url: str) -> None:
    command = str(Path(COMPAT_PYTHON).with_name("litellm-proxy"))

    def run(*arguments: str) -> str:
        return printed(url, command, *arguments)

    assert '"key": "sk-' in run("keys", "generate", "--key-alias", "nightly", "--user-id", "ann", "--duration", "7d")
    assert "nightly" in run("keys", "list")
    assert '"total_count": 1' in run("keys", "list", "--format", "json", "--user-id", "ann")
    assert '"deleted_keys"' in run("keys", "delete", "--key-aliases", "nightly")
    assert "one-machine" in run("teams", "list")
    bob = run("users", "create", "--email", "bob@red.example", "--alias", "Bob", "--max-budget", "5")
    assert json.loads(bob)["max_budget"] == 5
    assert "bob@red.example" in run("users", "list")
    name = json.loads(bob)["user_id"]
    assert json.loads(run("users", "get", "--id", name))["user_info"]["max_budget"] == 5
    assert json.loads(run("users", "delete", name))["deleted_users"] == [name]
