"""`make fuzz` has an id for every parameter of a path, and its inputs are those that handlers answer."""

from __future__ import annotations

import random

from tests.fuzz.handlers import Handlers
from tests.fuzz.http_events import IDS
from vectorgate.api.operations import OPERATIONS


def test_every_parameter_of_a_path_has_an_id() -> None:
    assert {name for operation in OPERATIONS for name in operation.parameters} <= set(IDS)


def test_a_hundred_hostile_inputs_of_every_handler_are_answered() -> None:
    handlers = Handlers()
    for handler in handlers.all:
        for seed in range(12):
            handlers.forget()
            problem = handler.give(handler.made(random.Random(f"{handler.name}{seed}")))  # noqa: S311 - reproducible, not secret
            assert (problem, handlers.telemetry.errors) == (None, []), (handler.name, seed)
    handlers.close()
