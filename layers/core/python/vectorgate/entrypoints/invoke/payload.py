"""Parse a payload to an invocation. Pure, and strict: unknown fields are refused, never ignored.

::

    {"operation": "vector_stores.files.create",           a row of the operation table
     "vector_store_id": "vs_...",                         exactly the ids of its path
     "query": {"limit": 10},  "body": {...},              as over HTTP; null is the same as absent
     "api_key": "sk-..."  or  "tenant": "team",           `tenant` only where the deployment trusts its invokers
     "provider", "end_user", "tags", "idempotency_key"}   headers over HTTP
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final, cast

from pydantic import Field

from vectorgate.api.errors import InvalidRequest, PermissionDenied
from vectorgate.api.http import Body
from vectorgate.api.operations import BY_NAME, Media, Operation
from vectorgate.api.safety import Safety
from vectorgate.api.schemas import check_document, error_messages, validate
from vectorgate.api.schemas.fields import WireModel
from vectorgate.classes import dataclass
from vectorgate.gateway.parser import CallOptions, checked_end_user, checked_idempotency_key, checked_tags, path_ids
from vectorgate.gateway.policy import Policy
from vectorgate.ids import PATH_KINDS, PATH_NAMES, ObjectId, is_label, normal_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.gateway.surfaces import OpenAISurface

KEY_MAX: Final = 512
TEXT_MAX: Final = 256
TAGS_MAX: Final = 32
# The query parameters of all list operations; the gateway refuses those that an operation does not have.
QUERY: Final = frozenset({"limit", "order", "after", "before", "filter", "purpose", "include", "include_obfuscation"})
PATH_PARAMETERS: Final = frozenset({*PATH_KINDS, *PATH_NAMES})
_FILE: Final = ("content", "filename", "content_type")

Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]


class Payload(WireModel):
    """The fields of a payload, without the ids of the path."""

    operation: Text
    api_key: Annotated[str, Field(min_length=1, max_length=KEY_MAX)] | None = None
    tenant: Text | None = None
    provider: Text | None = None
    end_user: Text | None = None
    tags: Annotated[list[Text], Field(max_length=TAGS_MAX)] | None = None
    idempotency_key: Text | None = None
    query: dict[str, str | int | bool] | None = None
    body: dict[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call. `team`: the tenant that the invoker names; None for a call that `api_key` authenticates."""

    operation: Operation
    ids: Mapping[str, ObjectId]
    query: Mapping[str, str]
    body: dict[str, object]
    options: CallOptions
    api_key: str | None
    team: str | None
    idempotency_key: str | None

    def attribution(self) -> tuple[str | None, tuple[str, ...]]:
        """End user and tags, checked. InvalidRequest."""
        return checked_end_user(self.options.end_user), checked_tags(self.options.tags)

    def policy(self) -> Policy:
        """The execution policy: the idempotency key. InvalidRequest for an invalid key."""
        return Policy(idempotency_key=checked_idempotency_key(self.idempotency_key))

    def command(self, openai: OpenAISurface) -> Command:
        """The command, validated like a request's. InvalidRequest, PayloadTooLarge."""
        command = self._command(openai)
        if command.streamed:
            raise error_messages.invalid_value(
                "body.stream", "an invocation has one result: send 'background' and retrieve the response, or use HTTP."
            )
        return command

    def _command(self, openai: OpenAISurface) -> Command:
        if self.operation.media is not Media.MULTIPART:
            return openai.command(self.operation, ids=self.ids, options=self.options, body=self.body, query=self.query)
        from vectorgate.api.form_data import file_upload, form_fields  # noqa: PLC0415 - an upload is sent seldom
        from vectorgate.entrypoints.invoke.file_body import DEFAULT_TYPE  # noqa: PLC0415 - the same

        fields = form_fields({name: value for name, value in self.body.items() if name not in _FILE})
        upload = file_upload(
            self.operation,
            fields,
            filename=str(self.body.get("filename") or "upload"),
            content_type=str(self.body.get("content_type") or DEFAULT_TYPE),
            content=Body.of(cast("bytes", self.body["content"])),
        )
        return openai.upload(self.operation, ids=self.ids, options=self.options, upload=upload)


