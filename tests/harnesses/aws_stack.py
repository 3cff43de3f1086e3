"""An emulated AWS on loopback, and a stack that is deployed on it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
from openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Found = TypeVar("Found")

ROOT: Final = Path(__file__).parents[2]
BUILT: Final = ROOT / ".build" / "host"
EMULATED: Final = Path(__file__).with_name("emulated_aws.py")
REGION: Final = "eu-central-1"
STACK: Final = "vectorgate"
BUCKET: Final = "artifacts"
# AUTH: each function has the permissions of its role alone. All servers are bound to loopback.
SETTINGS: Final = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
    "POWERTOOLS_LOG_LEVEL": "INFO",  # otherwise the functions, which inherit this environment, use the line above
    "MINISTACK_REGION": REGION,
    "SERVICES": (
        "dynamodb,sqs,s3,lambda,secretsmanager,apigateway,apigatewayv2,cloudformation,iam,sts,logs,cloudwatch,kms,events,scheduler,states"
    ),
}
SENDERS: Final = {"red": "red", "com.example.crm": "red"}
UPSTREAM_KEY: Final = "sk-upstream-for-tests"
PAUSE: Final = 0.2


class TookTooLong(Exception):
    """An event did not happen in time."""


def eventually(ask: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """Return the first result that is not None. TookTooLong after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ask()
        if found is not None:
            return found
        time.sleep(PAUSE)
    raise TookTooLong(f"{what}: not within {seconds} s")


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running MiniStack. `log`: the file with the output of it and of the functions.

    `minute`: the seconds of a minute, for CodeDeploy's deployments and for alarms; None without CodeDeploy.
    """

    port: int
    log: Path
    minute: float | None = None

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"http://127.0.0.1:{self.port}"

    def denied(self) -> set[str]:
        """What functions asked and their roles did not allow. A role that was deleted with its stack does not count."""
        pages = self.client("iam").get_paginator("list_roles").paginate()
        roles = {each["RoleName"] for page in pages for each in page["Roles"]}
        return {json.dumps(each) for each in self.lines("asked") if not each["allowed"] and each["role"] in roles}

    def lines(self, name: str) -> list[Any]:
        """What the emulator wrote down: what roles `asked`, `calls` through aliases, or `deployments`."""
        found = self.log.with_name(f"{name}.jsonl")
        return [json.loads(line) for line in found.read_text().splitlines()] if found.exists() else []

    def client(self, service: Any) -> Any:
        """Return a client with the permissions of the account's root."""
        return _client(self.url, service)


@cache
def _client(url: str, service: Any) -> Any:
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


