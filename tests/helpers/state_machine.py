"""The part of Amazon States Language that examples/step_functions.json uses, run step by step and without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Document: TypeAlias = dict[str, Any]

STEPS = 100


class ExecutionFailed(Exception):
    """A Fail state; its arguments are what the input had become by then."""


def run(machine: Document, data: Document, invoke: Callable[[str, Document], object], *, name: str) -> Document:
    """The output of an execution of that name. `invoke(function, payload)` gives what Lambda's `Payload` is.

    KeyError for a state or a path that is not there, AssertionError for an execution that does not end.
    """
    at = machine["StartAt"]
    for _ in range(STEPS):
        state = machine["States"][at]
        if state["Type"] == "Succeed":
            return dict(found(state.get("OutputPath", "$"), data, name))
        if state["Type"] == "Fail":
            raise ExecutionFailed(data)
        if state["Type"] == "Task":
            data = _after_task(state, data, invoke, name)
        at = _chosen(state, data, name) if state["Type"] == "Choice" else state["Next"]
    raise AssertionError(f"still at {at}")


def _after_task(state: Document, data: Document, invoke: Callable[[str, Document], object], name: str) -> Document:
    assert state["Resource"] == "arn:aws:states:::lambda:invoke"
    said = filled(state["Parameters"], data, name)
    result = filled(state["ResultSelector"], {"Payload": invoke(said["FunctionName"], said["Payload"])}, name)
    return {**data, state["ResultPath"].removeprefix("$."): result}


def _chosen(state: Document, data: Document, name: str) -> str:
    return next((rule["Next"] for rule in state["Choices"] if holds(rule, data, name)), str(state["Default"]))


def holds(rule: Document, data: Document, name: str) -> bool:
    """Whether a choice's rule holds. A field that is not there is an error in Step Functions as well."""
    if "And" in rule:
        return all(holds(each, data, name) for each in rule["And"])
    if "Or" in rule:
        return any(holds(each, data, name) for each in rule["Or"])
    (wanted,) = (rule[test] for test in ("NumericEquals", "StringEquals") if test in rule)
    return bool(found(rule["Variable"], data, name) == wanted)


def filled(template: Mapping[str, Any], data: Document, name: str) -> Document:
    """A payload template with the paths of its `....$` fields replaced by what is there."""
    return dict(_fields(template, data, name))


def _fields(template: Mapping[str, Any], data: Document, name: str) -> Iterator[tuple[str, Any]]:
    for field, value in template.items():
        if field.endswith(".$"):
            yield field.removesuffix(".$"), found(value, data, name)
        else:
            yield field, filled(value, data, name) if isinstance(value, dict) else value


def found(path: str, data: Any, name: str) -> Any:
    """What stands at a path of fields, or the execution's name."""
    if path == "$$.Execution.Name":
        return name
    for field in path.removeprefix("$").split(".")[1:]:
        data = data[field]
    return data
