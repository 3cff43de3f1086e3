"""The one-machine edition as a process that trusts its invokers, and boto3 pointed at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.benchmarks.measure import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-1234"


@pytest.fixture(scope="session")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL."""
    home = tmp_path_factory.mktemp("edition")
    settings = {"PORT": "0", "VECTORGATE_HOME": str(home), "VECTORGATE_TRUST_INVOKER": "1"}
    with process("local", settings) as ready:
        host = ready.partition("http://")[2].partition(" ")[0]
        assert host, "the edition did not start"
        yield f"http://{host}"


@pytest.fixture(scope="session")
def lambda_client(edition: str) -> Iterator[Any]:
    """As a user has it, but for `endpoint_url`."""
    client = boto3.client(
        "lambda",
        endpoint_url=edition,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    yield client
    client.close()


@pytest.fixture
def invoke(lambda_client: Any) -> Callable[..., Any]:
    """A payload in, the function's result out."""

    def invoked(payload: object = None, /, **fields: object) -> Any:
        said = fields if payload is None else payload
        answer = lambda_client.invoke(FunctionName="vectorgate-invoke", Payload=json.dumps(said))
        assert answer["StatusCode"] == 200
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    return invoked
