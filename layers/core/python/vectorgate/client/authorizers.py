"""What API Gateway asks of a caller before the virtual key (the stack's parameter `Authorizer`), as httpx's `auth`.

Of a request, AWS's signature covers the method, the URL, the content and two headers: what a proxy adds does no harm.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    Prepare = Callable[[httpx.Request], httpx.Request]

TOKEN: Final = "VECTORGATE_TOKEN"  # noqa: S105 - the name of a setting
SIGNED: Final = ("host", "content-type")
DEFAULT_HEADER: Final = "X-Identity-Token"


class Signer(Protocol):
    """Signs a request with the caller's AWS credentials."""

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers with AWS's signature."""
        ...


def authorizer_of(parameters: Mapping[str, str], token: str | None, signer: Callable[[], Signer]) -> Prepare | None:
    """What a stack with these parameters asks for; None for nothing. SettingsError where there is no token."""
    match parameters.get("Authorizer"):
        case "AWS_IAM":
            return partial(_signed, signer())
        case "JWT" if token:
            return partial(_with_token, parameters.get("JwtHeader", DEFAULT_HEADER), token)
        case "JWT":
            issuer = parameters.get("JwtIssuer", "its issuer")
            raise SettingsError(f"the API asks for a token of {issuer}: name one with --token or {TOKEN}")
    return None


def _with_token(header: str, token: str, request: httpx.Request) -> httpx.Request:
    request.headers[header] = token
    return request


def _signed(signer: Signer, request: httpx.Request) -> httpx.Request:
    """The request with a signature in `Authorization`, out of which the virtual key goes to `api-key`."""
    key = request.headers.pop("authorization", "").removeprefix("Bearer ")
    if key:
        request.headers["api-key"] = key
    query = request.url.query.replace(b"+", b"%20")  # as the signature has a blank
    request.url = request.url.copy_with(query=query or None)
    covered = {name: request.headers[name] for name in SIGNED if name in request.headers}
    request.headers.update(signer.signed(request.method, str(request.url), covered, request.read()))
    return request
