"""Local mode as a process that trusts its invokers, and boto3 pointed at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.helpers.processes import run_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of local mode."""
    home = tmp_path_factory.mktemp("local")
    settings = {"PORT": "0", "VECTORGATE_HOME": str(home), "VECTORGATE_TRUST_INVOKER": "1"}
    with run_module("local", settings) as ready:
        host = ready.partition("http://")[2].partition(" ")[0]
        assert host, "local mode did not start"
        yield f"http://{host}"


@pytest.fixture(scope="session")
def lambda_client(base_url: str) -> Iterator[Any]:
    """boto3's client of Lambda, as a user has it but for `endpoint_url`."""
    client = boto3.client(
        "lambda",
        endpoint_url=base_url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
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
