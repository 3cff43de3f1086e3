"""Destinations and dead letters from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.admin.dead_letter_queues import DeadLetter, DeadLetterQueue, NoDeadLetters, Retried
from vectorgate.exports.ports import Checked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pytest

    from tests.integration.cli.conftest import Run


class Letters(NoDeadLetters):
    """A queue with two letters, of which one is refused again."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """The queue, and an empty one."""
        letters = [DeadLetter(id=name, at_ms=1_772_600_767_000, reason="410 Gone") for name in ("a", "b")]
        return [DeadLetterQueue(name="export webhook", count=2, letters=letters), DeadLetterQueue(name="x", count=0)]

    def retry(self, queue: str, ids: Collection[str] | None) -> Retried:
        """As a destination that refuses one of the two."""
        assert queue == "export webhook"
        return Retried(done=1, left=0 if ids else 1, reason=None if ids else "410 Gone")

    def drop(self, queue: str, ids: Collection[str] | None) -> int:
        """All that are named, or both."""
        assert queue == "export webhook"
        return len(ids) if ids is not None else 2


def test_dead_letters_are_listed_handled_again_and_dropped(vectorgate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("queues", "retry", "drop"):
        monkeypatch.setattr(NoDeadLetters, name, getattr(Letters, name))
    shown = vectorgate("exports dead-letters --csv").out.splitlines()
    assert shown[1:] == [f"export webhook,2,2026-03-04T05:06:07+00:00,{name},410 Gone" for name in ("a", "b")]
    again = vectorgate("exports retry 'export webhook' --json")
    assert (again.code, again.json["retried"], again.json["left"]) == (1, 1, 1)
    assert vectorgate("exports retry 'export webhook' a").code == 0
    assert vectorgate("exports drop 'export webhook'").code == 2
    assert vectorgate("exports drop 'export webhook' a --yes --json").json["dropped"] == 1


def test_a_destination_is_tested(vectorgate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = vectorgate("exports test webhook")
    assert (missing.code, "No destination of exports is configured" in missing.err) == (1, True)
    monkeypatch.setattr("vectorgate.exports.ports.NoExports.check", lambda _, __: Checked())
    done = vectorgate("exports test webhook otel --json")
    assert [each["message"] for each in done.json] == ["A test record reached webhook.", "A test record reached otel."]