@contextlib.contextmanager
def process(command: list[str], *, env: dict[str, str], cwd: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process, and end it and its children with the block."""
    with log.open("wb") as output:
        started = subprocess.Popen(  # noqa: S603 - our own command lines
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield started
        finally:
            started.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(10)
            with contextlib.suppress(ProcessLookupError):  # the functions' processes are in its group
                os.killpg(started.pid, signal.SIGKILL)
            started.wait(10)


@contextlib.contextmanager
def emulator(home: Path, *, trusts: Path | None = None, minute: float | None = None) -> Iterator[Emulator]:
    """Run MiniStack on a free port, outside the repository, so that the functions import from their layers alone.

    `trusts`: the certificate of the servers that it may ask over HTTPS. `minute`: with CodeDeploy, as Emulator's.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    aws = Emulator(port, home / "emulator.log", minute)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "GATEWAY_PORT": str(port), **SETTINGS}
    env |= {"SSL_CERT_FILE": str(trusts)} if trusts is not None else {}
    env |= {"RELEASE_MINUTE": str(minute)} if minute is not None else {}
    with process([sys.executable, "-P", str(EMULATED)], env=env, cwd=home, log=aws.log) as running:

        def answers() -> bool | None:
            if running.poll() is not None:
                raise TookTooLong(f"the emulator ended: {aws.log.read_text()[-2000:]}")
            try:
                with urlopen(f"{aws.url}/_ministack/health", timeout=1) as response:
                    return bool(response.status == 200) or None
            except (URLError, OSError):
                return None

        eventually(answers, 30, "the emulator")
        yield aws


@contextlib.contextmanager
def upstream(home: Path) -> Iterator[str]:
    """Run the embedded engine as the provider, and give its base URL."""
    log = home / "upstream.log"
    command = [sys.executable, "-m", "engine", "--home", str(home / "upstream"), "--port", "0"]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": f"{ROOT / 'layers/core/python'}{os.pathsep}{ROOT}",
        "PYTHONUNBUFFERED": "1",
        "UPSTREAM_KEY": UPSTREAM_KEY,
    }
    with process([*command, "--api-key-env", "UPSTREAM_KEY", "--seed-demo"], env=env, cwd=ROOT, log=log):

        def ready() -> str | None:
            lines = [line for line in log.read_text().splitlines() if line.startswith("listening on ")]
            return lines[0].removeprefix("listening on ") + "/v1" if lines else None

        yield eventually(ready, 60, "the upstream")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Stack:
    """The deployed stack, by its outputs."""

    aws: Emulator
    outputs: dict[str, str]

    @property
    def host(self) -> str:
        """The API's host name, which the emulator expects in the Host header."""
        return urlsplit(self.outputs["Url"]).netloc

    def ask(
        self, method: str, path: str, *, key: str | None = None, body: object = None, host: str | None = None
    ) -> Reply:
        """Send a request through API Gateway. `host`: a domain name of the stack's own."""
        headers = {"Host": host or self.host, "Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.aws.url + path, data=data, headers=headers, method=method)
        try:
            with urlopen(request, timeout=60) as response:
                return Reply(response.status, json.load(response))
        except URLError as error:
            if not hasattr(error, "code"):
                raise
            with contextlib.closing(error):  # type: ignore[type-var]
                return Reply(error.code, json.load(error))  # type: ignore[arg-type]

    @property
    def master_key(self) -> str:
        """The generated master key."""
        found = self.aws.client("secretsmanager").get_secret_value(SecretId=self.outputs["MasterKeySecretId"])
        return str(found["SecretString"])

    def row(self, operation_id: str) -> dict[str, Any] | None:
        """Return an operation's row of the table."""
        return self.item({"PK": {"S": f"OP#{operation_id}"}, "SK": {"S": "STATE"}})

    def item(self, place: dict[str, Any]) -> dict[str, Any] | None:
        """Return the item of a key, if there is one."""
        found = self.aws.client("dynamodb").get_item(
            TableName=self.outputs["TableName"], Key=place, ConsistentRead=True
        )
        item: dict[str, Any] | None = found.get("Item")
        return item

    def put(self, item: dict[str, Any]) -> None:
        """Put an item into the table without a condition."""
        self.aws.client("dynamodb").put_item(TableName=self.outputs["TableName"], Item=item)

    def items(self, prefix: str) -> list[dict[str, Any]]:
        """Return the items whose partition key has a prefix."""
        return [item for item in self._items() if item["PK"]["S"].startswith(prefix)]

    def provider(self) -> OpenAI:
        """Return a client of the provider itself."""
        found = self.aws.client("secretsmanager").get_secret_value(SecretId=self.outputs["OpenAISecretId"])
        secret = json.loads(found["SecretString"])
        return OpenAI(api_key=secret["api_key"], base_url=secret["base_url"], max_retries=0)

    def invoked(self, function: str, event: object) -> Any:
        """Invoke the function that an output names, and return its result."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=self.outputs[function], Payload=json.dumps(event).encode()
        )
        body = json.load(answer["Payload"])
        assert "FunctionError" not in answer, body
        return body

    def role_of_steps(self, name: str, *more: dict[str, Any]) -> str:
        """Create a role for Step Functions that may invoke and what `more` allows, and return its ARN."""
        roles = self.aws.client("iam")
        assume = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [assume]})
        role = roles.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": self.outputs["InvokeFunctionArn"]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [invoke, *more]})
        roles.put_role_policy(RoleName=name, PolicyName="steps", PolicyDocument=policy)
        return str(role["Arn"])

    def settled(self, operation_id: str, seconds: float) -> dict[str, Any]:
        """Wait until a row is settled, and return it."""

        def settled_row() -> dict[str, Any] | None:
            row = self.row(operation_id)
            return row if row is not None and row["state"] == {"S": "settled"} else None

        return eventually(settled_row, seconds, f"settled: {operation_id}")

    def rollups(self) -> list[dict[str, Any]]:
        """Return every rollup of the table."""
        return sorted(self.items("USE#"), key=lambda item: (item["PK"]["S"], item["SK"]["S"]))

    def quiet(self, seconds: float) -> None:
        """Wait until no row is left to settle, so that from then on rollups change by the test's own calls alone."""

        def settled_row() -> bool | None:
            return None if any(item.get("state") == {"S": "answered"} for item in self._items()) else True

        eventually(settled_row, seconds, "everything is settled")

    def _items(self) -> list[dict[str, Any]]:
        scan = self.aws.client("dynamodb").get_paginator("scan")
        pages = scan.paginate(TableName=self.outputs["TableName"], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]


def sample(name: str) -> Any:
    """Return a sample event of the repository."""
    return json.loads((ROOT / "events" / name).read_text())
