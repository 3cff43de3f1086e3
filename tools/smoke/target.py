"""The stack that is tried: its outputs, its API, and the AWS services around it."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
from openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")
PAUSE_SECONDS: Final = 0.5


class NotProven(Exception):
    """A check did not find what it looked for."""


@dataclass(frozen=True)
class Target:
    """A deployed stack. `endpoint`: of an emulator, which serves AWS and the stack's API; None for AWS itself.

    `run`: in the names of whatever a run makes. `undo`: what removes it, in the order in which it was made.
    """

    name: str
    region: str | None
    endpoint: str | None
    run: str
    undo: list[Callable[[], object]] = field(default_factory=list)

    def aws(self, service: Any) -> Any:  # noqa: ANN401 - boto3's client of that service
        """A client of AWS, with the caller's own credentials."""
        return boto3.client(service, region_name=self.region, endpoint_url=self.endpoint)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return _outputs(self.name, self.region, self.endpoint)

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

    def client(self, key: str) -> OpenAI:
        """OpenAI's client of the gateway."""
        return OpenAI(api_key=key, base_url=f"{self.url}/v1", default_headers=self.headers, max_retries=2, timeout=60)

    def ask(self, method: str, path: str, key: str | None, body: object = None) -> tuple[int, Any]:
        """Send one request to the API; its status and document."""
        headers = {**self.headers, "Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310 - the stack's URL
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310 - the same
                return response.status, json.load(response)
        except HTTPError as error:
            with closing(error):
                return error.code, json.load(error)

    def invoke(self, output: str, payload: object) -> Any:  # noqa: ANN401 - whatever the function returns
        """The result of a function. NotProven if it failed."""
        done = self.aws("lambda").invoke(FunctionName=self.outputs[output], Payload=json.dumps(payload).encode())
        result = json.load(done["Payload"])
        prove("FunctionError" not in done, f"{output} failed: {str(result)[:200]}")
        return result


@cache
def _outputs(name: str, region: str | None, endpoint: str | None) -> dict[str, str]:
    client = boto3.client("cloudformation", region_name=region, endpoint_url=endpoint)
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def prove(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - what is to be true
    """Go on if it holds. NotProven."""
    if not holds:
        raise NotProven(otherwise)


def within(seconds: float, ask: Callable[[], Found | None], otherwise: str) -> Found:
    """The first result that is something. NotProven after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ask()
        if found:
            return found
        time.sleep(PAUSE_SECONDS)
    raise NotProven(f"{otherwise}, within {seconds:.0f} s")
