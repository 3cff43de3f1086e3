"""Leave of botocore's data what the functions' clients read: `python botocore_data.py DIRECTORY` changes it in place.

At its first client botocore lists the folders of its 400 services and parses the endpoints of all, and parses the
documentation of each service that gets a client: a sixth of a cold start, and half of the layer.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

SERVICES: Final = frozenset({"codedeploy", "dynamodb", "events", "lambda", "s3", "secretsmanager", "sqs"})


def reduce(data: Path) -> None:
    """Drop the other services, with their endpoints, and empty all documentation."""
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in SERVICES}
    _replace(data / "endpoints.json", endpoints)
    for packed in sorted(data.glob("*/*/*.json.gz")):
        _replace(packed, undocumented(json.loads(gzip.decompress(packed.read_bytes()))))


def undocumented(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same, its documentation empty, for botocore asks for some; a shape's member of that name is no text."""
    if isinstance(value, list):
        return [undocumented(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: "" if name == "documentation" and isinstance(each, str) else undocumented(each)
        for name, each in value.items()
    }


def _replace(path: Path, content: object) -> None:
    """Write `x.json` in place of it, or of `x.json.gz`. An installer may have linked the file from its cache."""
    path.unlink()
    path.with_name(path.name.removesuffix(".gz")).write_text(json.dumps(content, separators=(",", ":")), "utf-8")


if __name__ == "__main__":
    reduce(Path(sys.argv[1]))