def read(payload: object, *, trusts_invoker: bool, invocation_id: str | None) -> Invocation:
    """Parse the payload. InvalidRequest (400), or PermissionDenied (403) for a `tenant` where invokers are not trusted.

    `invocation_id` is Lambda's, the same for each delivery of an event: it identifies a repeated create.
    """
    if not isinstance(payload, dict) or not all(isinstance(name, str) for name in payload):
        raise error_messages.body_type(payload)
    ids = {name: payload[name] for name in PATH_PARAMETERS if payload.get(name) is not None}
    fields = validate(Payload, {name: value for name, value in payload.items() if name not in PATH_PARAMETERS})
    operation = BY_NAME.get(fields.operation)
    if operation is None:
        raise InvalidRequest(
            f"Invalid value: {error_messages.shown(fields.operation)}. The operations are: {', '.join(BY_NAME)}.",
            code="invalid_value",
            param="operation",
        )
    body = _body(operation, fields.body or {})
    return Invocation(
        operation=operation,
        ids=_path_ids(operation, ids),
        query=_query(operation, fields.query or {}),
        body=body,
        options=_options(fields),
        idempotency_key=_idempotency_key(operation, fields, invocation_id),
        team=_team(fields, trusts_invoker=trusts_invoker),
        api_key=fields.api_key and _text("api_key", fields.api_key),
    )


def _path_ids(operation: Operation, given: Mapping[str, object]) -> dict[str, ObjectId]:
    for name in given:
        if name not in operation.parameters:
            raise error_messages.unknown_parameter(name)
    for name in operation.parameters:
        if name not in given:
            raise error_messages.missing_parameter(name)
        if not isinstance(given[name], str):
            raise error_messages.invalid_type(name, "a string", given[name])
    return path_ids({name: str(given[name]) for name in operation.parameters})


def _query(operation: Operation, query: Mapping[str, str | int | bool]) -> dict[str, str]:
    for name in query:
        if operation.query_model is None or name not in QUERY:
            raise error_messages.unknown_parameter(f"query.{name}")
    return {name: str(value) for name, value in query.items()}


def _team(fields: Payload, *, trusts_invoker: bool) -> str | None:
    if fields.tenant is None:
        return None
    if not trusts_invoker:
        raise PermissionDenied(
            "This deployment does not trust its invokers to name a tenant: send an 'api_key'.",
            code="tenant_not_trusted",
            param="tenant",
        )
    if fields.api_key is not None:
        raise error_messages.mutually_exclusive("tenant", "api_key")
    team = _name("tenant", fields.tenant)
    if not team:
        raise error_messages.string_too_short("tenant", 1, 0)
    return team


def _options(fields: Payload) -> CallOptions:
    return CallOptions(
        provider=fields.provider and _text("provider", fields.provider),
        end_user=fields.end_user and _name("end_user", fields.end_user),
        tags=tuple(_tag(index, tag) for index, tag in enumerate(fields.tags or ())),
    )


def _idempotency_key(operation: Operation, fields: Payload, invocation_id: str | None) -> str | None:
    if fields.idempotency_key is not None:
        return _text("idempotency_key", fields.idempotency_key)
    return f"lambda-{invocation_id}" if operation.safety is Safety.CREATE and invocation_id else None


def _text(param: str, text: str) -> str | None:
    """The text as a header holds it, without blanks at either end; None for blanks alone. InvalidRequest."""
    if not is_label(text):
        raise error_messages.invalid_value(param, "expected printable characters without '#'")
    return text.strip() or None


def _name(param: str, text: str) -> str:
    """The name in its normal form, empty for blanks. InvalidRequest."""
    name = normal_name(text)
    if name and not is_label(name):
        raise error_messages.invalid_value(param, "expected printable characters without '#'")
    return name


def _tag(index: int, tag: str) -> str:
    if "," in tag:
        raise error_messages.invalid_value(f"tags[{index}]", "expected a tag without a comma")
    return _name(f"tags[{index}]", tag)


def _body(operation: Operation, body: dict[str, object]) -> dict[str, object]:
    if operation.media is Media.NONE:
        if body:
            raise error_messages.unknown_parameter("body")
        return {}
    if operation.media is Media.MULTIPART:
        return _file_body(body)
    check_document(body)
    return body


def _file_body(body: dict[str, object]) -> dict[str, object]:
    """The form's fields that are not null, and the file's bytes as `content`. InvalidRequest."""
    from vectorgate.api.form_data import form_fields  # noqa: PLC0415 - an upload is sent seldom
    from vectorgate.entrypoints.invoke.file_body import FileBody  # noqa: PLC0415 - the same

    file = validate(FileBody, body)
    try:
        content = base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError):
        raise error_messages.invalid_value("body.content", "expected base64") from None
    if not file.content_type.isascii() or not file.content_type.isprintable():
        raise error_messages.invalid_value("body.content_type", "expected a media type")
    given = {name: value for name, value in body.items() if value is not None} | {"content": content}
    try:
        form_fields({name: value for name, value in given.items() if name not in _FILE})
    except TypeError:
        raise error_messages.invalid_value("body.expires_after", "expected an anchor and seconds") from None
    return given
