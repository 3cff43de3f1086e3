"""boto3's clients, with timeouts and attempts of our own. boto3 is imported when the first one is made."""

from __future__ import annotations

from typing import Any


def aws_client(
    service: Any,  # noqa: ANN401 - boto3's literal of a service
    *,
    region: str | None,
    endpoint_url: str | None,
    connect_s: float,
    read_s: float,
    attempts: int,
) -> Any:  # noqa: ANN401 - each service's has another type
    """Make the client of `service`. Without a region, boto3's default. BotoCoreError without any."""
    import boto3  # noqa: PLC0415 - 250 ms, which the import of our modules does not cost
    from botocore.config import Config  # noqa: PLC0415 - the same

    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=connect_s, read_timeout=read_s, retries=retries)
    return boto3.client(service, region_name=region, endpoint_url=endpoint_url, config=config)
