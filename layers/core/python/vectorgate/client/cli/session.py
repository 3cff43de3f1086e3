"""One run of a command: the gateway's routes, the output, and questions to the user."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar

import click

from vectorgate.client.cli.aws import Boto3
from vectorgate.client.cli.exits import Failure, code_of, reason_of
from vectorgate.client.cli.gateway import Gateway
from vectorgate.client.cli.output import Format, show, show_one
from vectorgate.client.cli.output.columns import printable
from vectorgate.client.cli.progress import counted
from vectorgate.client.errors import VectorGateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vectorgate.client.admin import Admin
    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.gateway import Endpoint
    from vectorgate.client.cli.output import Column
    from vectorgate.client.cli.output.columns import Row
    from vectorgate.client.client import Client

T = TypeVar("T")

TIMEOUT: Final = 60.0  # seconds; the gateway ends an administrator's call after 30
RETRIES: Final = 1


def _hidden(question: str) -> str:
    return str(click.prompt(question, hide_input=True, err=True))


@dataclass(frozen=True, slots=True)
class RunEnvironment:
    """What a run of a command uses of its process and of AWS.

    `wall`: Unix seconds. `aws`: AWS in a region, None for the default one. `ask`: a text that is typed unseen.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    aws: Callable[[str | None], Aws] = Boto3
    ask: Callable[[str], str] = _hidden


@dataclass(frozen=True)
class Session:
    """What a command is given. `endpoint`: where its calls go, once that is known."""

    environment: RunEnvironment
    format: Format = Format.TABLE
    gateway: Gateway = field(default_factory=Gateway)
    endpoint: Endpoint | None = None

    @cached_property
    def client(self) -> Client:
        """The SDK's client of the gateway. SettingsError; Failure of AWS, for a stack."""
        from vectorgate.client.client import TIMING, Client  # noqa: PLC0415 - pydantic, which --help does not need

        timing = replace(TIMING, wall=self.environment.wall, sleep=self.environment.sleep)
        limits: dict[str, Any] = {"timeout": TIMEOUT, "max_retries": RETRIES, "timing": timing}
        there = self.endpoint or self.gateway.endpoint(self.environment.aws)
        return Client(base_url=there.url, api_key=there.key, auth=there.auth, **limits)

    @cached_property
    def admin(self) -> Admin:
        """The administrator's routes of the gateway."""
        from vectorgate.client.admin import Admin  # noqa: PLC0415 - see client

        return Admin(self.client)

    def show(self, rows: Iterable[Row], columns: Sequence[Column]) -> None:
        """Write rows to standard output, in the format that was asked for."""
        show(rows, columns, self.format, self.environment.out)

    def show_one(self, row: Row, columns: Sequence[Column]) -> None:
        """Write one object to standard output."""
        show_one(row, columns, self.format, self.environment.out)

    def say(self, message: str) -> None:
        """Write a line for people, to standard error."""
        self.environment.err.write(printable(message) + "\n")
        self.environment.err.flush()

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on if the user agrees, or has agreed by --yes. UsageError where there is no terminal to ask on."""
        if yes:
            return
        if not self.environment.stdin.isatty():
            raise click.UsageError(f"{question} There is no terminal to ask on: pass --yes.")
        self.environment.err.write(f"{printable(question)} [y/N] ")
        self.environment.err.flush()
        if self.environment.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise Failure("nothing was changed")

    def counted(self, items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
        """The items, with their number on the terminal while they are fetched, unless rows are written there."""
        if self.format is not Format.TABLE and self.environment.out.isatty():
            return items
        return counted(items, what, self.environment.err, total)

    def each(self, names: Sequence[str], act: Callable[[str], Row], columns: Sequence[Column]) -> int:
        """Act on every name, show what became of them, and return the exit code of the first that failed."""
        done, code = [], 0
        for name in names:
            try:
                done.append(act(name))
            except (VectorGateError, Failure) as error:
                self.say(f"{name}: {reason_of(error)}")
                code = code or code_of(error)
        if done:
            self.show(done, columns)
        return code
