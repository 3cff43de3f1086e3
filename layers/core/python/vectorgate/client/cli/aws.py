"""AWS, for the commands that look at a deployment from inside. No other module of these knows botocore."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from vectorgate.client.cli.exits import FAILED, NOT_AUTHORISED, NOT_FOUND, UNREACHABLE, USAGE, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_S: Final = 5.0
READ_S: Final = 20.0
ATTEMPTS: Final = 2
_DENIED: Final = ("AccessDenied", "UnauthorizedOperation", "UnrecognizedClient", "InvalidClientTokenId", "ExpiredToken")
_ABSENT: Final = ("ResourceNotFound", "NonExistentQueue", "QueueDoesNotExist", "NotFound")


class Aws(Protocol):
    """Calls of AWS's API."""

    def call(self, service: str, operation: str, **parameters: object) -> Mapping[str, Any]:
        """The answer. Failure, whose exit code says which kind it is."""
        ...


class Boto3:
    """Credentials as boto3 finds them (environment, profile, role), and the region, unless it is named."""

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._client = cache(self._opened)

    def call(self, service: str, operation: str, **parameters: object) -> Mapping[str, Any]:
        """See `Aws`."""
        client = self._client(service)  # first: its error says what to install
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _opened

        try:
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except ClientError as error:
            raise _refused(error.response["Error"], f"{service}:{operation}") from error
        except BotoCoreError as error:
            raise _unsent(error) from error
        return answer

    def _opened(self, service: str) -> Any:  # noqa: ANN401 - each service's has another type
        from vectorgate.aws.client import aws_client  # noqa: PLC0415 - only these commands need it

        try:
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - boto3 takes 250 ms
        except ModuleNotFoundError as error:
            raise Failure('AWS needs boto3: pip install "vectorgate[cli,lambda]"', USAGE) from error
        limits: dict[str, Any] = {"connect_s": CONNECT_S, "read_s": READ_S, "attempts": ATTEMPTS}
        try:
            return aws_client(service, region=self._region, endpoint_url=None, **limits)
        except BotoCoreError as error:
            raise _unsent(error) from error


def _refused(error: Mapping[str, Any], call: str) -> Failure:
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    if code.startswith(_DENIED):
        return Failure(f"AWS does not allow {call}: {message or code}", NOT_AUTHORISED)
    absent = code.rpartition(".")[2].startswith(_ABSENT) or "does not exist" in message
    return Failure(f"{call}: {message or code}", NOT_FOUND if absent else FAILED)


def _unsent(error: Exception) -> Failure:
    from botocore import exceptions as of  # noqa: PLC0415 - see _opened

    if isinstance(
        error, of.NoCredentialsError | of.PartialCredentialsError | of.CredentialRetrievalError | of.SSOError
    ):
        return Failure(f"no usable AWS credentials: {error}", NOT_AUTHORISED)
    if isinstance(error, of.NoRegionError | of.InvalidRegionError | of.ProfileNotFound):
        return Failure(f"{error} Name the region with --region or AWS_DEFAULT_REGION.", USAGE)
    return Failure(f"AWS cannot be reached: {error}", UNREACHABLE)
