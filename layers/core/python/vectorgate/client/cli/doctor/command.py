"""`vectorgate doctor`."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import click

from vectorgate.client.cli.commands import command
from vectorgate.client.cli.doctor.check import CHECKS, Result
from vectorgate.client.cli.exits import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.doctor.check import Check
    from vectorgate.client.cli.session import Session
    from vectorgate.client.cli.stack import Stack


@command("doctor", example="vectorgate doctor --stack vectorgate --region eu-central-1")
@click.option("--stack", metavar="NAME", help="Also look at this stack on AWS, from inside.")
@click.option("--region", help="Of AWS. Default: as AWS's own tools find it, like the credentials.")
@click.option("--inside-only", is_flag=True, help="Send nothing to the gateway.")
def doctor(session: Session, /, stack: str | None, region: str | None, *, inside_only: bool) -> int:
    """Check a deployment, and say what to do about what is wrong. Changes nothing.

    From outside it needs a URL and a key; with a stack alone, they are its own URL and master key.
    """
    if inside_only and stack is None:
        raise click.UsageError("--inside-only needs --stack.")
    found = [*session.counted(_checks(session, stack, region, inside_only=inside_only), "checks")]
    session.show([each.row for each in found], CHECKS)
    return FAILED if any(each.result is Result.FAILED for each in found) else 0


def _checks(session: Session, name: str | None, region: str | None, *, inside_only: bool) -> Iterator[Check]:
    from vectorgate.client.cli.doctor.inside import Inside  # noqa: PLC0415 - httpx, which --help does not need
    from vectorgate.client.cli.stack import stack_of  # noqa: PLC0415 - the same

    if name is None:
        return _outside(session)
    aws = session.around.aws(region)
    stack = stack_of(name, aws)
    inside = Inside(stack, aws, session.around.wall).checks()
    return inside if inside_only else chain(inside, _outside(_of_stack(session, stack, aws)))


def _of_stack(session: Session, stack: Stack, aws: Aws) -> Session:
    """The session with the stack's URL and master key, where it names neither."""
    if session.url is not None or session.key is not None:
        return session
    answer = aws.call("secretsmanager", "get_secret_value", SecretId=stack.output("MasterKeySecretId"))
    return replace(session, url=stack.output("Url"), key=str(answer["SecretString"]))


def _outside(session: Session) -> Iterator[Check]:
    from vectorgate.client.admin.calls import AdminCalls  # noqa: PLC0415 - see _checks
    from vectorgate.client.cli.doctor.outside import Outside  # noqa: PLC0415 - the same

    calls = AdminCalls(session.client)
    yield from Outside(calls, calls.root, session.around.wall).checks()
