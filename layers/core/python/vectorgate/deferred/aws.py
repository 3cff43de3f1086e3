"""Clients of AWS's services: botocore's, because importing boto3 around it takes a cold start another 45 ms."""

from __future__ import annotations

from functools import cache
from typing import Any


def aws_client(
    service: str, *, region: str | None, endpoint_url: str | None, connect_s: float, read_s: float, attempts: int
) -> Any:  # noqa: ANN401 - each service's has another type
    """Import botocore, and make a client with these timeouts and attempts. Without a region, the environment's."""
    from botocore.config import Config  # noqa: PLC0415 - not part of the import of our modules

    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=connect_s, read_timeout=read_s, retries=retries)
    return _session().create_client(service, region_name=region, endpoint_url=endpoint_url, config=config)


@cache
def _session() -> Any:  # noqa: ANN401 - botocore has no types
    """One session, as boto3 has: what it reads of the environment and of botocore's data is for all clients."""
    import botocore.session  # noqa: PLC0415 - the same

    return botocore.session.get_session()
