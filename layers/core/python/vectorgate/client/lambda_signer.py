"""AWS's signatures, version 4, and the endpoint of Lambda. The only module of the SDK that imports boto3.

A request to Lambda is sent as any other (`sender.py`), so that both forms of a call and its `timeout` work as they do
for other destinations.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

API_HOST: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")


class LambdaSigner:
    """Credentials, region and endpoint as boto3 finds them (environment, profile, role; `AWS_ENDPOINT_URL`).

    SettingsError where boto3 is not installed, or finds no region or endpoint.
    """

    @property
    def endpoint(self) -> str:
        """The base URL of Lambda's API."""
        return str(self._client.meta.endpoint_url).rstrip("/")

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers with AWS's signature."""
        region = self._client.meta.region_name
        credentials = _credentials(self._session, "VECTORGATE_FUNCTION is set")
        return _signature(credentials, ("lambda", region), (method, url, content), headers)

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - boto3's own type would have to be imported
        return _session("VECTORGATE_FUNCTION", None)

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - see _session
        session = self._session  # first: its error says what to install
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - see _session

        try:
            return session.client("lambda")
        except BotoCoreError as error:
            raise SettingsError(f"VECTORGATE_FUNCTION cannot be reached: {error}") from error


class ApiSigner:
    """Signs calls of API Gateway, with credentials as boto3 finds them.

    `region`: None for the one in API Gateway's own host names, or else the one that boto3 finds. SettingsError where
    boto3 is not installed, or finds no credentials.
    """

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._session = _session("Authorizer=AWS_IAM", region)
        _credentials(self._session, "the API asks for AWS's signature")

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers with AWS's signature. SettingsError without a region, or where credentials cannot be renewed."""
        credentials = _credentials(self._session, "the API asks for AWS's signature")
        return _signature(credentials, ("execute-api", self._region_of(url)), (method, url, content), headers)

    def _region_of(self, url: str) -> str:
        named = API_HOST.search(urlsplit(url).hostname or "")
        region = self._region or (named[1] if named else self._session.region_name)
        if region is None:
            raise SettingsError("the API asks for AWS's signature: name its region")
        return str(region)


def _session(asked_by: str, region: str | None) -> Any:  # noqa: ANN401 - boto3's own type would have to be imported
    try:
        import boto3  # noqa: PLC0415 - 270 ms that other destinations do not pay
    except ImportError as error:
        raise SettingsError(f"{asked_by} needs boto3: pip install boto3 (or vectorgate[lambda])") from error
    return boto3.Session(region_name=region)


def _credentials(session: Any, asked: str) -> Any:  # noqa: ANN401 - see _session
    credentials = session.get_credentials()
    if credentials is None:
        raise SettingsError(f"{asked}, but no AWS credentials were found")
    return credentials.get_frozen_credentials()


def _signature(
    credentials: Any,  # noqa: ANN401 - see _session
    place: tuple[str, str],
    request: tuple[str, str, bytes],
    headers: Mapping[str, str],
) -> dict[str, str]:
    """The headers with a signature. `place`: service and region; `request`: method, URL and content."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - see the module
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - the same

    method, url, content = request
    made: Any = AWSRequest(method=method, url=url, headers=dict(headers), data=content)
    SigV4Auth(credentials, *place).add_auth(made)
    return {name.lower(): str(value) for name, value in made.headers.items()}
