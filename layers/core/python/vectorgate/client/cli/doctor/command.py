"""`vectorgate doctor`."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import click

from vectorgate.client.cli.commands import command
from vectorgate.client.cli.doctor.check import CHECKS, Check, Result
from vectorgate.client.cli.exits import FAILED
from vectorgate.client.cli.stack import stack_of
from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.session import Session
    from vectorgate.client.cli.stack import Stack


@command("doctor", example="vectorgate doctor --stack vectorgate --region eu-central-1")
@click.option("--inside-only", is_flag=True, help="Send nothing to the gateway.")
def doctor(session: Session, /, *, inside_only: bool) -> int:
    """Check a deployment, and say what to do about what is wrong. Changes nothing.

    From outside it needs a URL and a key. With --stack, it also looks at the stack on AWS, from inside.
    """
    if inside_only and session.gateway.stack is None:
        raise click.UsageError("--inside-only needs --stack.")
    found = [*session.counted(_checks(session, inside_only=inside_only), "checks")]
    session.show([each.row for each in found], CHECKS)
    return FAILED if any(each.result is Result.FAILED for each in found) else 0


def _checks(session: Session, *, inside_only: bool) -> Iterator[Check]:
    from vectorgate.client.cli.doctor.inside import Inside  # noqa: PLC0415 - httpx, which --help does not need

    if session.gateway.stack is None:
        return _outside(session)
    aws = session.environment.aws(session.gateway.region)
    stack = stack_of(session.gateway.stack, aws)
    inside = Inside(stack, aws, session.environment.wall).checks()
    return inside if inside_only else chain(inside, _past_the_authorizer(session, stack, aws))


def _past_the_authorizer(session: Session, stack: Stack, aws: Aws) -> Iterator[Check]:
    """The checks from outside, by calls that have what the stack's authorizer asks for."""
    try:
        found = session.gateway.by_stack(stack, aws)
    except SettingsError as error:
        yield Check("route", Result.SKIPPED, str(error), "look again with what the stack's authorizer asks for")
        return
    yield from _outside(replace(session, endpoint=found))


def _outside(session: Session) -> Iterator[Check]:
    from vectorgate.client.admin.calls import AdminCalls  # noqa: PLC0415 - see _checks
    from vectorgate.client.cli.doctor.outside import Outside  # noqa: PLC0415 - the same

    calls = AdminCalls(session.client)
    yield from Outside(calls, calls.root, session.environment.wall).checks()
