"""Two demo files under the ids that the examples use."""

from pathlib import Path

from local.upstream.engine import Engine
from local.upstream.files import seed_file

FOLDER = Path(__file__).parent / "demo"
DEMO = {"file-abc123": "returns-and-refunds.md", "file-def456": "shipping-guide.md"}


def seed_demo(engine: Engine) -> None:
    """Create the demo files that are absent."""
    for file_id, filename in DEMO.items():
        seed_file(engine, file_id, filename, (FOLDER / filename).read_bytes())
