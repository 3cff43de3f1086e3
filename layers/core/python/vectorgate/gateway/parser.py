"""Parse and validate a request: the resulting command may be forwarded as it is.

`parse` takes an HTTP request. The invoke function and ingestion, which hold a document or a file already, build the
same commands with `document_command` and `upload_command`.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, cast

from vectorgate.api import headers, schemas
from vectorgate.api.command import Command
from vectorgate.api.errors import InvalidRequest, PayloadTooLarge
from vectorgate.api.http import CHUNK_SIZE, JSON, encode_json
from vectorgate.api.operations import Media
from vectorgate.api.references import NOTHING_NAMED, named_in
from vectorgate.api.schemas import LiteLLMFields
from vectorgate.classes import dataclass
from vectorgate.gateway.policy import Policy
from vectorgate.ids import PATH_NAMES, ObjectId, ProviderName, is_label, normal_name
from vectorgate.providers.openai import TAG

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic import BaseModel

    from vectorgate.api.http import FileUpload, Request
    from vectorgate.api.operations import Operation
    from vectorgate.api.router import Route
    from vectorgate.gateway.limits import Limits

MAX_TAGS: Final = 10  # with MAX_TAGS_LENGTH characters in all, a ledger row stays below 1 KiB, one write unit
MAX_TAGS_LENGTH: Final = 256
MAX_END_USER: Final = 128
MAX_COUNT: Final = 3  # digits of a number of retries
MAX_IDEMPOTENCY_KEY: Final = 255
_UNDECODED: Final = "[\ufffd\ud800-\udfff]"  # what decoders put in place of bytes that are not UTF-8
_SECONDS: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,9})?", re.ASCII)
_SEARCH_HINT: Final = " Azure AI Search has no vector stores: where it is configured, its paths begin with /azure_ai/."
NO_LITELLM_FIELDS: Final = LiteLLMFields()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """Options outside the body, not yet validated: headers of an HTTP request, or fields of an invocation."""

    provider: str | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The validated options of a call: its provider, if one is named, its end user and its tags."""

    provider: ProviderName | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------------------ HTTP requests


def parse(
    request: Request, route: Route, options: CallOptions, providers: Collection[ProviderName], limits: Limits
) -> tuple[Command, Policy]:
    """Parse an HTTP request. InvalidRequest (400) or PayloadTooLarge (413), worded as OpenAI words them."""
    operation = route.operation
    ids = path_ids(route.captured)
    if operation.media is Media.MULTIPART:
        return _parse_upload(request, operation, ids=ids, options=options, providers=providers, limits=limits)
    query = operation.query(request.query) if operation.query_model is not None else {}
    body = _parse_json(request, operation)
    command = json_command(operation, ids=ids, query=query, body=body, options=options, providers=providers)
    return command, policy_of(request)


def path_ids(given: Mapping[str, str]) -> dict[str, ObjectId]:
    """The parameters of a path, checked. InvalidRequest."""
    return {
        name: ObjectId(schemas.check_model(name, text) if name in PATH_NAMES else schemas.check_id(name, text))
        for name, text in given.items()
    }


def _parse_upload(
    request: Request,
    operation: Operation,
    *,
    ids: Mapping[str, ObjectId],
    options: CallOptions,
    providers: Collection[ProviderName],
    limits: Limits,
) -> tuple[Command, Policy]:
    from vectorgate.api.form_data import read_upload  # noqa: PLC0415 - an upload is sent seldom

    upload, extra = read_upload(
        request.body,
        request.headers.get("content-type"),
        operation,
        max_bytes=limits.max_bytes(operation),
        too_large=limits.too_large_message(operation),
    )
    try:
        attribution = attribution_of(options, extra, providers)
        return upload_command(operation, ids=ids, upload=upload, attribution=attribution), policy_of(request)
    except InvalidRequest:
        upload.content.close()
        raise


def call_options(request: Request) -> CallOptions:
    """The options in a request's headers; a provider may also be named in the query."""
    tags = _text_header(request, headers.TAGS)
    return CallOptions(
        provider=request.header(headers.PROVIDER) or request.query.get(headers.PROVIDER),
        end_user=_text_header(request, *headers.END_USER),
        tags=tuple(tags.split(",")) if tags is not None else (),
    )


