"""Local mode as a process that trusts its invokers, and boto3 pointed at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.harnesses.local_process import access_key_of
from tests.helpers.processes import run_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Local mode's data folder."""
    return tmp_path_factory.mktemp("local")


@pytest.fixture(scope="session")
def base_url(home: Path) -> Iterator[str]:
    """The base URL of local mode."""
    settings = {"PORT": "0", "VECTORGATE_HOME": str(home), "VECTORGATE_TRUST_INVOKER": "1"}
    with run_module("local", settings) as ready:
        host = ready.partition("http://")[2].partition(" ")[0]
        assert host, "local mode did not start"
        yield f"http://{host}"


@pytest.fixture(scope="session")
def credentials(base_url: str, home: Path) -> tuple[str, str]:
    """The access key that local mode made: its id and its secret."""
    assert base_url
    return access_key_of(home)


@pytest.fixture(scope="session")
def lambda_client(base_url: str, credentials: tuple[str, str]) -> Iterator[Any]:
    """boto3's client of Lambda, as a user has it but for `endpoint_url`."""
    client = boto3.client(
        "lambda",
        endpoint_url=base_url,
        region_name="us-east-1",
        aws_access_key_id=credentials[0],
        aws_secret_access_key=credentials[1],
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    yield client
    client.close()


@pytest.fixture
def invoke(lambda_client: Any) -> Callable[..., Any]:
    """A function that invokes the function with a payload, and returns its result."""

    def invoked(payload: object = None, /, **fields: object) -> Any:
        document = fields if payload is None else payload
        answer = lambda_client.invoke(FunctionName="vectorgate-invoke", Payload=json.dumps(document))
        assert answer["StatusCode"] == 200
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    return invoked
