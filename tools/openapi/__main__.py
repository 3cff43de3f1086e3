"""Write `openapi.json`, or with `--check` compare it: exit status 1 when it is not what the tables say."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.openapi.document import document

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET: Final = Path(__file__).parents[2] / "openapi.json"


def rendered() -> str:
    """The document as the file has it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None, target: Path = TARGET) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    if not parser.parse_args(arguments).check:
        target.write_text(rendered(), "utf-8")
        return 0
    if target.is_file() and target.read_text("utf-8") == rendered():
        return 0
    sys.stderr.write(f"{target.name} is not what the operation tables say. Run: make openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
