"""The commands in this process, against a gateway behind a socket."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.factories.secrets import MASTER_KEY
from vectorgate.client.cli.main import main
from vectorgate.client.cli.session import RunEnvironment

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness, GatewayServer


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


class Run(Protocol):
    """Run a command line. `given`: standard input; `terminal`: all streams are one; the rest replaces surroundings."""

    def __call__(self, line: str, *, given: str = "", terminal: bool = False, **environment: Any) -> Ran: ...


def run(line: str, *, given: str = "", terminal: bool = False, **environment: Any) -> Ran:
    """See `Run`."""
    stream = Terminal if terminal else io.StringIO
    out, err = stream(), stream()
    code = main(shlex.split(line), RunEnvironment(out=out, err=err, stdin=stream(given), **environment))
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture
def vectorgate(harness: GatewayHarness, gateway_server: GatewayServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The commands, with the master key and the gateway's clock."""
    monkeypatch.setenv("VECTORGATE_BASE_URL", gateway_server.url)
    monkeypatch.setenv("VECTORGATE_API_KEY", MASTER_KEY)
    monkeypatch.delenv("VECTORGATE_FUNCTION", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")

    def by_its_clock(line: str, *, given: str = "", terminal: bool = False, **environment: Any) -> Ran:
        clock = {"wall": harness.time.wall, "sleep": harness.time.skip}
        return run(line, given=given, terminal=terminal, **{**clock, **environment})

    return by_its_clock
