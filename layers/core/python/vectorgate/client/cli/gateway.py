"""Which gateway a command calls, and what stands before it: options that every command has for that."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

import click

from vectorgate.client import authorizers
from vectorgate.client.cli.stack import stack_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.client.authorizers import Prepare
    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.stack import Stack

OPTIONS: Final = (
    click.Option(["--url"], metavar="URL", help="The gateway. Default: VECTORGATE_BASE_URL."),
    click.Option(
        ["--key", "admin_key"],
        metavar="KEY",
        help="Its key, which other users of this machine can see. Default: VECTORGATE_API_KEY, which they cannot.",
    ),
    click.Option(["--stack"], metavar="NAME", help="Its stack on AWS: names URL, master key and authorizer."),
    click.Option(["--region"], help="Of AWS. Default: as AWS's own tools find it, like the credentials."),
    click.Option(
        ["--authorizer"],
        type=click.Choice(authorizers.KINDS),
        envvar=authorizers.AUTHORIZER,
        show_envvar=True,
        help="What API Gateway asks for, without --stack. Default: JWT with a token. AWS_IAM signs.",
    ),
    click.Option(["--token"], envvar=authorizers.TOKEN, show_envvar=True, help="The issuer's, for Authorizer=JWT."),
    click.Option(
        ["--token-header"],
        metavar="NAME",
        envvar=authorizers.TOKEN_HEADER,
        show_envvar=True,
        help=f"Its header, without --stack. Default: {authorizers.DEFAULT_HEADER}.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The values of these options. None for what is not named."""

    url: str | None = None
    admin_key: str | None = field(default=None, repr=False)
    stack: str | None = None
    region: str | None = None
    authorizer: str | None = None
    token: str | None = field(default=None, repr=False)
    token_header: str | None = None

    def endpoint(self, aws: Callable[[str | None], Aws]) -> Endpoint:
        """Where calls go. SettingsError where what the authorizer asks for is missing; Failure of AWS."""
        if self.stack is not None:
            opened = aws(self.region)
            return self.by_stack(stack_of(self.stack, opened), opened)
        asked = authorizers.Asked(
            authorizer=self.authorizer, token=self.token, header=self.token_header, region=self.region
        )
        return Endpoint(self.url, self.admin_key, asked.auth())

    def by_stack(self, stack: Stack, aws: Aws) -> Endpoint:
        """As `endpoint`: the stack's own URL, unless one is named, and then its master key, unless one is named."""
        auth = authorizers.authorizer_of(stack.parameters, self.token, self.region)
        if self.url is not None or self.admin_key is not None:
            return Endpoint(self.url or stack.output("Url"), self.admin_key, auth)
        answer = aws.call("secretsmanager", "get_secret_value", SecretId=stack.output("MasterKeySecretId"))
        return Endpoint(stack.output("Url"), str(answer["SecretString"]), auth)


NAMES: Final = tuple(each.name for each in fields(Gateway))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls go, and what each has besides the key. `url`, `key`: None for those of the environment."""

    url: str | None
    key: str | None = field(repr=False)
    auth: Prepare | None
