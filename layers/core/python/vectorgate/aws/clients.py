"""The clients of objects, queues and buses, with one configuration: what ingestion and exports reach AWS by."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from vectorgate.aws.client import aws_client

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 10
ATTEMPTS: Final = 3


class AwsClients:
    """A client for each service, made by `opened` or at its first use. `read_s`: seconds, between two chunks."""

    def __init__(
        self, *, region: str | None = None, endpoint_url: str | None = None, read_s: float = READ_TIMEOUT_S
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._read_s = read_s

    @cached_property
    def s3(self) -> S3Client:
        """The client of S3."""
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        """The client of SQS."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def events(self) -> Any:  # noqa: ANN401 - EventBridge's; its stubs are not installed
        """The client of EventBridge."""
        return self._client("events")

    def opened(self, *services: str) -> Self:
        """Make the clients of these services (`s3`, `sqs`, `events`) now, and not for the first message."""
        for service in services:
            getattr(self, service)
        return self

    def _client(self, service: str) -> Any:  # noqa: ANN401 - the service's
        return aws_client(
            service,
            region=self._region,
            endpoint_url=self._endpoint_url,
            connect_s=CONNECT_TIMEOUT_S,
            read_s=self._read_s,
            attempts=ATTEMPTS,
        )
