"""From a request to an order: routed, measured, parsed and validated. What comes out may be forwarded as it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from vectorgate import wire
from vectorgate.errors import InvalidRequest, PayloadTooLarge
from vectorgate.forms import read_upload
from vectorgate.ids import ObjectId, ProviderName, is_label
from vectorgate.messages import encode_json
from vectorgate.operations import Media
from vectorgate.wire import LiteLLMFields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from vectorgate.messages import Request
    from vectorgate.operations import Operation
    from vectorgate.providers.base import Upload
    from vectorgate.routing import Route

END_USER_HEADERS: Final = ("x-litellm-end-user-id", "x-litellm-customer-id")
TAGS_HEADER: Final = "x-litellm-tags"
PROVIDER_NAME: Final = "custom-llm-provider"
MAX_TAGS: Final = 10  # and 256 characters in all: the ledger's row stays below 1 KiB, which is one write unit
MAX_TAGS_LENGTH: Final = 256
MAX_END_USER: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one call asks for. `provider` is None until the caller names it or the ownership of the ids tells."""

    operation: Operation
    ids: Mapping[str, ObjectId] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    content: bytes | Upload | None = None
    provider: ProviderName | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    mock_response: Mapping[str, object] | None = None

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the JSON that would be forwarded: tells a repeated request from a new one."""
        return hashlib.sha256(self.content).hexdigest() if isinstance(self.content, bytes) else None

    def body_ids(self) -> list[ObjectId]:
        """The file ids that the body names, in its order; their shape was checked by the model."""
        found = (value for path in self.operation.body_ids for value in _at(self.body, path.split(".")))
        return [ObjectId(str(value)) for value in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this deployment can carry. `too_large` tells a client what to do instead."""

    max_upload: int
    too_large: str


def admit(request: Request, route: Route, providers: Collection[ProviderName], limits: Limits) -> Order:
    """The order, or InvalidRequest (400) or PayloadTooLarge (413) in OpenAI's words. Nothing is sent or stored."""
    operation = route.operation
    ids = {name: ObjectId(wire.check_id(name, text)) for name, text in route.captured.items()}
    body, extra, content = _content(request, operation, limits)
    return Order(
        operation=operation,
        ids=ids,
        query=_query(request, operation),
        body=body,
        content=content,
        provider=_named_provider(request, extra, providers),
        end_user=_end_user(request, extra),
        tags=_tags(request, extra),
        mock_response=extra.mock_response,
    )


def _query(request: Request, operation: Operation) -> dict[str, str]:
    """The parameters that the operation knows; others are not forwarded."""
    return operation.query(request.query) if operation.query is not None else {}


def _content(
    request: Request, operation: Operation, limits: Limits
) -> tuple[dict[str, object], LiteLLMFields, bytes | Upload | None]:
    if operation.media is Media.MULTIPART:
        most = min(operation.max_body, limits.max_upload)
        content_type = request.headers.get("content-type")
        upload = read_upload(request.body, content_type, max_bytes=most, too_large=limits.too_large)
        return {}, LiteLLMFields(), upload
    if operation.media is Media.NONE or operation.body is None:
        return {}, LiteLLMFields(), None
    if request.body.size > operation.max_body:
        raise PayloadTooLarge(
            f"Request body too large: expected at most {operation.max_body} bytes, but got {request.body.size}. "
            "Send fewer files or attributes in one request, and the rest in further ones.",
            code="request_too_large",
        )
    content_type = request.headers.get("content-type")
    parsed = wire.parse_json_object(request.body.read(), content_type, max_bytes=operation.max_body)
    body, extra = wire.take_litellm_fields(parsed)
    wire.validate(operation.body, body)
    return body, extra, encode_json(body)


def _named_provider(request: Request, extra: LiteLLMFields, providers: Collection[ProviderName]) -> ProviderName | None:
    """As the body, the header or the query names it, in that order; None when nobody does."""
    name = extra.provider or request.header(PROVIDER_NAME) or request.query.get(PROVIDER_NAME)
    if name is None:
        return None
    if name not in providers:
        supported = " and ".join(f"'{provider}'" for provider in sorted(providers))
        raise InvalidRequest(
            f"Invalid value: '{name[:64]}'. Supported values are: {supported}.",
            code="invalid_value",
            param="custom_llm_provider",
        )
    return ProviderName(name)


def _end_user(request: Request, extra: LiteLLMFields) -> str | None:
    """Whom the call is for: the first of LiteLLM's two headers, then the body's `user`."""
    end_user = request.header(*END_USER_HEADERS) or extra.user
    if end_user and (len(end_user) > MAX_END_USER or not is_label(end_user)):
        raise InvalidRequest(
            f"Invalid 'user': expected at most {MAX_END_USER} printable characters without '#'.",
            code="invalid_value",
            param="user",
        )
    return end_user or None


def _tags(request: Request, extra: LiteLLMFields) -> tuple[str, ...]:
    listed = [tag.strip() for tag in (request.header(TAGS_HEADER) or "").split(",")]
    tags = tuple(dict.fromkeys(tag for tag in [*listed, *extra.tags] if tag))
    if len(tags) > MAX_TAGS or sum(map(len, tags)) > MAX_TAGS_LENGTH or not all(map(is_label, tags)):
        raise InvalidRequest(
            f"Invalid 'tags': expected at most {MAX_TAGS} tags of {MAX_TAGS_LENGTH} printable characters in all.",
            code="invalid_value",
            param="tags",
        )
    return tags


def _at(value: object, path: list[str]) -> Iterator[object]:
    """The values at a path such as `["files[]", "file_id"]`; none where a part is absent."""
    if not path:
        yield value
        return
    name, rest = path[0].removesuffix("[]"), path[1:]
    inner = cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None
    for item in (inner if isinstance(inner, list) else []) if path[0].endswith("[]") else [inner]:
        if item is not None:
            yield from _at(item, rest)
