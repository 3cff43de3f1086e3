"""Azure OpenAI: OpenAI's dialect at a resource of the customer, with fewer operations and other errors.

Its secret: `{"base_url": "https://RES.openai.azure.com", "api_key", "api_version"?, "auth"?, "search"?}`.

=================  =====================================================================================
option             means
=================  =====================================================================================
`api_version`      a date: `/openai/...?api-version=<date>`; absent, `v1`, `preview` or `latest`: `/openai/v1/...`
`auth`             `api-key` (default) or `bearer`: the header that carries the key
`search`           `false`: the resource has no search, and nothing is sent to find that out
=================  =====================================================================================

What Azure does not have is refused here, before it is sent, with a message that says so (`_LIMITS`).
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vectorgate.api.errors import INVALID_REQUEST, InvalidRequest, NotFound
from vectorgate.api.http import JSON, Body, encode_json
from vectorgate.api.schemas import error_messages
from vectorgate.providers.azure_auth import signature
from vectorgate.providers.azure_path import path_form
from vectorgate.providers.base import Problem, UnreadableAnswer, UpstreamRequest
from vectorgate.providers.openai import OpenAI, filled, query_string, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.providers.base import Call, Credential, UpstreamResponse

BATCH_FILES_MAX: Final = 500  # where OpenAI takes 2,000
REQUEST_ID_HEADERS: Final = ("apim-request-id", "x-ms-request-id", "x-request-id")
UNSUPPORTED_OPERATION: Final = "unsupported_operation"
UNSUPPORTED_PARAMETER: Final = "unsupported_parameter"
_NO_SUCH_ROUTE: Final = "resource not found"  # what the front of every Azure resource says of a path it does not have
_LONGEST_ID: Final = 200
_CODES: Final[Mapping[int, str]] = MappingProxyType({429: "rate_limit_exceeded"})


class AzureOpenAI(OpenAI):
    """One Azure OpenAI resource, in its v1 or its dated form."""

    def __init__(self, name: str = "azure") -> None:
        super().__init__(name)

    def request(self, call: Call, credential: Credential) -> UpstreamRequest:
        """As OpenAI's, at the resource's own path. InvalidRequest or NotFound for what Azure does not have."""
        check_limits(call, credential.options)
        headers = {"user-agent": "vectorgate", **call.headers, **signature(credential)}
        if call.operation.path.startswith("/vector_stores"):
            headers["openai-beta"] = "assistants=v2"
        if isinstance(call.content, bytes):
            headers["content-type"] = JSON
        version = credential.options.get("api_version", "").strip()
        path = path_form(version) + filled(call.operation.path, call.ids)
        query = {**call.query, "api-version": version} if version else call.query
        return UpstreamRequest(
            method=call.operation.method,
            url=resource_of(credential) + path + query_string(query),
            headers=headers,
            content=call.content,
            binary=call.operation.binary,
        )

    def problem(self, response: UpstreamResponse) -> Problem:
        """Azure's two forms in OpenAI's four fields, without codes that repeat the status."""
        problem = super().problem(_as_openai(response))
        if problem.message.strip().lower() == _NO_SUCH_ROUTE:
            return Problem(
                message="This operation is not available at the configured Azure OpenAI resource and api-version "
                "(it answered 'Resource not found'). Vector store search is known to be missing at some resources.",
                type=INVALID_REQUEST,
                code=UNSUPPORTED_OPERATION,
            )
        return replace(problem, code=problem.code or _CODES.get(response.status))

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """The first of the headers in which Azure's layers name a request."""
        found = (headers.get(name, "").strip() for name in REQUEST_ID_HEADERS)
        return next((value[:_LONGEST_ID] for value in found if value), None)

    def passed_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """OpenAI's, and the request id under the name that OpenAI's clients read."""
        passed = super().passed_headers(headers)
        request_id = self.request_id(headers)
        return {**passed, "x-request-id": request_id} if request_id is not None else passed

    def hidden(self, credential: Credential) -> tuple[str, ...]:
        """The resource's host, which identifies the account."""
        return (urlsplit(credential.base_url).hostname or credential.base_url,)


def resource_of(credential: Credential) -> str:
    """The resource's URL, whether a secret's `base_url` ends in `/openai/v1`, `/openai` or neither."""
    return credential.base_url.removesuffix("/v1").removesuffix("/openai")


def _as_openai(response: UpstreamResponse) -> UpstreamResponse:
    """The answer with an `error` of OpenAI's fields, whichever of its forms Azure chose.

    Its gateway says `{"statusCode", "message"}` or `{"error": {"code": "404", "message"}}` for OpenAI's four fields.
    """
    try:
        document = read_object(response.body.read())
    except UnreadableAnswer:
        return response
    said = document.get("error", document)
    said = dict(said) if isinstance(said, dict) else {"message": said}
    if str(said.get("code") or "").isdigit():
        del said["code"]
    return replace(response, body=Body.of(encode_json({"error": said})))


def check_limits(call: Call, options: Mapping[str, str]) -> None:
    """Refuse what Azure OpenAI does not have. InvalidRequest (400) for a parameter, NotFound (404) for an operation."""
    if call.operation.name == "vector_stores.search" and options.get("search", "").lower() == "false":
        raise _no_operation("search in vector stores")
    check = _LIMITS.get(call.operation.name)
    if check is not None:
        check(call.body)


def _creation(body: Mapping[str, object]) -> None:
    if body.get("description") is not None:
        raise _no_parameter("description", "vector stores have no description")


def _batch(body: Mapping[str, object]) -> None:
    if "files" in body:
        raise _no_parameter("files", "name them in 'file_ids'")
    file_ids = body.get("file_ids")
    if isinstance(file_ids, list) and len(file_ids) > BATCH_FILES_MAX:
        raise error_messages.array_too_long("file_ids", BATCH_FILES_MAX, len(file_ids))


def _search(body: Mapping[str, object]) -> None:
    for path, kind in _comparisons(body.get("filters"), "filters"):
        if kind in {"in", "nin"}:
            raise _no_parameter(f"{path}.type", f"compare by 'eq' or 'ne' instead of '{kind}'")


def _comparisons(item: object, path: str) -> Iterator[tuple[str, object]]:
    """Every filter of a tree whose depth the wire model bounds, with OpenAI's name for its place."""
    if not isinstance(item, dict):
        return
    yield path, item.get("type")
    below = item.get("filters")
    for index, child in enumerate(below if isinstance(below, list) else ()):
        yield from _comparisons(child, f"{path}.filters[{index}]")


def _content(_body: Mapping[str, object]) -> None:
    raise _no_operation("the content of files in vector stores")


_LIMITS: Final[Mapping[str, Callable[[Mapping[str, object]], None]]] = MappingProxyType(
    {
        "vector_stores.create": _creation,
        "vector_stores.search": _search,
        "vector_stores.file_batches.create": _batch,
        "vector_stores.files.content": _content,
    }
)


def _no_parameter(param: str, advice: str) -> InvalidRequest:
    message = f"Unsupported parameter: '{param}' is not supported by Azure OpenAI: {advice}."
    return InvalidRequest(message, code=UNSUPPORTED_PARAMETER, param=param)


def _no_operation(what: str) -> NotFound:
    return NotFound(f"Azure OpenAI does not offer {what}.", code=UNSUPPORTED_OPERATION)
