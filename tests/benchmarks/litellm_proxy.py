"""LiteLLM's proxy, in an interpreter of its own below `.cache`, which is made once from `requirements/litellm.txt`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOCK = ROOT / "requirements" / "litellm.txt"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ]+)", re.MULTILINE)


def version() -> str:
    """The release that the lock file pins."""
    return str(dict(PINNED.findall(LOCK.read_text("utf-8")))["litellm"])


def interpreter() -> Path:
    """Its Python. CalledProcessError if the packages cannot be installed."""
    folder = ROOT / ".cache" / f"litellm-{version()}"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)  # noqa: S603
        install = ["-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
        pins = ["--no-deps", "--require-hashes", "--only-binary=:all:", "-r", str(LOCK)]
        subprocess.run([sys.executable, *install, *pins], check=True)  # noqa: S603 - our own lock file
        done.touch()
    return python


def command(folder: Path, port: int, master_key: str) -> list[str]:
    """What serves on that port, with one worker and no database. `folder`: for its settings."""
    config = folder / "litellm.json"  # which is YAML, too
    model = {"model_name": "any", "litellm_params": {"model": "openai/any", "api_key": "sk-bench"}}
    config.write_text(json.dumps({"model_list": [model], "general_settings": {"master_key": master_key}}))
    options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    return [str(interpreter()), "-m", "litellm.proxy.proxy_cli", *options]


def environment(provider_url: str) -> Mapping[str, str]:
    """The provider that it forwards to; no debugging, and no download of prices."""
    provider = {"OPENAI_API_KEY": "sk-bench", "OPENAI_API_BASE": provider_url, "OPENAI_BASE_URL": provider_url}
    return provider | {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "CRITICAL", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
