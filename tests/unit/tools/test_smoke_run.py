"""`make smoke`: what a run says, and that it removes what it made, however it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tools.smoke import __main__ as smoke

if TYPE_CHECKING:
    from tools.smoke.calls import Made
    from tools.smoke.target import Target

UNDONE: Final[list[str]] = []


def something_is_made(target: Target, made: Made) -> str:
    """Make three things, of which one cannot be removed."""
    del made
    target.undo.append(lambda: UNDONE.append("the first"))
    target.undo.append(lambda: 1 // 0)
    target.undo.append(lambda: UNDONE.append("the last"))
    return "three things"


def there_is_nothing(target: Target, made: Made) -> str:
    """Find nothing to try."""
    del target, made
    return "skipped: there is nothing"


def nothing_makes_sense(target: Target, made: Made) -> str:
    """Read what is no answer."""
    del target, made
    raise ValueError("not JSON")


def the_user_interrupts(target: Target, made: Made) -> str:
    """Be ended by Ctrl-C."""
    del target, made
    raise KeyboardInterrupt


def test_an_interrupted_run_removes_what_it_made_and_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    UNDONE.clear()
    monkeypatch.setattr(smoke, "ALL", (something_is_made, nothing_makes_sense, the_user_interrupts))
    with pytest.raises(KeyboardInterrupt):
        smoke.main(["any"])
    assert UNDONE == ["the last", "the first"]
    said = capsys.readouterr().out
    assert "FAIL  nothing makes sense: ValueError: not JSON" in said
    assert "left behind: ZeroDivisionError" in said


def test_a_run_that_leaves_something_behind_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "ALL", (something_is_made,))
    assert smoke.main(["any"]) == 1


def test_what_is_skipped_is_not_counted_as_proven(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke, "ALL", (there_is_nothing,))
    assert smoke.main(["any"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("skip  there is nothing: there is nothing\n0 of 1, 1 skipped, in ")
