"""Azure OpenAI: OpenAI's dialect at a customer's own resource, with fewer operations and other errors.

Its secret: `{"base_url": "https://RES.openai.azure.com", "api_key", "api_version"?, "auth"?, "search"?}`.

=================  =====================================================================================
option             means
=================  =====================================================================================
`api_version`      a date: `/openai/...?api-version=<date>`; absent, `v1`, `preview` or `latest`: `/openai/v1/...`
`auth`             `api-key` (default) or `bearer`: the header that carries the key
`search`           `false`: the resource has no search; searches are refused without a request
=================  =====================================================================================

Operations and parameters that Azure does not have are refused before they are sent (`_LIMITS`).
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vectorgate.api.errors import INVALID_REQUEST, InvalidRequest, NotFound
from vectorgate.api.http import EVENT_STREAM, JSON, Body, encode_json
from vectorgate.api.schemas import error_messages
from vectorgate.providers.azure_auth import auth_header
from vectorgate.providers.azure_path import path_prefix
from vectorgate.providers.base import Problem, UnreadableAnswer, UpstreamRequest
from vectorgate.providers.openai import OpenAI, filled, query_string, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.providers.base import Call, UpstreamResponse
    from vectorgate.providers.credentials import Credential

BATCH_FILES_MAX: Final = 500  # where OpenAI takes 2,000
REQUEST_ID_HEADERS: Final = ("apim-request-id", "x-ms-request-id", "x-request-id")
UNSUPPORTED_OPERATION: Final = "unsupported_operation"
UNSUPPORTED_PARAMETER: Final = "unsupported_parameter"
_NO_SUCH_ROUTE: Final = "resource not found"  # Azure's message for a path that a resource does not have
_MAX_REQUEST_ID: Final = 200
_CODES: Final[Mapping[int, str]] = MappingProxyType({429: "rate_limit_exceeded"})


class AzureOpenAI(OpenAI):
    """One Azure OpenAI resource, in its v1 or its dated form."""

    def __init__(self, name: str = "azure") -> None:
        super().__init__(name)

    def request(self, call: Call, credential: Credential) -> UpstreamRequest:
        """OpenAI's request at the resource's path. InvalidRequest or NotFound for what Azure does not have."""
        check_limits(call, credential.options)
        headers = {"user-agent": "vectorgate", **call.headers, **auth_header(credential)}
        if call.operation.path.startswith("/vector_stores"):
            headers["openai-beta"] = "assistants=v2"
        if isinstance(call.content, bytes):
            headers["content-type"] = JSON
        if call.stream:
            headers["accept"] = EVENT_STREAM
        version = credential.options.get("api_version", "").strip()
        path = path_prefix(version) + filled(call.operation.path, call.ids)
        query = {**call.query, "api-version": version} if version else call.query
        return UpstreamRequest(
            method=call.operation.method,
            url=resource_of(credential) + path + query_string(query),
            headers=headers,
            content=call.content,
            binary=call.operation.binary,
            stream=call.stream,
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
        return next((value[:_MAX_REQUEST_ID] for value in found if value), None)

    def forwarded_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """OpenAI's, and the request id under the name that OpenAI's clients read."""
        passed = super().forwarded_headers(headers)
        request_id = self.request_id(headers)
        return {**passed, "x-request-id": request_id} if request_id is not None else passed

    def hidden(self, credential: Credential) -> tuple[str, ...]:
        """The resource's host, which identifies its owner."""
        return (urlsplit(credential.base_url).hostname or credential.base_url,)


def resource_of(credential: Credential) -> str:
    """The resource's URL, without the path suffixes that a `base_url` is often copied with."""
    return credential.base_url.removesuffix("/v1").removesuffix("/openai")


def _as_openai(response: UpstreamResponse) -> UpstreamResponse:
    """The response with an `error` of OpenAI's four fields.

    Azure's API gateway answers `{"statusCode", "message"}` or `{"error": {"code": "404", "message"}}` instead.
    """
    try:
        document = read_object(response.body.read())
    except UnreadableAnswer:
        return response
    error = document.get("error", document)
    fields = dict(error) if isinstance(error, dict) else {"message": error}
    if str(fields.get("code") or "").isdigit():
        del fields["code"]
    return replace(response, body=Body.of(encode_json({"error": fields})))


def check_limits(call: Call, options: Mapping[str, str]) -> None:
    """Refuse what Azure OpenAI does not have. InvalidRequest (400) for a parameter, NotFound (404) for an operation."""
    if call.operation.name == "vector_stores.search" and options.get("search", "").lower() == "false":
        raise _unsupported_operation("search in vector stores")
    check = _LIMITS.get(call.operation.name)
    if check is not None:
        check(call.body)


def _check_create(body: Mapping[str, object]) -> None:
    if body.get("description") is not None:
        raise _unsupported_parameter("description", "vector stores have no description")


def _check_batch(body: Mapping[str, object]) -> None:
    if "files" in body:
        raise _unsupported_parameter("files", "name them in 'file_ids'")
    file_ids = body.get("file_ids")
    if isinstance(file_ids, list) and len(file_ids) > BATCH_FILES_MAX:
        raise error_messages.array_too_long("file_ids", BATCH_FILES_MAX, len(file_ids))


def _check_search(body: Mapping[str, object]) -> None:
    for path, kind in _comparisons(body.get("filters"), "filters"):
        if kind in {"in", "nin"}:
            raise _unsupported_parameter(f"{path}.type", f"compare by 'eq' or 'ne' instead of '{kind}'")


def _comparisons(item: object, path: str) -> Iterator[tuple[str, object]]:
    """The path (as OpenAI writes it) and type of every filter in a tree; the request schema bounds its depth."""
    if not isinstance(item, dict):
        return
    yield path, item.get("type")
    children = item.get("filters")
    for index, child in enumerate(children if isinstance(children, list) else ()):
        yield from _comparisons(child, f"{path}.filters[{index}]")


def _check_content(_body: Mapping[str, object]) -> None:
    raise _unsupported_operation("the content of files in vector stores")


_LIMITS: Final[Mapping[str, Callable[[Mapping[str, object]], None]]] = MappingProxyType(
    {
        "vector_stores.create": _check_create,
        "vector_stores.search": _check_search,
        "vector_stores.file_batches.create": _check_batch,
        "vector_stores.files.content": _check_content,
    }
)


def _unsupported_parameter(param: str, advice: str) -> InvalidRequest:
    message = f"Unsupported parameter: '{param}' is not supported by Azure OpenAI: {advice}."
    return InvalidRequest(message, code=UNSUPPORTED_PARAMETER, param=param)


def _unsupported_operation(what: str) -> NotFound:
    return NotFound(f"Azure OpenAI does not offer {what}.", code=UNSUPPORTED_OPERATION)
