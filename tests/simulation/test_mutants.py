"""The list of planted faults fits the code: `make mutants` plants them."""

from __future__ import annotations

from tests.simulation.mutants import PACKAGES, listed


def test_the_faults_are_listed_each_at_one_place() -> None:
    mutants = listed()
    assert len(mutants) == len({mutant.name for mutant in mutants}) == 69
    for mutant in mutants:
        text = (PACKAGES / "vectorgate" / mutant.file).read_text("utf-8")
        assert mutant.planted_in(text) != text
        assert mutant.why
