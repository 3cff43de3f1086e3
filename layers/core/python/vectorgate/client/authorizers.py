"""What API Gateway asks of a caller before the virtual key (the stack's parameter `Authorizer`), as httpx's `auth`.

Of a request, AWS's signature covers the method, the URL, the content and two headers: what a proxy adds does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    Prepare = Callable[[httpx.Request], httpx.Request]

AUTHORIZER: Final = "VECTORGATE_AUTHORIZER"
TOKEN: Final = "VECTORGATE_TOKEN"  # noqa: S105 - the name of a setting
TOKEN_HEADER: Final = "VECTORGATE_TOKEN_HEADER"  # noqa: S105 - the same
KINDS: Final = ("NONE", "JWT", "AWS_IAM")  # the values of the stack's parameter
SIGNED: Final = ("host", "content-type")
DEFAULT_HEADER: Final = "X-Identity-Token"


class Signer(Protocol):
    """Signs a request with the caller's AWS credentials."""

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers with AWS's signature."""
        ...


class IdentityToken:
    """`auth` for `Authorizer=JWT`: the issuer's token, in the header of the stack's `JwtHeader`."""

    def __init__(self, token: str, header: str = DEFAULT_HEADER) -> None:
        self._token = token
        self._header = header

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """The request with the token."""
        request.headers[self._header] = self._token
        return request


class AwsSignature:
    """`auth` for `Authorizer=AWS_IAM`: signs with credentials as boto3 finds them, and sends the key in `api-key`.

    `region`: None for the one that the API's host name has, or boto3 finds. SettingsError where there is none, no
    credentials, or no boto3.
    """

    def __init__(self, region: str | None = None) -> None:
        from vectorgate.client.lambda_signer import ApiSigner  # noqa: PLC0415 - it knows boto3

        self._signer: Signer = ApiSigner(region)

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """The request with a signature in `Authorization`, out of which the virtual key goes to `api-key`."""
        key = request.headers.pop("authorization", "").removeprefix("Bearer ")
        if key:
            request.headers["api-key"] = key
        query = request.url.query.replace(b"+", b"%20")  # as the signature has a blank
        request.url = request.url.copy_with(query=query or None)
        covered = {name: request.headers[name] for name in SIGNED if name in request.headers}
        request.headers.update(self._signer.signed(request.method, str(request.url), covered, request.read()))
        return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a caller says of the authorizer. None for what is not named: a token alone means `JWT`."""

    authorizer: str | None = None
    token: str | None = field(default=None, repr=False)
    header: str | None = None
    region: str | None = None

    def auth(self) -> Prepare | None:
        """What to add to each call. SettingsError for what is needed and missing, and an unknown authorizer."""
        named = self.authorizer or ("JWT" if self.token else "NONE")
        if named not in KINDS:
            raise SettingsError(f"the authorizer is {', '.join(KINDS[:-1])} or {KINDS[-1]}, not {named!r}")
        parameters = {"Authorizer": named, "JwtHeader": self.header or DEFAULT_HEADER}
        return authorizer_of(parameters, self.token, self.region)


def authorizer_of(parameters: Mapping[str, str], token: str | None, region: str | None) -> Prepare | None:
    """What a stack with these parameters asks for; None for nothing. SettingsError where that is not there."""
    match parameters.get("Authorizer"):
        case "AWS_IAM":
            return AwsSignature(region)
        case "JWT" if token:
            return IdentityToken(token, parameters.get("JwtHeader", DEFAULT_HEADER))
        case "JWT":
            issuer = parameters.get("JwtIssuer", "its issuer")
            raise SettingsError(f"the API asks for a token of {issuer}: name one with --token or {TOKEN}")
    return None
