"""The endpoint and the signature of a request to Lambda. The only module of the SDK that imports boto3.

The request itself is sent as any other (`sender.py`), so that both forms of a call and its `timeout` work as they do
for other destinations.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


class LambdaSigner:
    """Credentials, region and endpoint as boto3 finds them (environment, profile, role; `AWS_ENDPOINT_URL`).

    SettingsError where boto3 is not installed, or finds no region or endpoint.
    """

    @property
    def endpoint(self) -> str:
        """The base URL of Lambda's API."""
        return str(self._client.meta.endpoint_url).rstrip("/")

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers with AWS's signature, version 4."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise SettingsError("VECTORGATE_FUNCTION is set, but no AWS credentials were found")
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - see the module
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - the same

        request: Any = AWSRequest(method=method, url=url, headers=dict(headers), data=content)
        region = self._client.meta.region_name
        SigV4Auth(credentials.get_frozen_credentials(), "lambda", region).add_auth(request)
        return {name.lower(): str(value) for name, value in request.headers.items()}

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - boto3's own type would have to be imported
        try:
            import boto3  # noqa: PLC0415 - 270 ms that other destinations do not pay
        except ImportError as error:
            raise SettingsError("VECTORGATE_FUNCTION needs boto3: pip install boto3 (or vectorgate[lambda])") from error
        return boto3.Session()

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - see _session
        session = self._session  # first: its error says what to install
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - see _session

        try:
            return session.client("lambda")
        except BotoCoreError as error:
            raise SettingsError(f"VECTORGATE_FUNCTION cannot be reached: {error}") from error