def _text_header(request: Request, *names: str) -> str | None:
    """As `Request.header`. InvalidRequest for a value that was not UTF-8 when it was sent."""
    name = next((name for name in names if request.header(name) is not None), None)
    value = request.header(name) if name is not None else None
    if value is not None and not value.isascii() and re.search(_UNDECODED, value):
        raise InvalidRequest(f"The header '{name}' is not valid UTF-8.", code="invalid_header", param=name)
    return value


def policy_of(request: Request) -> Policy:
    """What the request's headers say about repetitions of it. InvalidRequest for a malformed key."""
    key = checked_idempotency_key(request.header(headers.IDEMPOTENCY_KEY))
    # The official clients send a number; any other value counts as a first attempt.
    count = request.header(headers.RETRY_COUNT) or ""
    seconds = request.header(*headers.CLIENT_SECONDS) or ""
    return Policy(
        idempotency_key=key,
        retry_count=int(count) if len(count) <= MAX_COUNT and count.isascii() and count.isdigit() else 0,
        client_seconds=float(seconds) if _SECONDS.fullmatch(seconds) else None,
    )


def _parse_json(request: Request, operation: Operation) -> dict[str, object]:
    if operation.media is Media.NONE:
        return {}
    if request.body.size > operation.max_body:
        raise _body_too_large(operation, request.body.size)
    # LiteLLM's client for Azure sends JSON without a content type, which Azure accepts.
    content_type = request.headers.get("content-type", JSON)
    return schemas.parse_json_object(request.body.read(), content_type, max_bytes=operation.max_body)


def _body_too_large(operation: Operation, size: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"Request body too large: expected at most {operation.max_body} bytes, but got {size}. "
        "Send fewer files or attributes in one request, and the rest in further ones.",
        code="request_too_large",
    )


# --------------------------------------------------------------------------------------------------------- commands


def json_command(
    operation: Operation,
    *,
    ids: Mapping[str, ObjectId],
    query: Mapping[str, str],
    body: dict[str, object],
    options: CallOptions,
    providers: Collection[ProviderName],
) -> Command:
    """A command without a file. InvalidRequest (400) for a body that OpenAI would not accept."""
    content, extra = None, NO_LITELLM_FIELDS
    if operation.media is Media.JSON and operation.body_model is not None:
        schema = getattr(schemas, operation.body_model)
        if not schemas.LITELLM_FIELDS.isdisjoint(body):
            body, extra = _without_litellm_fields(schema, body)
        body = _without_defaults(operation, body)
        schemas.validate(schema, body)
        _check_reserved_metadata(body)
        content = encode_json(body)
    attribution = attribution_of(options, extra, providers)
    named = named_in(body) if operation.walked else NOTHING_NAMED
    model, identifier = body.get("model", ids.get("model")), body.get("safety_identifier")
    return Command(
        operation=operation,
        ids=ids,
        query=query,
        references=tuple(named.references),
        features=tuple(named.features),
        body=body,
        body_ids=tuple(
            [ObjectId(str(value)) for path in operation.body_ids for value in _values_at(body, path.split("."))]
        ),
        content=content,
        fingerprint=hashlib.sha256(content).hexdigest() if content is not None else None,
        provider=attribution.provider,
        end_user=attribution.end_user or (checked_end_user(identifier) if isinstance(identifier, str) else None),
        tags=attribution.tags,
        model=model if isinstance(model, str) else None,
        streamed=operation.streams and (body.get("stream") is True or query.get("stream") == "true"),
        mock_response=extra.mock_response,
    )


def _without_litellm_fields(model: type[BaseModel], body: dict[str, object]) -> tuple[dict[str, object], LiteLLMFields]:
    """The body without LiteLLM's fields; `user` stays in it where OpenAI's API has that field, too."""
    rest, extra = schemas.split_litellm_fields(body)
    return ({**rest, "user": extra.user} if extra.user and "user" in model.model_fields else rest), extra


def document_command(
    operation: Operation,
    *,
    ids: Mapping[str, ObjectId],
    query: Mapping[str, str],
    body: dict[str, object],
    options: CallOptions,
    providers: Collection[ProviderName],
) -> Command:
    """A command without a file, from a document that was parsed elsewhere. InvalidRequest, PayloadTooLarge."""
    schemas.check_document(body)
    command = json_command(operation, ids=ids, query=query, body=body, options=options, providers=providers)
    if isinstance(command.content, bytes) and len(command.content) > operation.max_body:
        raise _body_too_large(operation, len(command.content))
    return command


