"""Two demo files under the ids that the examples use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import files

if TYPE_CHECKING:
    from engine.engine import Engine

FOLDER: Final = Path(__file__).parent / "demo_files"
DEMO: Final = {"file-abc123": "returns-and-refunds.md", "file-def456": "shipping-guide.md"}


def seed_demo(engine: Engine) -> None:
    """Create the demo files that are absent."""
    for file_id, filename in DEMO.items():
        files.seed(engine, file_id, filename, (FOLDER / filename).read_bytes())
