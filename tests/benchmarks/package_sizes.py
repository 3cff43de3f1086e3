"""The size of what is installed, in MB of files."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.litellm_proxy import PINNED, interpreter
from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution

_MEGABYTE = 1_000_000


def of_litellm() -> float:
    """The packages of LiteLLM's proxy."""
    (packages,) = interpreter().parent.parent.glob("lib/python3*/site-packages")
    return _size(importlib.metadata.distributions(path=[str(packages)]))


def of_local_mode() -> float:
    """The packages of local mode, as far as they are installed here, without our own: it runs from the working tree."""
    pins = PINNED.findall((ROOT / "requirements" / "local.txt").read_text("utf-8"))
    names = {name.lower().replace("_", "-") for name, _ in pins}
    return _size(each for each in importlib.metadata.distributions() if _name(each) in names)


def _name(distribution: Distribution) -> str:
    return distribution.name.lower().replace("_", "-")


def _size(distributions: Iterable[Distribution]) -> float:
    files = {Path(str(file.locate())).resolve() for each in distributions for file in each.files or ()}
    return sum(file.stat().st_size for file in files if file.is_file()) / _MEGABYTE
