"""AWS's signature, version 4, of a request to the local Invoke API: verified as AWS verifies it.

::

    canonical request    method, path, query, the signed headers, SHA-256 of the body
    string to sign       algorithm, time, scope (date/region/lambda/aws4_request), SHA-256 of the canonical request
    key                  HMAC chain over the secret access key and the scope's parts

The names of the errors are Lambda's. Any region is accepted, for this machine is in none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "lambda"
SKEW_SECONDS: Final = 300
_TIME: Final = re.compile(r"\d{8}T\d{6}Z")
_TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_SCOPE_PARTS: Final = 5  # access key, date, region, service, terminator
_UNENCODED: Final = "-_.~"


class AwsError(Exception):
    """An error in the shape that AWS gives it."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request as it was sent: `path` and `query` as on the request line, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Authorization:
    access_key: str
    scope: tuple[str, str, str, str]
    signed: tuple[str, ...]
    signature: str


def verify(request: SignedRequest, secrets: Mapping[str, str], unix_s: float) -> None:
    """Return if the request is signed by one of the access keys, within five minutes of now. AwsError (403)."""
    authorization = _parsed(request.headers.get("authorization", ""))
    secret = secrets.get(authorization.access_key)
    if secret is None or "x-amz-security-token" in request.headers:
        raise _refused("UnrecognizedClientException", "The security token included in the request is invalid.")
    time = _checked_time(request.headers.get("x-amz-date", ""), authorization.scope, unix_s)
    canonical = _canonical(request, authorization.signed).encode()
    text = "\n".join((ALGORITHM, time, "/".join(authorization.scope), hashlib.sha256(canonical).hexdigest()))
    expected = hmac.new(_signing_key(secret, authorization.scope), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), authorization.signature.encode()):
        raise _mismatch()


def _parsed(header: str) -> _Authorization:
    if not header.startswith("AWS4-"):
        raise _refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    algorithm, _, rest = header.partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = tuple(fields.get("Credential", "").split("/"))
    signed = tuple(fields.get("SignedHeaders", "").split(";"))
    if algorithm != ALGORITHM or len(scope) != _SCOPE_PARTS or not fields.get("Signature"):
        raise _refused(
            "IncompleteSignatureException",
            f"Authorization header requires {ALGORITHM} with 'Credential', 'SignedHeaders' and 'Signature' parameters.",
        )
    access_key, date, region, service, terminator = scope
    if (service, terminator) != (SERVICE, "aws4_request"):
        raise _refused("InvalidSignatureException", f"Credential should be scoped to correct service: '{SERVICE}'.")
    if "host" not in signed or "x-amz-date" not in signed:
        raise _refused("InvalidSignatureException", "'Host' and 'X-Amz-Date' must be signed headers.")
    return _Authorization(access_key, (date, region, service, terminator), signed, fields["Signature"])


def _checked_time(time: str, scope: tuple[str, ...], unix_s: float) -> str:
    if _TIME.fullmatch(time) is None or not time.startswith(scope[0]):
        raise _refused("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from X-Amz-Date.")
    try:
        signed_at = datetime.strptime(time, _TIME_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _mismatch() from None
    if abs(unix_s - signed_at) > SKEW_SECONDS:
        now = datetime.fromtimestamp(unix_s, UTC).strftime(_TIME_FORMAT)
        problem = "expired" if signed_at < unix_s else "not yet current"
        raise _refused("InvalidSignatureException", f"Signature {problem}: {time}, and now is {now} (5 min. allowed).")
    return time


def _canonical(request: SignedRequest, signed: tuple[str, ...]) -> str:
    """The canonical request. A header that is said to be signed but is absent counts as empty, so that nothing fits."""
    content_hash = hashlib.sha256(request.content).hexdigest()
    if request.headers.get("x-amz-content-sha256", content_hash) != content_hash:
        raise _mismatch()
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed)
    return "\n".join(
        (request.method, quote(request.path, safe="/~"), _query(request.query), headers, ";".join(signed), content_hash)
    )


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe=_UNENCODED), quote(value, safe=_UNENCODED)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _signing_key(secret: str, scope: tuple[str, ...]) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _refused(kind: str, message: str) -> AwsError:
    return AwsError(HTTPStatus.FORBIDDEN, kind, message)


def _mismatch() -> AwsError:
    return _refused(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    )
