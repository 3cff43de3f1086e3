"""The faults of `make smokemutants` can be planted in the template as it is, and there is one for every check."""

from __future__ import annotations

from tests.e2e.broken_stacks import BROKEN
from tests.helpers.sam import read
from tests.helpers.template import ROOT
from tools.smoke.__main__ import ALL


def test_every_fault_can_be_planted_in_the_template() -> None:
    template = read(ROOT / "template.yaml")
    for broken in BROKEN:
        assert broken.planted_in(template) != template, broken.name
    assert len({broken.name for broken in BROKEN}) == len(BROKEN)


def test_every_check_of_the_smoke_run_has_a_fault_that_it_notices() -> None:
    assert {broken.check for broken in BROKEN} == {check.__name__ for check in ALL}
