"""Packages that conflict with ours, in folders of their own below .cache, installed once from their lock files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pinned(name: str) -> Path:
    """Return the folder with the packages of a lock file. CalledProcessError if they cannot be installed."""
    folder = ROOT / ".cache" / name
    if not folder.is_dir():
        fresh = folder.with_name(f"{name}.{os.getpid()}")  # complete or absent, even if interrupted
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--target", str(fresh), "-r", str(ROOT / "requirements" / f"{name}.txt")]
        subprocess.run(command, check=True)  # noqa: S603 - our own lock file
        fresh.rename(folder)
    return folder
