"""Local mode's meter at the pace that its setting says, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from httpx2 import Client

from tests.harnesses.local_process import KEY, LocalProcess
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 20  # a third of the default pace: only the setting brings a second tick in this time


def test_a_store_accrues_storage_within_ticks_of_the_pace_that_is_set(tmp_path: Path) -> None:
    running = LocalProcess(tmp_path / "home", VECTORGATE_METER_SECONDS="0.2")
    with running, Client(base_url=running.url, headers={"authorization": f"Bearer {KEY}"}, timeout=SECONDS) as http:
        store = http.post("/v1/vector_stores", json={"file_ids": ["file-abc123"]}).json()["id"]

        def accruing() -> dict[str, Any] | None:
            logged = http.get("/spend/logs").json()
            return next((row for row in logged if row["call_type"] == "storage" and row["byte_seconds"]), None)

        row = within(SECONDS, accruing)
        assert (row["status"], row["vector_store_id"]) == ("pending", store)
