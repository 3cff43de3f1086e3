"""Where a call goes, and how its request looks there. Pure; a destination is made for one call (`routing.py`).

================  ===================================  ==================  =================================
destination       chosen by                            key                 a repeated create
================  ===================================  ==================  =================================
`OpenAI`          `api_base`, or no setting at all     OPENAI_API_KEY      makes a second object
`Azure`           `custom_llm_provider="azure"`        AZURE_API_KEY       makes a second object
`Gateway`         VECTORGATE_BASE_URL                  VECTORGATE_API_KEY  is recognised by its key
`LambdaFunction`  VECTORGATE_FUNCTION                  VECTORGATE_API_KEY  is recognised by its key
================  ===================================  ==================  =================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from vectorgate.api.headers import END_USER, TAGS
from vectorgate.client.encoding import http_request
from vectorgate.providers.azure_path import path_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.encoding import Call
    from vectorgate.client.messages import HttpRequest, HttpResponse


class Destination(Protocol):
    """`replays`: it recognises a repeated create by its Idempotency-Key."""

    @property
    def provider(self) -> str | None: ...  # noqa: D102 - whose price list applies, when that is known here
    @property
    def api_base(self) -> str: ...  # noqa: D102 - as it is shown to the caller
    @property
    def replays(self) -> bool: ...  # noqa: D102 - see the class

    def request(self, call: Call) -> HttpRequest:
        """The request of one attempt."""
        ...

    def unwrap(self, response: HttpResponse) -> HttpResponse:
        """The API's own response, out of the envelope of this destination."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAI:
    """OpenAI, or a server with its API."""

    api_base: str
    api_key: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)
    provider: str | None = "openai"
    replays: bool = False

    def request(self, call: Call) -> HttpRequest:
        """With the key as a bearer token."""
        repetition = {"idempotency-key": call.idempotency_key} if call.idempotency_key else {}
        headers = {"authorization": f"Bearer {self.api_key}", **self.extra, **repetition}
        return http_request(call, self.api_base, headers, call.body)

    def unwrap(self, response: HttpResponse) -> HttpResponse:
        """Unchanged."""
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """Azure OpenAI, with the v1 form of its paths or the dated one."""

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
        return http_request(call, base, {"api-key": self.api_key}, call.body, query)

    def unwrap(self, response: HttpResponse) -> HttpResponse:
        """With the request's id in the header that OpenAI's clients read."""
        found = response.headers.get("x-request-id") or response.headers.get("apim-request-id")
        headers = {**response.headers, "x-request-id": found} if found else response.headers
        return replace(response, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A vectorgate (or a LiteLLM proxy) over HTTP."""

    api_base: str
    api_key: str = field(repr=False)
    provider: str | None = None
    replays: bool = True

    def request(self, call: Call) -> HttpRequest:
        """`user` and `tags` go into a JSON body; without one, into headers, as UTF-8."""
        headers = {"authorization": f"Bearer {self.api_key}"}
        if call.provider is not None:
            headers["custom-llm-provider"] = call.provider
        if call.idempotency_key:
            headers["idempotency-key"] = call.idempotency_key
        body = call.body
        if body is not None and call.file is None:
            attribution: dict[str, object] = {"user": call.user} if call.user is not None else {}
            body = {**attribution, **({"tags": list(call.tags)} if call.tags else {}), **body}
        else:
            headers |= {END_USER[0]: call.user} if call.user is not None else {}
            headers |= {TAGS: ",".join(call.tags)} if call.tags else {}
        return http_request(call, _with_prefix(self.api_base), headers, body)

    def unwrap(self, response: HttpResponse) -> HttpResponse:
        """Unchanged."""
        return response


def _with_prefix(base: str) -> str:
    """Gateways serve their API below `/v1`; a base URL that names only the host gets it."""
    return base if urlsplit(base).path else base + "/v1"
