"""The clients of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import __version__ as botocore_version
from botocore.awsrequest import AWSResponse

from vectorgate.aws.client import aws_client
from vectorgate.version import __version__

if TYPE_CHECKING:
    import pytest
    from botocore.awsrequest import AWSPreparedRequest


def test_a_call_says_that_it_is_the_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    client = aws_client("sqs", region="eu-central-1", endpoint_url=None, connect_s=1, read_s=1, attempts=1)
    sent: list[bytes] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request.headers["User-Agent"])
        response = AWSResponse(request.url, 200, {}, None)
        response._content = b"{}"
        return response

    client.meta.events.register("before-send.sqs", answer)
    client.list_queues()
    assert sent == [f"vectorgate/{__version__} Botocore/{botocore_version}".encode()]
