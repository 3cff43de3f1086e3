"""`vectorgate doctor`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import click

from vectorgate.client.authorizers import TOKEN, authorizer_of
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.doctor.check import CHECKS, Check, Result
from vectorgate.client.cli.exits import FAILED
from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.session import Session
    from vectorgate.client.cli.stack import Stack


@command("doctor", example="vectorgate doctor --stack vectorgate --region eu-central-1")
@click.option("--stack", metavar="NAME", help="Also look at this stack on AWS, from inside.")
@click.option("--region", help="Of AWS. Default: as AWS's own tools find it, like the credentials.")
@click.option("--inside-only", is_flag=True, help="Send nothing to the gateway.")
@click.option("--token", envvar=TOKEN, show_envvar=True, help="What a stack with Authorizer=JWT asks for.")
def doctor(session: Session, /, stack: str | None, region: str | None, token: str | None, *, inside_only: bool) -> int:
    """Check a deployment, and say what to do about what is wrong. Changes nothing.

    From outside it needs a URL and a key; with a stack alone, they are its own URL and master key. Calls of a stack
    with Authorizer=AWS_IAM are signed with your AWS credentials.
    """
    if inside_only and stack is None:
        raise click.UsageError("--inside-only needs --stack.")
    found = [*session.counted(_checks(session, Asked(stack, region, token), inside_only=inside_only), "checks")]
    session.show([each.row for each in found], CHECKS)
    return FAILED if any(each.result is Result.FAILED for each in found) else 0


class Asked(NamedTuple):
    """The options that say which deployment is looked at. `token`: for its authorizer."""

    stack: str | None
    region: str | None
    token: str | None


def _checks(session: Session, asked: Asked, *, inside_only: bool) -> Iterator[Check]:
    from vectorgate.client.cli.doctor.inside import Inside  # noqa: PLC0415 - httpx, which --help does not need
    from vectorgate.client.cli.stack import stack_of  # noqa: PLC0415 - the same

    if asked.stack is None:
        return _outside(session)
    aws = session.around.aws(asked.region)
    stack = stack_of(asked.stack, aws)
    inside = Inside(stack, aws, session.around.wall).checks()
    return inside if inside_only else chain(inside, _past_the_authorizer(_of_stack(session, stack, aws), stack, asked))


def _past_the_authorizer(session: Session, stack: Stack, asked: Asked) -> Iterator[Check]:
    """The checks from outside, by calls that have what the stack's authorizer asks for."""
    from vectorgate.client.lambda_signer import ApiSigner  # noqa: PLC0415 - see _checks

    try:
        auth = authorizer_of(stack.parameters, asked.token, partial(ApiSigner, asked.region))
    except SettingsError as error:
        yield Check("route", Result.SKIPPED, str(error), "look again with what the stack's authorizer asks for")
        return
    yield from _outside(replace(session, auth=auth))


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
