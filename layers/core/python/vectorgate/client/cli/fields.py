"""Options that several commands share, and their values as the gateway's fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

PROVIDER: Final = click.option("--provider", help="Default: the gateway's default provider.")
YES: Final = click.option("--yes", is_flag=True, help="Do not ask.")
_BUDGET: Final = (
    click.option("--budget", "max_budget", type=float, metavar="USD", help="Refuse calls beyond it."),
    click.option("--soft-budget", type=float, metavar="USD", help="Warn beyond it."),
    click.option("--budget-duration", metavar="DURATION", help="The budget's period, such as 30d; default: for good."),
    click.option("--rpm", "rpm_limit", type=int, help="Requests a minute."),
    click.option("--tpm", "tpm_limit", type=int, help="Tokens a minute."),
    click.option("--parallel", "max_parallel_requests", type=int, help="Requests at a time."),
    click.option("--metadata", metavar="JSON", callback=lambda _, __, text: json_object(text), help="A JSON object."),
)


def options(*chosen: Callable[[F], F]) -> Callable[[F], F]:
    """These options, in this order."""

    def decorate(function: F) -> F:
        for option in reversed(chosen):
            function = option(function)
        return function

    return decorate


budget_options: Final = options(*_BUDGET)


def clear_option(*names: str) -> Callable[[F], F]:
    """`--clear FIELD`: the fields whose value is removed."""
    return click.option("--clear", multiple=True, type=click.Choice(names), help="Remove a value; may be repeated.")


def json_object(text: str | None) -> dict[str, object] | None:
    """The object in an option's JSON. BadParameter for anything else."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter('expected a JSON object, such as {"cost_centre": "4711"}')
    return found


def given(values: Mapping[str, object], clear: Sequence[str] = ()) -> dict[str, Any]:
    """The fields that were given, and null for those to be cleared. UsageError where there are none."""
    chosen = {name: [*value] if isinstance(value, tuple) else value for name, value in values.items() if _is_set(value)}
    chosen |= dict.fromkeys(clear)
    return chosen


def changes(values: Mapping[str, object], clear: Sequence[str]) -> dict[str, Any]:
    """As `given`. UsageError for an update that changes nothing."""
    chosen = given(values, clear)
    if not chosen:
        raise click.UsageError("Nothing to change: name a field, or --clear one.")
    return chosen


def _is_set(value: object) -> bool:
    return value is not None and value is not False and value != ()
