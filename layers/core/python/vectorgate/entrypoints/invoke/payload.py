"""A payload to the request that means the same. Pure, and strict: what is not understood is refused, never ignored.

::

    {"operation": "vector_stores.files.create",           a row of the operation table
     "vector_store_id": "vs_...",                         exactly the ids of its path
     "query": {"limit": 10},  "body": {...},              as over HTTP; null is as good as absent
     "api_key": "sk-..."  or  "tenant": "team",           the latter only where the deployment trusts its invokers
     "provider", "end_user", "tags", "idempotency_key"}   what are headers over HTTP

Only ids of the right shape reach a path, and only texts without control characters a header.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from vectorgate.api.errors import InvalidRequest, PermissionDenied
from vectorgate.api.http import EMPTY, JSON, Body, Request, encode_json
from vectorgate.api.operations import BY_NAME, PATH_KINDS, Media, Operation, Safety
from vectorgate.api.schemas import check_id, error_messages, validate
from vectorgate.api.schemas.fields import WireModel
from vectorgate.gateway.parser import END_USER_HEADERS, PROVIDER_NAME, TAGS_HEADER
from vectorgate.ids import is_label
from vectorgate.providers.http.multipart import DEFAULT_TYPE, Form, form_fields, upload_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_MAX: Final = 512
TEXT_MAX: Final = 256
TAGS_MAX: Final = 32
FILENAME_MAX: Final = 512
# Every parameter of every listing; which of them a listing has, the gateway says.
QUERY: Final = frozenset({"limit", "order", "after", "before", "filter", "purpose"})
_FILE: Final = ("content", "filename", "content_type")

Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]


class Payload(WireModel):
    """What may be said. The ids of the path are taken off before."""

    operation: Text
    api_key: Annotated[str, Field(min_length=1, max_length=KEY_MAX)] | None = None
    tenant: Text | None = None
    provider: Text | None = None
    end_user: Text | None = None
    tags: Annotated[list[Text], Field(max_length=TAGS_MAX)] | None = None
    idempotency_key: Text | None = None
    query: dict[str, str | int | bool] | None = None
    body: dict[str, object] | None = None


class FileBody(WireModel):
    """The body of an operation that takes a form: the form's fields, and the file in base64."""

    content: str
    filename: Annotated[str, Field(min_length=1, max_length=FILENAME_MAX)] = "upload"
    content_type: Text = DEFAULT_TYPE
    purpose: str | None = None
    expires_after: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """The request, and for whom the invoker vouches (None: the request carries a key, or nobody is meant)."""

    request: Request
    team: str | None


def read(payload: object, *, trusts_invoker: bool, invocation_id: str | None) -> Invocation:
    """The invocation. InvalidRequest (400), or PermissionDenied (403) for a `tenant` that is not to be trusted.

    `invocation_id` is Lambda's, the same each time that it delivers an event again: what a create is recognised by.
    """
    if not isinstance(payload, dict) or not all(isinstance(name, str) for name in payload):
        raise error_messages.body_type(payload)
    ids = {name: payload[name] for name in PATH_KINDS if payload.get(name) is not None}
    said = validate(Payload, {name: value for name, value in payload.items() if name not in PATH_KINDS})
    operation = BY_NAME.get(said.operation)
    if operation is None:
        raise InvalidRequest(
            f"Invalid value: {error_messages.shown(said.operation)}. The operations are: {', '.join(BY_NAME)}.",
            code="invalid_value",
            param="operation",
        )
    content_type, body = _body(operation, said.body)
    request = Request(
        method=operation.method,
        path="/v1" + operation.path.format_map(_path_ids(operation, ids)),
        query=_query(operation, said.query),
        headers={**_headers(said), **_recognised(operation, said, invocation_id), **content_type},
        body=body,
    )
    return Invocation(request, _vouched(said, trusts_invoker=trusts_invoker))


