"""The stack that is tried: its outputs, its API, and the AWS services around it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import boto3
import httpx
from openai import OpenAI

from tools.smoke.release import NESTED, Release
from vectorgate.client.authorizers import authorizer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Found = TypeVar("Found")
# The ARNs of what CloudFormation names otherwise; {} is the name, and of a queue the last part of its URL.
ARNS: Final = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
}
PAUSE_SECONDS: Final = 0.5
_OPEN: Final[list[httpx.Client]] = []
TIMEOUT: Final = 60.0  # seconds, of a request


class NotProven(Exception):
    """A check did not find what it looked for."""


@dataclass(frozen=True)
class Target:
    """A deployed stack. `endpoint`: of an emulator, which serves AWS and the stack's API; None for AWS itself.

    `run`: in the names of whatever a run makes. `patience`: times the seconds that a check waits. `undo`: what removes
    what was made, in the order in which it was made.
    """

    name: str
    region: str | None
    endpoint: str | None
    run: str
    patience: float = 1.0
    undo: list[Callable[[], object]] = field(default_factory=list)
    token: str | None = field(default=None, repr=False)

    def aws(self, service: Any) -> Any:  # noqa: ANN401 - boto3's client of that service
        """A client of AWS, with the caller's own credentials."""
        return _client(service, self.region, self.endpoint)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return _outputs(self.name, self.region, self.endpoint)

    @property
    def release(self) -> Release:
        """What this release deploys with the stack's parameters."""
        return _release(self.name, self.region, self.endpoint)

    @property
    def resources(self) -> dict[str, tuple[str, str]]:
        """The type and the physical id of each resource, by its logical name, those of nested stacks included."""
        return _resources(self.name, self.region, self.endpoint)

    def id(self, name: str) -> str:
        """The physical id of a resource. NotProven if the stack has none of that name."""
        if name not in self.resources:
            raise NotProven(f"the stack has no {name}")
        return self.resources[name][1]

    def arn(self, logical: str) -> str:
        """The ARN of a resource."""
        physical = self.id(logical)
        if self.resources[logical][0] == "AWS::SecretsManager::Secret":  # whose id is its ARN, but not everywhere
            return str(self.aws("secretsmanager").describe_secret(SecretId=physical)["ARN"])
        if physical.startswith("arn:"):
            return physical
        _, partition, _, region, account, _ = self.stack_id.split(":", 5)
        form = ARNS[self.resources[logical][0]]
        name = physical.rpartition("/")[2] if "://" in physical else physical  # a queue has its URL
        return f"arn:{partition}:" + form.format(region=region, account=account, name=name)

    def arns(self, kind: str) -> tuple[str, ...]:
        """The ARNs of the stack's resources of a type."""
        return tuple(self.arn(name) for name, (each, _) in sorted(self.resources.items()) if each == kind)

    def filled(self, text: str) -> str:
        """A text of the release, with the stack's own names. What the stack does not have stays as it is."""
        return re.sub(r"\$\{(\w[\w:]*)(?:\.(\w+))?\}", self._filled, text)

    def _filled(self, found: re.Match[str]) -> str:
        name, attribute = found[1], found[2]
        known = name.startswith("AWS::") or (name in self.resources and attribute != "Version")
        return self._named(name, attribute) if known else found[0]

    def _named(self, name: str, attribute: str | None) -> str:
        if name.startswith("AWS::"):
            _, partition, _, region, account, _ = self.stack_id.split(":", 5)
            return {
                "AWS::Partition": partition,
                "AWS::Region": region,
                "AWS::AccountId": account,
                "AWS::StackName": self.name,
                "AWS::StackId": self.stack_id,
                "AWS::URLSuffix": "amazonaws.com",
            }[name]
        match attribute:
            case "Arn":
                return self.arn(name)
            case "Id" if self.resources[name][0] == "AWS::SecretsManager::Secret":
                return self.arn(name)
            case "QueueName":
                return self.id(name).rpartition("/")[2]
            case "StreamArn":
                table = self.aws("dynamodb").describe_table(TableName=self.id(name))["Table"]
                return str(table["LatestStreamArn"])
            case _:
                return self.id(name)

    @property
    def stack_id(self) -> str:
        """The stack's ARN."""
        return str(_stack(self.name, self.region, self.endpoint)["StackId"])

    @property
    def url(self) -> str:
        """The API's base URL, without /v1."""
        return self.endpoint or self.outputs["Url"]

    @property
    def headers(self) -> dict[str, str]:
        """An emulator finds the API by its host name."""
        return {"Host": urlsplit(self.outputs["Url"]).netloc} if self.endpoint else {}

    @property
    def master_key(self) -> str:
        """The administrator's key."""
        found = self.aws("secretsmanager").get_secret_value(SecretId=self.outputs["MasterKeySecretId"])
        return str(found["SecretString"])

    @property
    def http(self) -> httpx.Client:
        """A client whose calls have what the stack's authorizer asks for. SettingsError where that is not there."""
        return _http(self.name, self.region, self.endpoint, self.token)

    def client(self, key: str) -> OpenAI:
        """OpenAI's client of the gateway."""
        sent_by: dict[str, Any] = {"http_client": self.http, "max_retries": 2}  # its types know httpx2's client alone
        base = f"{self.url}/v1"
        return OpenAI(api_key=key, base_url=base, default_headers=self.headers, timeout=TIMEOUT, **sent_by)

    def ask(self, method: str, path: str, key: str | None, body: object = None) -> tuple[int, Any]:
        """Send one request to the API; its status and document, or text. A body of bytes is sent as it is."""
        answer = self.http.request(method, self.url + path, headers=self._headers(key), content=_content(body))
        return answer.status_code, _document(answer.content)

    def ask_bare(self, path: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Read with these headers alone, past nothing that an authorizer asks for."""
        answer = httpx.get(self.url + path, headers={**self.headers, **headers}, timeout=TIMEOUT)
        return answer.status_code, _document(answer.content)

    def _headers(self, key: str | None) -> dict[str, str]:
        bearer = {} if key is None else {"Authorization": f"Bearer {key}"}
        return {**self.headers, "Content-Type": "application/json", **bearer}

    def within(self, seconds: float, ask: Callable[[], Found | None], otherwise: str) -> Found:
        """The first result that is something. NotProven after so many seconds, times `patience`."""
        limit = seconds * self.patience
        end = time.monotonic() + limit
        while time.monotonic() < end:
            found = ask()
            if found:
                return found
            time.sleep(PAUSE_SECONDS)
        raise NotProven(f"{otherwise}, within {limit:.0f} s")

    def invoke(self, output: str, payload: object) -> Any:  # noqa: ANN401 - whatever the function returns
        """The result of a function. NotProven if it failed."""
        done = self.aws("lambda").invoke(FunctionName=self.outputs[output], Payload=json.dumps(payload).encode())
        result = json.load(done["Payload"])
        prove("FunctionError" not in done, f"{output} failed: {str(result)[:200]}")
        return result


def _content(body: object) -> bytes | None:
    return body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None


def _document(content: bytes) -> Any:  # noqa: ANN401 - JSON, or a page
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


@cache
def _client(service: Any, region: str | None, endpoint: str | None) -> Any:  # noqa: ANN401 - boto3's
    return boto3.client(service, region_name=region, endpoint_url=endpoint)


@cache
def _http(name: str, region: str | None, endpoint: str | None, token: str | None) -> httpx.Client:
    parameters = _release(name, region, endpoint).parameters
    auth = authorizer_of(parameters, token, region or _stack_region(name, region, endpoint))
    _OPEN.append(httpx.Client(auth=auth, timeout=TIMEOUT))
    return _OPEN[-1]


def _stack_region(name: str, region: str | None, endpoint: str | None) -> str:
    return str(_stack(name, region, endpoint)["StackId"]).split(":")[3]


@cache
def _stack(name: str, region: str | None, endpoint: str | None) -> Any:  # noqa: ANN401 - boto3's answer
    client = _client("cloudformation", region, endpoint)
    return client.describe_stacks(StackName=name)["Stacks"][0]


def _outputs(name: str, region: str | None, endpoint: str | None) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in _stack(name, region, endpoint)["Outputs"]}


@cache
def _release(name: str, region: str | None, endpoint: str | None) -> Release:
    given = _stack(name, region, endpoint).get("Parameters", [])
    return Release({each["ParameterKey"]: each["ParameterValue"] for each in given})


@cache
def _resources(name: str, region: str | None, endpoint: str | None) -> dict[str, tuple[str, str]]:
    client = _client("cloudformation", region, endpoint)
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    every = [each for page in pages for each in page["StackResourceSummaries"]]
    found = {each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in every}
    for nested in [physical for kind, physical in found.values() if kind == NESTED]:
        found |= _resources(nested, region, endpoint)
    return found


def forget() -> None:
    """Forget what was read of a stack, which may have changed since, and close its connections."""
    for http in _OPEN:
        http.close()
    _OPEN.clear()
    for known in (_stack, _release, _resources, _http):
        known.cache_clear()


def prove(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - what is to be true
    """Go on if it holds. NotProven."""
    if not holds:
        raise NotProven(otherwise)
