"""From a request to an order: routed, measured, parsed and validated. What comes out may be forwarded as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api import schemas
from vectorgate.api.command import Command
from vectorgate.api.errors import InvalidRequest, PayloadTooLarge
from vectorgate.api.form_data import read_upload
from vectorgate.api.http import JSON, FileUpload, encode_json
from vectorgate.api.operations import FITTING_PART, Media
from vectorgate.api.schemas import LiteLLMFields
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, is_label
from vectorgate.ledger.correlation import TAG

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from vectorgate.api.http import Request
    from vectorgate.api.operations import Operation
    from vectorgate.api.router import Route

END_USER_HEADERS: Final = ("x-litellm-end-user-id", "x-litellm-customer-id")
TAGS_HEADER: Final = "x-litellm-tags"
IDEMPOTENCY_HEADER: Final = "idempotency-key"
RETRY_COUNT_HEADER: Final = "x-stainless-retry-count"
PROVIDER_NAME: Final = "custom-llm-provider"
MAX_TAGS: Final = 10  # and 256 characters in all: the ledger's row stays below 1 KiB, which is one write unit
MAX_TAGS_LENGTH: Final = 256
MAX_END_USER: Final = 128
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{1,255}")
_COUNT: Final = re.compile(r"[0-9]{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this deployment can carry. `too_large` tells a client what to do instead."""

    max_upload: int
    too_large: str


def admit(request: Request, route: Route, providers: Collection[ProviderName], limits: Limits) -> Command:
    """The order, or InvalidRequest (400) or PayloadTooLarge (413) in OpenAI's words. Nothing is sent or stored."""
    operation = route.operation
    ids = {name: ObjectId(schemas.check_id(name, text)) for name, text in route.captured.items()}
    body, extra, content = _content(request, operation, limits)
    try:
        return _order(request, operation, providers, ids=ids, said=(body, extra, content))
    except InvalidRequest:
        if isinstance(content, FileUpload):
            content.content.close()
        raise


def _order(
    request: Request,
    operation: Operation,
    providers: Collection[ProviderName],
    *,
    ids: Mapping[str, ObjectId],
    said: tuple[Mapping[str, object], LiteLLMFields, bytes | FileUpload | None],
) -> Command:
    body, extra, content = said
    return Command(
        operation=operation,
        ids=ids,
        query=_query(request, operation),
        body=body,
        content=content,
        provider=_named_provider(request, extra, providers),
        end_user=end_user_of(request, extra),
        tags=tags_of(request, extra),
        mock_response=extra.mock_response,
        idempotency_key=_idempotency_key(request),
        attempt=_attempt(request),
    )


def _query(request: Request, operation: Operation) -> dict[str, str]:
    """The parameters that the operation knows; others are not forwarded."""
    return operation.query(request.query) if operation.query is not None else {}


def _content(
    request: Request, operation: Operation, limits: Limits
) -> tuple[dict[str, object], LiteLLMFields, bytes | FileUpload | None]:
    if operation.media is Media.NONE or operation.body is None:
        return {}, LiteLLMFields(), None
    if operation.media is Media.MULTIPART:
        most = min(operation.max_body, limits.max_upload)
        upload, extra = read_upload(
            request.body,
            request.headers.get("content-type"),
            name=operation.file_field,
            model=operation.body,
            max_bytes=most,
            too_large=_part_too_large(most) if operation.creates is ObjectKind.PART else limits.too_large,
        )
        return {}, extra, upload
    if request.body.size > operation.max_body:
        raise PayloadTooLarge(
            f"Request body too large: expected at most {operation.max_body} bytes, but got {request.body.size}. "
            "Send fewer files or attributes in one request, and the rest in further ones.",
            code="request_too_large",
        )
    # LiteLLM's client for Azure sends JSON without saying so, which Azure takes.
    content_type = request.headers.get("content-type", JSON)
    parsed = schemas.parse_json_object(request.body.read(), content_type, max_bytes=operation.max_body)
    body, extra = schemas.take_litellm_fields(parsed)
    body = _meant(operation, body)
    schemas.validate(operation.body, body)
    _refuse_reserved(body)
    return body, extra, encode_json(body)


def _meant(operation: Operation, body: dict[str, object]) -> dict[str, object]:
    """What a client says, without the fields that it only fills in: see `Operation`."""
    if operation.null_is_absent:
        body = {name: value for name, value in body.items() if value is not None}
    if any(body.get(name) for name in operation.one_of):
        body = {name: value for name, value in body.items() if name not in operation.one_of or value != []}
    return body


def _part_too_large(most: int) -> str:
    return (
        f"Part too large: this door takes requests of up to {most} bytes. Send the file in smaller parts, such as "
        f"part_size={FITTING_PART} of 'upload_file_chunked'."
    )


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


def end_user_of(request: Request, extra: LiteLLMFields) -> str | None:
    """Whom the call is for: the first of LiteLLM's two headers, then the body's `user`."""
    end_user = request.header(*END_USER_HEADERS) or extra.user
    if end_user and (len(end_user) > MAX_END_USER or not is_label(end_user)):
        raise InvalidRequest(
            f"Invalid 'user': expected at most {MAX_END_USER} printable characters without '#'.",
            code="invalid_value",
            param="user",
        )
    return end_user or None


def tags_of(request: Request, extra: LiteLLMFields) -> tuple[str, ...]:
    """What the caller files the call under: LiteLLM's header, then the body's `tags`."""
    listed = [tag.strip() for tag in (request.header(TAGS_HEADER) or "").split(",")]
    tags = tuple(dict.fromkeys(tag for tag in [*listed, *extra.tags] if tag))
    if len(tags) > MAX_TAGS or sum(map(len, tags)) > MAX_TAGS_LENGTH or not all(map(is_label, tags)):
        raise InvalidRequest(
            f"Invalid 'tags': expected at most {MAX_TAGS} tags of {MAX_TAGS_LENGTH} printable characters in all.",
            code="invalid_value",
            param="tags",
        )
    return tags


def attribution_of(request: Request) -> dict[str, object]:
    """End user and tags as the headers name them: known before the body is read, so that a refused one counts, too."""
    nothing_more = LiteLLMFields()
    return {"end_user": end_user_of(request, nothing_more), "tags": tags_of(request, nothing_more)}


def _idempotency_key(request: Request) -> str | None:
    key = request.header(IDEMPOTENCY_HEADER)
    if key is not None and not _PRINTABLE.fullmatch(key):
        raise InvalidRequest(
            "Invalid 'Idempotency-Key': expected at most 255 printable ASCII characters.",
            code="invalid_value",
            param="Idempotency-Key",
        )
    return key


def _attempt(request: Request) -> int:
    """How often the official clients say they have tried already; anything strange is a first time."""
    text = request.header(RETRY_COUNT_HEADER) or ""
    return int(text) if _COUNT.fullmatch(text) else 0


def _refuse_reserved(body: Mapping[str, object]) -> None:
    """Our tag is nobody else's: whoever could set it could claim another's lost store."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and TAG in metadata:
        raise InvalidRequest(
            f"Invalid 'metadata': the key '{TAG}' is reserved.", code="invalid_value", param=f"metadata.{TAG}"
        )
