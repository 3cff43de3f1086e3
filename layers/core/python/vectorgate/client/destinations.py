"""Where a call goes, and what it looks like there. Pure; each is made for one call, from its options and the settings.

================  ============================================  ===============  =============================
destination       chosen by                                     key              a repeated create is
================  ============================================  ===============  =============================
`Direct`          `api_base`, or nothing said at all            OPENAI_API_KEY   a second store
`Azure`           `custom_llm_provider="azure"`                 AZURE_API_KEY    a second store
`Gateway`         VECTORGATE_BASE_URL                           VECTORGATE_API_KEY  recognised by its key
`Function`        VECTORGATE_FUNCTION                           VECTORGATE_API_KEY  recognised by its key
================  ============================================  ===============  =============================
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast
from urllib.parse import quote, urlencode, urlsplit

from vectorgate import __version__
from vectorgate.client.errors import SettingsError, read_json
from vectorgate.client.exchange import HttpReply, HttpRequest
from vectorgate.client.resources import Resource
from vectorgate.providers.azure_path import path_prefix
from vectorgate.providers.http.multipart import Form, form_fields

if TYPE_CHECKING:
    from vectorgate.api.operations import Operation
    from vectorgate.providers.http.multipart import Upload

USER_AGENT: Final = f"vectorgate/{__version__}"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation with all that was said about it. `boundary`: for a form, the same at every attempt."""

    operation: Operation
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object] | None
    upload: Upload | None
    headers: Mapping[str, str]
    provider: str | None
    user: str | None
    tags: tuple[str, ...]
    idempotency_key: str
    boundary: str


class Destination(Protocol):
    """`replays`: it recognises a repeated create by its Idempotency-Key."""

    @property
    def provider(self) -> str | None: ...  # noqa: D102 - who prices the call, when that is known here
    @property
    def api_base(self) -> str: ...  # noqa: D102 - as it is shown to the caller
    @property
    def replays(self) -> bool: ...  # noqa: D102 - see the class

    def request(self, call: Call) -> HttpRequest:
        """One attempt."""
        ...

    def reply(self, reply: HttpReply) -> HttpReply:
        """The API's own answer, out of whatever it came in."""
        ...


