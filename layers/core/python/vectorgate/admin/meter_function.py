"""Reads of providers, and deletions, by the meter function: the admin function has no provider's key.

::

    admin  {"read": {"provider", "operation", "ids", "query"}}  -->  meter  -->  provider
           {"document": ...}  or  {"error": {"status", ...}}    <--
           {"delete": {"provider", "vector_store_id", "tenant", "alias"}}  -->  meter  -->  the gateway's pipeline
           {"bill": {"first_day", "last_day"}}  -->  meter  -->  the provider's reports, and our rollups

boto3 is imported, and a client made and kept, at the first read.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from vectorgate.api.errors import ApiError, InvalidRequest, NotFound, Unavailable, UpstreamRefused
from vectorgate.aws.client import aws_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.providers.reader import Document
    from vectorgate.settings import Settings

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 12  # a read of a provider takes at most 10
BILL_TIMEOUT_S: Final = 24  # its reports take at most 20, and the administrator is answered within 30
_NONE: Final[Mapping[str, str]] = {}
_OURS: Final = 400  # the status of a read that the meter function does not even try
_ABSENT: Final = 404  # of one that it is not configured for


class MeterFunction:
    """ProviderDocuments by Lambda's Invoke. Unavailable where there is no such function, or it cannot be reached."""

    def __init__(self, name: str | None, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._name = name
        self._region = region
        self._endpoint_url = endpoint_url

    @classmethod
    def of(cls, settings: Settings) -> MeterFunction:
        """The deployment's."""
        return cls(settings.meter_function, region=settings.region, endpoint_url=settings.endpoint_url)

    def get(
        self,
        provider: ProviderName,
        operation: str,
        *,
        ids: Mapping[str, str] = _NONE,
        query: Mapping[str, str] = _NONE,
    ) -> Document:
        """One invocation. The provider's refusals are UpstreamRefused, all other failures Unavailable."""
        read = {"provider": provider, "operation": operation, "ids": dict(ids), "query": dict(query)}
        return _document(self._invoke({"read": read}))

    def bill(self, first_day: int, last_day: int) -> Document:
        """One invocation, which reads three reports."""
        return _document(self._invoke({"bill": {"first_day": first_day, "last_day": last_day}}, seconds=BILL_TIMEOUT_S))

    def delete_store(self, provider: ProviderName, store_id: ObjectId, tenant: TenantId, alias: str) -> None:
        """One invocation. What the pipeline refuses keeps its status."""
        deletion = {"provider": provider, "vector_store_id": store_id, "tenant": tenant, "alias": alias}
        answer = self._invoke({"delete": deletion})
        error = answer.get("error")
        if isinstance(error, dict):
            raise _raised({**error, "refused": True})
        if answer.get("deleted") != store_id:
            raise _unavailable("its answer is not one of vectorgate's")

    def _invoke(self, payload: Mapping[str, object], *, seconds: int = READ_TIMEOUT_S) -> Mapping[str, object]:
        if self._name is None:
            raise _unavailable("it is not configured")
        try:
            return invocation(self._name, payload, self._region, self._endpoint_url, seconds=seconds)
        except InvocationFailed as failure:
            raise _unavailable(str(failure)) from failure


class InvocationFailed(Exception):
    """A function was not invoked, or failed."""


def invocation(
    name: str,
    payload: Mapping[str, object],
    region: str | None,
    endpoint_url: str | None,
    *,
    seconds: int = READ_TIMEOUT_S,
) -> Mapping[str, object]:
    """What a function of the deployment answers within so many seconds. InvocationFailed."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see the module

    client = _client(region, endpoint_url, seconds)
    try:
        result = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        answer = json.loads(result["Payload"].read())
    except (BotoCoreError, ClientError, ValueError) as error:
        raise InvocationFailed(type(error).__name__) from error
    if "FunctionError" in result or not isinstance(answer, dict):
        raise InvocationFailed("it failed")
    return answer


@cache
def _client(region: str | None, endpoint_url: str | None, read_s: int) -> Any:  # noqa: ANN401 - its stubs are not installed
    attempts = 2 if read_s == READ_TIMEOUT_S else 1
    return aws_client(
        "lambda",
        region=region,
        endpoint_url=endpoint_url,
        connect_s=CONNECT_TIMEOUT_S,
        read_s=read_s,
        attempts=attempts,
    )


def _document(answer: Mapping[str, object]) -> Document:
    error, document = answer.get("error"), answer.get("document")
    if isinstance(error, dict):
        raise _raised(error)
    if not isinstance(document, dict):
        raise _unavailable("its answer is not one of vectorgate's")
    return document


def _raised(error: Mapping[str, Any]) -> ApiError:
    message, code, param = str(error.get("message")), error.get("code"), error.get("param")
    status = error.get("status")
    if error.get("refused") is True and isinstance(status, int):
        return UpstreamRefused(message, status=status, type=str(error.get("type")), code=code, param=param)
    if status == _ABSENT:
        return NotFound(message, code=code, param=param)
    if status == _OURS:
        return InvalidRequest(message, code=code, param=param)
    return Unavailable(message, code=code)


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"The provider cannot be read through the meter function: {why}.", code="provider_unavailable")
