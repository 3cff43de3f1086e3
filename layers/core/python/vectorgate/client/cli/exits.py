"""The exit codes, and the one that each error has."""

from __future__ import annotations

from typing import Final

from vectorgate.client.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    SettingsError,
    VectorGateError,
)

OK: Final = 0
FAILED: Final = 1  # refused by the gateway, or a check failed
USAGE: Final = 2  # arguments or settings; nothing was sent
UNREACHABLE: Final = 3
NOT_AUTHORISED: Final = 4
NOT_FOUND: Final = 5
INTERRUPTED: Final = 130  # as shells report Ctrl-C

MEANINGS: Final = f"""\
Exit status:
  {OK}    done
  {FAILED}    the gateway refused it, or a check failed
  {USAGE}    arguments or settings; nothing was sent
  {UNREACHABLE}    no answer: the gateway, or AWS, cannot be reached
  {NOT_AUTHORISED}    the key, or the AWS credentials, may not do it
  {NOT_FOUND}    no such key, team, end user, store or stack
  {INTERRUPTED}  interrupted"""


BEFORE: Final = "by what stands before the gateway: see --stack, --authorizer and --token"


class Failure(Exception):
    """An outcome that is not an answer of the gateway. `code`: the exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class OutputClosed(Exception):
    """Standard output was closed by its reader (`| head`), which has read enough."""


def code_of(error: VectorGateError | Failure) -> int:
    """The exit code of an error."""
    if isinstance(error, Failure):
        return error.code
    if isinstance(error, SettingsError):
        return USAGE
    if isinstance(error, APIConnectionError):
        return UNREACHABLE
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return NOT_AUTHORISED
    return NOT_FOUND if isinstance(error, NotFoundError) else FAILED


def _is_of_the_authorizer(error: VectorGateError | Failure) -> bool:
    """The gateway's own errors have a type, as OpenAI's do; API Gateway's have none."""
    return isinstance(error, AuthenticationError | PermissionDeniedError) and error.type is None


def reason_of(error: VectorGateError | Failure) -> str:
    """What the gateway says, without the status that the exit code stands for."""
    body = error.body if isinstance(error, APIError) else None
    message = body.get("message") if isinstance(body, dict) else None
    if isinstance(message, str) and message:
        return f"{message} ({BEFORE})" if _is_of_the_authorizer(error) else message
    if isinstance(error, APIConnectionError):
        return f"{error.request.url.partition('?')[0]}: {error.__cause__ or error}"
    return str(error)