def _path_ids(operation: Operation, given: Mapping[str, object]) -> dict[str, str]:
    for name in given:
        if name not in operation.parameters:
            raise error_messages.unknown_parameter(name)
    for name in operation.parameters:
        if name not in given:
            raise error_messages.missing_parameter(name)
        if not isinstance(given[name], str):
            raise error_messages.invalid_type(name, "a string", given[name])
    return {name: check_id(name, str(given[name])) for name in operation.parameters}


def _query(operation: Operation, query: Mapping[str, str | int | bool] | None) -> dict[str, str]:
    for name in query or {}:
        if operation.query is None or name not in QUERY:
            raise error_messages.unknown_parameter(f"query.{name}")
    return {name: str(value) for name, value in (query or {}).items()}


def _vouched(said: Payload, *, trusts_invoker: bool) -> str | None:
    if said.tenant is None:
        return None
    if not trusts_invoker:
        raise PermissionDenied(
            "This deployment does not take the invoker's word for a tenant: send an 'api_key'.",
            code="tenant_not_trusted",
            param="tenant",
        )
    if said.api_key is not None:
        raise error_messages.mutually_exclusive("tenant", "api_key")
    return _text("tenant", said.tenant)


def _headers(said: Payload) -> dict[str, str]:
    headers = {}
    if said.api_key is not None:
        headers["authorization"] = f"Bearer {_text('api_key', said.api_key)}"
    if said.provider is not None:
        headers[PROVIDER_NAME] = _text("provider", said.provider)
    if said.end_user is not None:
        headers[END_USER_HEADERS[0]] = _text("end_user", said.end_user)
    if said.tags:
        headers[TAGS_HEADER] = ",".join(_tag(index, tag) for index, tag in enumerate(said.tags))
    return headers


def _recognised(operation: Operation, said: Payload, invocation_id: str | None) -> dict[str, str]:
    if said.idempotency_key is not None:
        return {"idempotency-key": _text("idempotency_key", said.idempotency_key)}
    if operation.safety is Safety.CREATE and invocation_id:
        return {"idempotency-key": f"lambda-{invocation_id}"}
    return {}


def _text(param: str, text: str) -> str:
    if not is_label(text):
        raise error_messages.invalid_value(param, "expected printable characters without '#'")
    return text


def _tag(index: int, tag: str) -> str:
    if "," in tag:
        raise error_messages.invalid_value(f"tags[{index}]", "a tag has no comma")
    return _text(f"tags[{index}]", tag)


def _body(operation: Operation, body: dict[str, object] | None) -> tuple[dict[str, str], Body]:
    if operation.media is Media.NONE:
        if body:
            raise error_messages.unknown_parameter("body")
        return {}, EMPTY
    if operation.media is Media.MULTIPART:
        return _form(operation, body or {})
    try:
        return {"content-type": JSON}, Body.of(encode_json(body or {}))
    except (ValueError, TypeError, RecursionError):
        raise error_messages.bad_json(
            "the body has a value that JSON does not have, or is nested too deeply."
        ) from None


def _form(operation: Operation, body: dict[str, object]) -> tuple[dict[str, str], Body]:
    """The multipart form that the gateway reads. Its boundary is a hash of the file, which so cannot hold it."""
    said = validate(FileBody, body)
    try:
        content = base64.b64decode(said.content, validate=True)
    except (binascii.Error, ValueError):
        raise error_messages.invalid_value("body.content", "expected base64") from None
    if not said.content_type.isascii() or not said.content_type.isprintable():
        raise error_messages.invalid_value("body.content_type", "expected a media type")
    try:
        fields = form_fields({name: value for name, value in body.items() if name not in _FILE and value is not None})
    except TypeError:
        raise error_messages.invalid_value("body.expires_after", "expected an anchor and seconds") from None
    boundary = hashlib.sha256(content).hexdigest()
    upload = upload_of((said.filename, content, said.content_type))
    form = Form(fields, upload, boundary, operation.file_field)
    return {"content-type": form.content_type}, Body.of(b"".join(form.pieces()))
