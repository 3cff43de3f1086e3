"""The clients of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto import mock_aws

from vectorgate.aws.client import aws_client
from vectorgate.version import __version__

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest


def test_a_call_says_that_it_is_the_gateways() -> None:
    with mock_aws():
        client: Any = aws_client("sqs", region="eu-central-1", endpoint_url=None, connect_s=1, read_s=1, attempts=1)
        said: list[Any] = []

        def note(request: AWSPreparedRequest, **_: object) -> None:
            said.append(request.headers["User-Agent"])

        client.meta.events.register_first("before-send.sqs", note)
        client.list_queues()
        assert [agent.split()[0] for agent in said] == [f"vectorgate/{__version__}".encode()]
