"""`make fuzz` has an id for every parameter of a path, and its inputs are those that handlers answer."""

from __future__ import annotations

import random

from tests.fuzz.doors import Doors
from tests.fuzz.http_events import IDS
from vectorgate.api.operations import OPERATIONS


def test_every_parameter_of_a_path_has_an_id() -> None:
    assert {name for operation in OPERATIONS for name in operation.parameters} <= set(IDS)


def test_a_hundred_hostile_inputs_of_every_handler_are_answered() -> None:
    doors = Doors()
    for door in doors.all:
        for seed in range(12):
            doors.forget()
            problem = door.give(door.made(random.Random(f"{door.name}{seed}")))  # noqa: S311 - reproducible, not secret
            assert (problem, doors.telemetry.errors) == (None, []), (door.name, seed)
    doors.close()