def upload_command(
    operation: Operation, *, ids: Mapping[str, ObjectId], upload: FileUpload, attribution: Attribution
) -> Command:
    """A command with a file, whose form fields are validated already."""
    return Command(
        operation=operation,
        ids=ids,
        content=upload,
        fingerprint=_upload_digest(upload),
        provider=attribution.provider,
        end_user=attribution.end_user,
        tags=attribution.tags,
    )


# ------------------------------------------------------------------------------------------------------ attribution


def attribution_of(options: CallOptions, extra: LiteLLMFields, providers: Collection[ProviderName]) -> Attribution:
    """Merge options with LiteLLM's fields: the body's provider wins, the options' end user wins, tags are joined."""
    return Attribution(
        provider=_provider(extra.provider or options.provider, providers),
        end_user=checked_end_user(options.end_user) or checked_end_user(extra.user),
        tags=checked_tags((*options.tags, *extra.tags)),
    )


def _provider(name: str | None, providers: Collection[ProviderName]) -> ProviderName | None:
    if name is None:
        return None
    if name not in providers:
        supported = " and ".join(f"'{provider}'" for provider in sorted(providers))
        hint = _SEARCH_HINT if name == "azure_ai" else ""
        raise InvalidRequest(
            f"Invalid value: '{name[:64]}'. Supported values are: {supported}.{hint}",
            code="invalid_value",
            param="custom_llm_provider",
        )
    return ProviderName(name)


def checked_idempotency_key(key: str | None) -> str | None:
    """Validate a client's idempotency key. InvalidRequest for one that is too long, or not printable ASCII."""
    if key is not None and not (0 < len(key) <= MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        raise InvalidRequest(
            "Invalid 'Idempotency-Key': expected at most 255 printable ASCII characters.",
            code="invalid_value",
            param="Idempotency-Key",
        )
    return key


def checked_end_user(end_user: str | None) -> str | None:
    """An end user's name in its normal form; None for a blank one. InvalidRequest for one that cannot be in a key."""
    if not end_user:
        return None
    name = normal_name(end_user)
    if name and (len(name) > MAX_END_USER or not is_label(name)):
        raise InvalidRequest(
            f"Invalid 'user': expected at most {MAX_END_USER} printable characters without '#'.",
            code="invalid_value",
            param="user",
        )
    return name or None


def checked_tags(given: tuple[str, ...]) -> tuple[str, ...]:
    """Tags in their normal form, without blank ones and duplicates. InvalidRequest for too many or unprintable ones."""
    if not given:
        return ()
    tags = tuple(dict.fromkeys(tag for tag in map(normal_name, given) if tag))
    if len(tags) > MAX_TAGS or sum(map(len, tags)) > MAX_TAGS_LENGTH or not all(map(is_label, tags)):
        raise InvalidRequest(
            f"Invalid 'tags': expected at most {MAX_TAGS} tags of {MAX_TAGS_LENGTH} printable characters in all.",
            code="invalid_value",
            param="tags",
        )
    return tags


def _without_defaults(operation: Operation, body: dict[str, object]) -> dict[str, object]:
    """The body without fields that clients only fill in with defaults: see `Operation`."""
    if operation.null_is_absent:
        body = {name: value for name, value in body.items() if value is not None}
    if any(body.get(name) for name in operation.one_of):
        body = {name: value for name, value in body.items() if name not in operation.one_of or value != []}
    return body


def _values_at(value: object, path: list[str]) -> Iterator[object]:
    """Yield the values at a path such as `["files[]", "file_id"]`; none where a segment is absent."""
    if not path:
        yield value
        return
    name, rest = path[0].removesuffix("[]"), path[1:]
    inner = cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None
    for item in (inner if isinstance(inner, list) else []) if path[0].endswith("[]") else [inner]:
        if item is not None:
            yield from _values_at(item, rest)


def _upload_digest(upload: FileUpload) -> str:
    """The SHA-256 of a file with its form. Reading the largest file takes about a second, little beside sending it."""
    digest = hashlib.sha256(encode_json([sorted(upload.fields.items()), upload.filename, upload.content_type]))
    stream = upload.content.open()
    while chunk := stream.read(CHUNK_SIZE):
        digest.update(chunk)
    return digest.hexdigest()


def _check_reserved_metadata(body: Mapping[str, object]) -> None:
    """Reserve the correlation tag: a client that could set it could become the owner of another tenant's store."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and TAG in metadata:
        raise InvalidRequest(
            f"Invalid 'metadata': the key '{TAG}' is reserved.", code="invalid_value", param=f"metadata.{TAG}"
        )
