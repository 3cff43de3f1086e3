"""Signatures of the local Invoke API: what botocore signs is verified, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from local.signature import SKEW_SECONDS, AwsError, SignedRequest, verify

SECRETS = {"VGONE": "first secret", "VGTWO": "second/secret+"}
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HOST = "http://127.0.0.1:4000"
SCHEME = "AWS4-HMAC-SHA256"
PATH = "/2015-03-31/functions/vectorgate-invoke/invocations"
NAME = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


def signed(
    *,
    path: str = PATH,
    query: str = "",
    headers: dict[str, str] | None = None,
    content: bytes = b"{}",
    access_key: str = "VGONE",
    service: str = "lambda",
    token: str | None = None,
) -> SignedRequest:
    """A request as botocore signs and sends it."""
    url = f"{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest("POST", url, headers or {}, content)
    credentials = Credentials(access_key, SECRETS.get(access_key, "unknown"), token)
    signer = SigV4Auth(credentials, service, "eu-central-1")
    signer.add_auth(request)
    sent = {name.lower(): str(value) for name, value in request.headers.items()}
    return SignedRequest(
        method="POST", path=path, query=query, headers={"host": "127.0.0.1:4000", **sent}, content=content
    )


def verified(request: SignedRequest, at: float | None = None) -> None:
    """Verify it at the time of its signature, or at another."""
    time = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    verify(request, SECRETS, time if at is None else time + at)


@given(
    content=st.binary(max_size=50),
    headers=st.dictionaries(NAME.map("x-amz-meta-{}".format), TEXT, max_size=3),
    query=st.dictionaries(NAME, NAME, max_size=3).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs.items())),
    function=st.sampled_from(
        ["vectorgate-invoke", "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "~f"]
    ),
)
@settings(max_examples=60)
def test_what_botocore_signs_is_verified(content: bytes, headers: dict[str, str], query: str, function: str) -> None:
    verified(
        signed(path=f"/2015-03-31/functions/{function}/invocations", query=query, headers=headers, content=content)
    )
    verified(signed(content=content, access_key="VGTWO"))


def test_nothing_that_was_signed_can_be_changed() -> None:
    request = signed(headers={"x-amz-invocation-type": "DryRun"}, query="Qualifier=1", content=b'{"tenant":"a"}')
    verified(request)
    other = dict(request.headers)
    changed = [
        replace(request, method="PUT"),
        replace(request, path=PATH.replace("invoke", "other")),
        replace(request, query="Qualifier=2"),
        replace(request, query=""),
        replace(request, content=b'{"tenant":"b"}'),
        *(replace(request, headers={**other, name: "x"}) for name in ("host", "x-amz-invocation-type")),
        replace(request, headers={name: text for name, text in other.items() if name != "x-amz-invocation-type"}),
        replace(
            request, headers={**other, "authorization": other["authorization"].replace("eu-central-1", "us-east-1")}
        ),
        replace(request, headers={**other, "authorization": other["authorization"].replace("VGONE", "VGTWO")}),
        replace(request, headers={**other, "authorization": other["authorization"][:-1] + "g"}),
        replace(request, headers={**other, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}),
    ]
    for each in changed:
        with pytest.raises(AwsError) as refused:
            verified(each)
        assert (refused.value.status, refused.value.kind) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (signed(access_key="VGNONE"), "UnrecognizedClientException"),
        (signed(token="t"), "UnrecognizedClientException"),
        (signed(service="s3"), "InvalidSignatureException"),
        (replace(signed(), headers={"x-amz-date": "20261122T100000Z"}), "MissingAuthenticationTokenException"),
    ],
)
def test_other_credentials_are_refused(request_: SignedRequest, kind: str) -> None:
    with pytest.raises(AwsError) as refused:
        verified(request_)
    assert (refused.value.status, refused.value.kind) == (403, kind)


@pytest.mark.parametrize(
    ("authorization", "kind"),
    [
        ("", "MissingAuthenticationTokenException"),
        ("Bearer sk-1234", "MissingAuthenticationTokenException"),
        ("AWS4-HMAC-SHA256 ...", "IncompleteSignatureException"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a/b/c/lambda/aws4_request, Signature=s", "IncompleteSignatureException"),
        (
            f"{SCHEME} Credential=VGONE/20261122/r/lambda/aws4_request, SignedHeaders=host, Signature=s",
            "InvalidSignatureException",
        ),
        (
            f"{SCHEME} Credential=VGONE/20261121/r/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=s",
            "InvalidSignatureException",
        ),
    ],
)
def test_what_is_no_signature_is_named(authorization: str, kind: str) -> None:
    headers = {"authorization": authorization, "x-amz-date": "20261122T100000Z", "host": "h"}
    request = SignedRequest(method="POST", path=PATH, query="", headers=headers, content=b"")
    with pytest.raises(AwsError) as refused:
        verify(request, SECRETS, NOW.timestamp())
    assert refused.value.kind == kind


@pytest.mark.parametrize("seconds", [SKEW_SECONDS + 1, -SKEW_SECONDS - 1])
def test_a_signature_of_another_time_is_refused(seconds: int) -> None:
    verified(signed(), at=seconds - (1 if seconds > 0 else -1))
    with pytest.raises(AwsError, match=r"Signature (expired|not yet current)"):
        verified(signed(), at=seconds)
