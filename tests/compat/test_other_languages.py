"""Clients that do not run in this interpreter, each against a gateway behind a socket."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harnesses.azure import AzureGatewayHarness
    from tests.harnesses.gateway import GatewayServer

HERE = Path(__file__).parent
COMPAT_PYTHON = os.environ["VECTORGATE_COMPAT_PYTHON"]


def run(command: list[str], key: str) -> dict[str, int]:
    """Run a client, and return the document of the last line that it prints."""
    kept = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"} | {
        name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
    }
    done = subprocess.run(  # noqa: S603 - our own scripts
        command, env={**kept, "VECTORGATE_KEY": key}, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    seen: dict[str, int] = json.loads(done.stdout.strip().splitlines()[-1])
    return seen


def test_npms_openai_client(harness: AzureGatewayHarness, gateway_server: GatewayServer) -> None:
    key = harness.key("sk-of-node", team="red")
    assert run(["node", str(HERE / "node" / "flow.mjs"), gateway_server.url], key) == {
        "v1": 1,
        "bare": 1,
        "azure": 1,
    }
    assert not harness.telemetry.errors


def test_litellms_own_client(harness: AzureGatewayHarness, gateway_server: GatewayServer) -> None:
    key = harness.key("sk-of-litellm", team="red")
    seen = run([COMPAT_PYTHON, str(HERE / "litellm_client.py"), gateway_server.url], key)
    assert seen["stores"] == 2
    assert not harness.telemetry.errors
