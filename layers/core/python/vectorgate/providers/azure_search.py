"""Azure AI Search's own dialect: native requests to the service that the secret names, and its answers and errors.

Its secret: `{"base_url": "https://SERVICE.search.windows.net", "api_key", "auth"?}`; `auth` as for Azure OpenAI. Only
operations of `azure_search.operations` are sent here, with the real name of an index in `ids`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit

from vectorgate.api.http import JSON, Body
from vectorgate.ids import ProviderName
from vectorgate.providers.azure_auth import auth_header
from vectorgate.providers.base import Answer, Problem, Statuses, UnreadableAnswer, UpstreamRequest
from vectorgate.providers.openai import filled, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.operations import Operation
    from vectorgate.providers.base import Call, UpstreamResponse
    from vectorgate.providers.credentials import Credential

# Headers that a client may see. Not `location` and `content-location`, which name the service.
FORWARDED: Final = frozenset(
    {"request-id", "etag", "preference-applied", "odata-version", "elapsed-time", "retry-after"}
)
_LISTS: Final = frozenset({"indexes.list", "indexes.search", "indexes.suggest", "indexes.autocomplete"})
_NO_CONTENT: Final = 204
_MAX_MESSAGE: Final = 2_000
_MAX_FIELD: Final = 200
_MAX_DETAILS: Final = 10
_COUNT: Final = re.compile(rb"\s*([0-9]{1,19})\s*")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # the service puts one before a count


class AzureAISearch:
    """One search service. It answers 403 to an unknown key, and to a query key that is used for a write."""

    statuses = Statuses(credential=frozenset({401, 403}), refused=frozenset({400, 404, 405, 409, 412, 413, 415, 422}))

    def __init__(self, name: str = "azure_ai") -> None:
        self.name = ProviderName(name)

    def request(self, call: Call, credential: Credential) -> UpstreamRequest:
        """The operation's canonical path, whichever spelling the client used, and none of the client's own headers."""
        headers = {"accept": JSON, **call.headers, "user-agent": "vectorgate", **auth_header(credential)}
        if call.content is not None:
            headers["content-type"] = JSON
        query = urlencode(call.query, quote_via=quote)
        return UpstreamRequest(
            method=call.operation.method,
            url=f"{credential.base_url}{filled(call.operation.path, call.ids)}?{query}",
            headers=headers,
            content=call.content,
        )

    def answer(self, operation: Operation, response: UpstreamResponse) -> Answer:
        """A document, no content (204), or a count as text."""
        headers, request_id = self.forwarded_headers(response.headers), self.request_id(response.headers)
        if response.status == _NO_CONTENT:
            return Answer(status=response.status, headers=headers, request_id=request_id)
        content = response.body.read()
        if operation.binary:
            headers["content-type"] = "text/plain"
            body = Body.of(_count(content))
            return Answer(status=response.status, headers=headers, body=body, request_id=request_id)
        document = read_object(content)
        if operation.name in _LISTS and not isinstance(document.get("value"), list):
            raise UnreadableAnswer("the answer to a list or a search holds no list")
        return Answer(status=response.status, headers=headers, document=document, request_id=request_id)

    def problem(self, response: UpstreamResponse) -> Problem:
        """Code, message and details, bounded in length; never the raw body."""
        try:
            error = read_object(response.body.read()).get("error")
        except UnreadableAnswer:
            error = None
        fields = error if isinstance(error, dict) else {}
        return Problem(
            message=_text(fields.get("message"), _MAX_MESSAGE) or f"The provider answered {response.status}.",
            type="server_error",
            code=_text(fields.get("code"), _MAX_FIELD) or None,
            details=_details(fields.get("details")),
        )

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """`request-id`, if there is one."""
        return _text(headers.get("request-id") or headers.get("x-ms-request-id"), _MAX_FIELD) or None

    def forwarded_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers in FORWARDED."""
        return {name: value[:_MAX_FIELD] for name, value in headers.items() if name in FORWARDED}

    def hidden(self, credential: Credential) -> tuple[str, ...]:
        """The service's host, and its name, which appears in its error messages."""
        host = urlsplit(credential.base_url).hostname or credential.base_url
        name = host.partition(".")[0]
        return (host,) if name.isdigit() else (host, name)


def _count(content: bytes) -> bytes:
    match = _COUNT.fullmatch(content.removeprefix(_BYTE_ORDER_MARK))
    if match is None:
        raise UnreadableAnswer("a count that is no number")
    return match[1]


def _details(value: object) -> tuple[tuple[str, str], ...]:
    listed = value[:_MAX_DETAILS] if isinstance(value, list) else []
    pairs = ((item.get("code"), item.get("message")) for item in listed if isinstance(item, dict))
    return tuple((_text(code, _MAX_FIELD), _text(message, _MAX_MESSAGE)) for code, message in pairs)


def _text(value: object, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""
