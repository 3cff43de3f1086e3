"""boto3's clients, with timeouts and attempts of our own, and settings that are too long for a function's environment.

boto3 is imported when the first client is made.
"""

from __future__ import annotations

from typing import Any, Final

from vectorgate.version import __version__

MAX_BYTES: Final = 1024 * 1024  # of an object with settings: a price list of some thousand entries


def aws_client(
    service: Any,  # noqa: ANN401 - boto3's literal of a service
    *,
    region: str | None,
    endpoint_url: str | None,
    connect_s: float,
    read_s: float,
    attempts: int,
) -> Any:  # noqa: ANN401 - each service's has another type
    """Make the client of `service`. Without a region, boto3's default. BotoCoreError without any.

    Its User-Agent is one text, which CloudTrail shows: botocore puts its own together anew for each call, in a quarter
    of the call's processor time.
    """
    import boto3  # noqa: PLC0415 - 250 ms, which the import of our modules does not cost
    from botocore.config import Config  # noqa: PLC0415 - the same

    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    agent = f"vectorgate/{__version__}"  # botocore adds its own version
    config = Config(connect_timeout=connect_s, read_timeout=read_s, retries=retries, user_agent=agent)
    return boto3.client(service, region_name=region, endpoint_url=endpoint_url, config=config)


def stored_text(url: str) -> str:
    """The text of the object `s3://bucket/key`. ValueError for one that is too large or is not UTF-8.

    ClientError or BotoCoreError for one that cannot be read: the start must fail. Region and endpoint are boto3's.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    client = aws_client("s3", region=None, endpoint_url=None, connect_s=1, read_s=3, attempts=3)
    found = client.get_object(Bucket=bucket, Key=key)
    if found["ContentLength"] > MAX_BYTES:
        raise ValueError(f"{url} has more than {MAX_BYTES} bytes")
    content: bytes = found["Body"].read()
    return content.decode("utf-8")