class Signer(Protocol):
    """AWS's part of a request."""

    @property
    def endpoint(self) -> str:
        """Where Lambda listens."""
        ...

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        """The headers, with a signature among them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """OpenAI, or what speaks like it."""

    api_base: str
    api_key: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)
    provider: str | None = "openai"
    replays: bool = False

    def request(self, call: Call) -> HttpRequest:
        """With the key as a bearer."""
        said = {"idempotency-key": call.idempotency_key} if call.idempotency_key else {}
        headers = {"authorization": f"Bearer {self.api_key}", **self.extra, **said}
        return _http(call, self.api_base, headers, call.body)

    def reply(self, reply: HttpReply) -> HttpReply:
        """As it is."""
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """Azure OpenAI, in its v1 or its dated form."""

    api_base: str
    api_key: str = field(repr=False)
    version: str | None
    provider: str | None = "azure"
    replays: bool = False

    def request(self, call: Call) -> HttpRequest:
        """With the key in `api-key`, below the form of path that the version asks for."""
        resource = self.api_base.removesuffix("/v1").removesuffix("/openai")
        query = {"api-version": self.version} if self.version else {}
        base = resource + path_prefix(self.version or "")
        return _http(call, base, {"api-key": self.api_key}, call.body, query)

    def reply(self, reply: HttpReply) -> HttpReply:
        """With the request's id where OpenAI's clients look for it."""
        found = reply.headers.get("x-request-id") or reply.headers.get("apim-request-id")
        return HttpReply(
            reply.status_code, {**reply.headers, "x-request-id": found} if found else reply.headers, reply.content
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A vectorgate (or a LiteLLM proxy) over HTTP."""

    api_base: str
    api_key: str = field(repr=False)
    provider: str | None = None
    replays: bool = True

    def request(self, call: Call) -> HttpRequest:
        """`user` and `tags` go in a JSON body where there is one, which takes any text, and else in headers."""
        headers = {"authorization": f"Bearer {self.api_key}"}
        if call.provider is not None:
            headers["custom-llm-provider"] = call.provider
        if call.idempotency_key:
            headers["idempotency-key"] = call.idempotency_key
        body = call.body
        if body is not None and call.upload is None:
            beside: dict[str, object] = {"user": call.user} if call.user is not None else {}
            body = {**beside, **({"tags": list(call.tags)} if call.tags else {}), **body}
        else:
            headers |= {"x-litellm-end-user-id": call.user} if call.user is not None else {}
            headers |= {"x-litellm-tags": ",".join(call.tags)} if call.tags else {}
        return _http(call, _with_prefix(self.api_base), headers, body)

    def reply(self, reply: HttpReply) -> HttpReply:
        """As it is."""
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A vectorgate's `invoke` function, through Lambda's own API."""

    name: str
    api_key: str | None = field(repr=False)
    signer: Signer
    provider: str | None = None
    replays: bool = True

    @property
    def api_base(self) -> str:
        """The function, as it is shown."""
        return f"lambda:{self.name}"

    def request(self, call: Call) -> HttpRequest:
        """The payload that `functions/invoke` reads. SettingsError for headers, which it does not take."""
        if call.headers:
            raise SettingsError("extra_headers cannot be sent through VECTORGATE_FUNCTION: it takes no headers")
        said: dict[str, object] = {
            "api_key": self.api_key,
            "provider": call.provider,
            "end_user": call.user,
            "tags": list(call.tags) or None,
            "idempotency_key": call.idempotency_key or None,
            "query": dict(call.query) or None,
            "body": self._body(call),
        }
        payload = {"operation": call.operation.name, **call.ids} | {k: v for k, v in said.items() if v is not None}
        content = encoded(payload)
        url = f"{self.signer.endpoint}/2015-03-31/functions/{quote(self.name, safe='')}/invocations"
        headers = {"content-type": _JSON, "user-agent": USER_AGENT, "x-amz-invocation-type": "RequestResponse"}
        signed = self.signer.signed("POST", url, headers, content)
        return HttpRequest(method="POST", url=url, headers=signed, content=content)

    def _body(self, call: Call) -> Mapping[str, object] | None:
        if call.upload is None:
            return call.body
        file = {
            "filename": call.upload.filename,
            "content_type": call.upload.content_type,
            "content": base64.b64encode(call.upload.read()).decode("ascii"),
        }
        return {**(call.body or {}), **file}

    def reply(self, reply: HttpReply) -> HttpReply:
        """The gateway's answer out of the function's; Lambda's own refusals in OpenAI's envelope."""
        document = read_json(reply.content)
        if not isinstance(document, dict):
            return _failed(reply, 502, "The function's answer is not JSON.", "function_error")
        if reply.status_code >= 300:  # noqa: PLR2004 - the classes of failures
            code = reply.headers.get("x-amzn-errortype", "").partition(":")[0] or "lambda_error"
            message = document.get("Message") or document.get("message") or "Lambda refused the call."
            return _failed(reply, reply.status_code, str(message), code)
        if "x-amz-function-error" in reply.headers:
            return _failed(reply, 502, f"The function failed: {document.get('errorType')}.", "function_error")
        try:
            return _unwrapped(document)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            return _failed(reply, 502, "The function's answer is not one of vectorgate's.", "function_error")


def _unwrapped(document: Mapping[str, object]) -> HttpReply:
    body, headers = document["body"], cast("Mapping[str, str]", document["headers"])
    content = base64.b64decode(str(body)) if document.get("encoding") == "base64" else json.dumps(body).encode()
    return HttpReply(int(cast("int", document["status"])), {n.lower(): v for n, v in headers.items()}, content)


def _failed(reply: HttpReply, status: int, message: str, code: str) -> HttpReply:
    error = {"message": message, "type": "lambda_error", "param": None, "code": code}
    headers = {"x-request-id": reply.headers.get("x-amzn-requestid", "")}
    if code in {"ResourceNotFoundException", "AccessDeniedException"}:
        headers["x-should-retry"] = "false"
    return HttpReply(status, headers, json.dumps({"error": error}).encode())


def _http(
    call: Call,
    base: str,
    auth: Mapping[str, str],
    body: Mapping[str, object] | None,
    query: Mapping[str, str | None] | None = None,
) -> HttpRequest:
    headers = {"accept": "*/*" if call.operation.binary else _JSON, "user-agent": USER_AGENT, **auth}
    content: bytes | Form | None = None
    if call.upload is not None:
        content = Form(form_fields(body or {}), call.upload, call.boundary, call.operation.file_field)
        headers |= {"content-type": content.content_type, "content-length": str(content.size)}
    elif body is not None:
        content = encoded(body)
        headers["content-type"] = _JSON
    if call.operation.path.startswith("/vector_stores"):
        headers["openai-beta"] = "assistants=v2"
    headers |= {name.lower(): value for name, value in call.headers.items()}
    asked = {**call.query, **(query or {})}
    path = call.operation.path.format_map({name: segment(name, text) for name, text in call.ids.items()})
    url = base + path + ("?" + urlencode(asked) if asked else "")
    return HttpRequest(method=call.operation.method, url=url, headers=checked(headers), content=content)


def segment(name: str, text: str) -> str:
    """An id as a segment of a path. ValueError for what cannot be one."""
    if not isinstance(text, str) or text in {"", ".", ".."}:
        raise ValueError(f"Expected a non-empty value for `{name}` but received {text!r}")
    return quote(text, safe="")


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers. ValueError for one that HTTP cannot carry; its value, which may be a key, is not shown."""
    for name, value in headers.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"not the name of a header: {name!r}")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of the header {name} is not printable ASCII text")
    return headers


def encoded(body: Mapping[str, object]) -> bytes:
    """JSON in ASCII. TypeError or ValueError for what JSON does not have."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False, default=_plain).encode("ascii")


def _plain(value: object) -> object:
    if isinstance(value, Resource):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _with_prefix(base: str) -> str:
    """Gateways answer below `/v1`; a base that names only the host gets it."""
    return base if urlsplit(base).path else base + "/v1"


def checked_base(url: str) -> str:
    """A base URL without its trailing slash. SettingsError when it is none."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"not a base URL: {url!r}")
    return url.strip().rstrip("/")
