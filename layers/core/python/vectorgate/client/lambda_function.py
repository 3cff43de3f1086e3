"""A gateway's invoke function as a destination: its payload, and the responses that come back through Lambda's API."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast
from urllib.parse import quote

from vectorgate.client.encoding import JSON, USER_AGENT, encoded
from vectorgate.client.errors import SettingsError, read_json
from vectorgate.client.messages import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.encoding import Call

_FINAL_ERRORS: Final = frozenset({"ResourceNotFoundException", "AccessDeniedException"})


class Signer(Protocol):
    """AWS's part of a request."""

    @property
    def endpoint(self) -> str:
        """The base URL of Lambda's API."""
        ...

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers, with a signature among them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaFunction:
    """A vectorgate's `invoke` function, through Lambda's own API."""

    name: str
    api_key: str | None = field(repr=False)
    signer: Signer
    provider: str | None = None
    replays: bool = True

    @property
    def api_base(self) -> str:
        """The function, as it is shown to the caller."""
        return f"lambda:{self.name}"

    def request(self, call: Call) -> HttpRequest:
        """The payload that the invoke function reads. SettingsError for headers and streams."""
        if call.headers:
            raise SettingsError("extra_headers cannot be sent through VECTORGATE_FUNCTION: it takes no headers")
        if (call.body or {}).get("stream") or call.query.get("stream") == "true":
            raise SettingsError("no streams through VECTORGATE_FUNCTION: use background=True, or VECTORGATE_BASE_URL")
        content = encoded(self._payload(call))
        url = f"{self.signer.endpoint}/2015-03-31/functions/{quote(self.name, safe='')}/invocations"
        headers = {"content-type": JSON, "user-agent": USER_AGENT, "x-amz-invocation-type": "RequestResponse"}
        signed = self.signer.signed("POST", url, headers, content)
        return HttpRequest(method="POST", url=url, headers=signed, content=content)

    def _payload(self, call: Call) -> Mapping[str, object]:
        fields: dict[str, object] = {
            "api_key": self.api_key,
            "provider": call.provider,
            "end_user": call.user,
            "tags": list(call.tags) or None,
            "idempotency_key": call.idempotency_key or None,
            "query": dict(call.query) or None,
            "body": _body(call),
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return {"operation": call.operation.name, **call.ids} | given

    def unwrap(self, response: HttpResponse) -> HttpResponse:
        """The gateway's response out of the function's; Lambda's own errors in OpenAI's envelope."""
        document = read_json(response.content)
        if not isinstance(document, dict):
            return _failed(response, 502, "The function's answer is not JSON.", "function_error")
        if response.status_code >= 300:  # noqa: PLR2004 - the classes of failures
            code = response.headers.get("x-amzn-errortype", "").partition(":")[0] or "lambda_error"
            message = document.get("Message") or document.get("message") or "Lambda refused the call."
            return _failed(response, response.status_code, str(message), code)
        if "x-amz-function-error" in response.headers:
            return _failed(response, 502, f"The function failed: {document.get('errorType')}.", "function_error")
        try:
            return _unwrapped(document)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            return _failed(response, 502, "The function's answer is not one of vectorgate's.", "function_error")


def _body(call: Call) -> Mapping[str, object] | None:
    if call.file is None:
        return call.body
    file = {
        "filename": call.file.filename,
        "content_type": call.file.content_type,
        "content": base64.b64encode(call.file.read()).decode("ascii"),
    }
    return {**(call.body or {}), **file}


def _unwrapped(document: Mapping[str, object]) -> HttpResponse:
    body, headers = document["body"], cast("Mapping[str, str]", document["headers"])
    content = base64.b64decode(str(body)) if document.get("encoding") == "base64" else json.dumps(body).encode()
    return HttpResponse(int(cast("int", document["status"])), {n.lower(): v for n, v in headers.items()}, content)


def _failed(response: HttpResponse, status: int, message: str, code: str) -> HttpResponse:
    error = {"message": message, "type": "lambda_error", "param": None, "code": code}
    headers = {"x-request-id": response.headers.get("x-amzn-requestid", "")}
    if code in _FINAL_ERRORS:
        headers["x-should-retry"] = "false"
    return HttpResponse(status, headers, json.dumps({"error": error}).encode())
