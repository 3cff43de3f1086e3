"""`make fuzz` has an id for every parameter of a path, so that it can ask for every row of the operation table."""

from __future__ import annotations

from tests.fuzz.__main__ import IDS
from vectorgate.api.operations import OPERATIONS


def test_every_parameter_of_a_path_has_an_id() -> None:
    assert {name for operation in OPERATIONS for name in operation.parameters} <= set(IDS)
