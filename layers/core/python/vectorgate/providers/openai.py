"""OpenAI's own dialect, which the embedded engine also implements."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final, NoReturn

from vectorgate.api.errors import INVALID_REQUEST
from vectorgate.api.http import EVENT_STREAM, JSON, encode_json
from vectorgate.api.safety import Safety
from vectorgate.ids import OBJECT_ID, ObjectKind, ProviderName
from vectorgate.providers.base import (
    Answer,
    Problem,
    Statuses,
    UnreadableAnswer,
    UpstreamRequest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.operations import Operation
    from vectorgate.ids import OperationId
    from vectorgate.providers.base import Call, UpstreamResponse
    from vectorgate.providers.credentials import Credential

# The provider's headers that a client may see. All others are dropped: cookies, CDN traces, and `openai-organization`
# and `openai-project`, which name the deployment's account.
FORWARDED_HEADERS: Final = frozenset(
    {
        "openai-poll-after-ms",
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "x-request-id",
        "x-should-retry",
    }
)
# A store gets the operation's id in its metadata, if there is room for one more key. The client never sees this tag and
# cannot set it; ids are unguessable, so a tag proves the operation that created the store.
TAG: Final = "vectorgate_operation"
MAX_METADATA: Final = 16  # keys; OpenAI's limit
FORWARDED_PREFIX: Final = "x-ratelimit-"
# The fields of a store that a snapshot holds where they differ from these values, which therefore never change. They
# describe a store of which nothing else is known.
UNKNOWN_STORE: Final[Mapping[str, object]] = {
    "name": None,
    "description": None,
    "usage_bytes": 0,
    "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
    "status": "in_progress",
    "expires_after": None,
    "expires_at": None,
    "last_active_at": None,
    "metadata": {},
}
MAX_SNAPSHOT: Final = 100 * 1024  # characters; DynamoDB refuses items above 400 KB
_PARTIAL: Final = 206
_TOO_MANY: Final = 429
_MAX_MESSAGE: Final = 2_000
_MAX_FIELD: Final = 200
_MAX_HEADER: Final = 1_000


class OpenAI:
    """`https://api.openai.com/v1`, or another host that the secret names."""

    statuses = Statuses()

    def __init__(self, name: str = "openai") -> None:
        self.name = ProviderName(name)

    def request(self, call: Call, credential: Credential) -> UpstreamRequest:
        """The operation's path below the credential's base URL, with ids that were checked before."""
        headers = {"authorization": f"Bearer {credential.api_key.reveal()}", "user-agent": "vectorgate", **call.headers}
        if call.operation.path.startswith("/vector_stores"):
            headers["openai-beta"] = "assistants=v2"
        if isinstance(call.content, bytes):
            headers["content-type"] = JSON
        if call.stream:
            headers["accept"] = EVENT_STREAM
        return UpstreamRequest(
            method=call.operation.method,
            url=credential.base_url + filled(call.operation.path, call.ids) + query_string(call.query),
            headers=headers,
            content=call.content,
            binary=call.operation.binary,
            stream=call.stream,
        )

    def answer(self, operation: Operation, response: UpstreamResponse) -> Answer:
        """The provider's document, with `bytes` beside `usage_bytes`, as OpenAI's reference documents it."""
        if response.status == _PARTIAL:
            raise UnreadableAnswer("a partial answer to a request without a range")
        headers = self.forwarded_headers(response.headers)
        request_id = self.request_id(response.headers)
        if response.events is not None:
            headers = {**headers, "content-type": f"{EVENT_STREAM}; charset=utf-8", "cache-control": "no-cache"}
            return Answer(status=response.status, headers=headers, events=response.events, request_id=request_id)
        if operation.binary:
            content_type = response.headers.get("content-type", "application/octet-stream")
            headers = {**headers, "content-type": content_type}
            return Answer(status=response.status, headers=headers, body=response.body, request_id=request_id)
        document = read_object(response.body.read())
        created = _created(operation, document) if operation.creates is not None else None
        names = _list_fields(operation)
        if names and not any(isinstance(document.get(name), list) for name in names):
            raise UnreadableAnswer("the answer to a list or a search holds no list")
        return Answer(
            status=response.status,
            headers=headers,
            document=with_both_sizes(document),
            created=created,
            request_id=request_id,
            date=response.headers.get("date"),
        )

    def problem(self, response: UpstreamResponse) -> Problem:
        """Those of OpenAI's four fields that are present, bounded in length; never the raw body."""
        try:
            error = read_object(response.body.read()).get("error")
        except UnreadableAnswer:
            error = None
        default_type = self.default_type(response.status)
        if not isinstance(error, dict):
            return Problem(message=f"The provider answered with status {response.status}.", type=default_type)
        return Problem(
            message=_text(error.get("message"), _MAX_MESSAGE) or f"The provider answered {response.status}.",
            type=_text(error.get("type"), _MAX_FIELD) or default_type,
            code=_text(error.get("code"), _MAX_FIELD),
            param=_text(error.get("param"), _MAX_FIELD),
        )

    def default_type(self, status: int) -> str:
        """The type of an error that names none, by its status."""
        if status == _TOO_MANY:
            return "rate_limit_error"
        return INVALID_REQUEST if status in self.statuses.refused else "server_error"

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """The `x-request-id` header, bounded in length."""
        return _text(headers.get("x-request-id"), _MAX_FIELD)

    def forwarded_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Request id, rate limits and hints about retries."""
        return forwarded_headers(headers)

    def hidden(self, credential: Credential) -> tuple[str, ...]:
        """Nothing: OpenAI's host is the same for all accounts."""
        del credential
        return ()


def _list_fields(operation: Operation) -> tuple[str, ...]:
    """The fields of which one must be a list: `data`, in every read but those of a single object.

    The content of a store's file is such a page, too; the reference documents another form: either is accepted.
    """
    if operation.safety is not Safety.READ or operation.binary or operation.single or operation.path.endswith("}"):
        return ()
    return ("data", "content") if operation.path.endswith("/content") else ("data",)


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A path template with its ids. They match `ids.OBJECT_ID`, so nothing in them needs quoting."""
    return path.format_map(ids)


def query_string(query: Mapping[str, str]) -> str:
    """`?a=b&c=d`, or nothing. The values of a list (`include[]`) are joined by commas, and sent as one pair each."""
    if not query:
        return ""
    from urllib.parse import urlencode  # noqa: PLC0415 - most requests have no query

    pairs = [(name, value.split(",") if name.endswith("[]") else value) for name, value in query.items()]
    return "?" + urlencode(pairs, doseq=True)


def forwarded_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The provider's headers that a client may see, bounded in length."""
    return {
        name: value[:_MAX_HEADER]
        for name, value in headers.items()
        if name in FORWARDED_HEADERS or name.startswith(FORWARDED_PREFIX)
    }


def read_object(content: bytes) -> dict[str, object]:
    """A JSON object. UnreadableAnswer for anything else."""
    try:
        document = _DECODER.decode(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("the provider's answer is not JSON") from error
    if not isinstance(document, dict):
        raise UnreadableAnswer("the provider's answer is not a JSON object")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):  # 1e999 is JSON, but the number could not be encoded as JSON again
        raise ValueError(digits[:20])
    return number


# Made once: `json.loads` with arguments makes a decoder at each call.
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _created(operation: Operation, document: Mapping[str, object]) -> Mapping[str, object]:
    """The object of a create. UnreadableAnswer when the answer has no id."""
    created = document if operation.result_field is None else document.get(operation.result_field)
    created_id = created.get("id") if isinstance(created, dict) else None
    if not isinstance(created, dict) or not isinstance(created_id, str) or not OBJECT_ID.fullmatch(created_id):
        raise UnreadableAnswer("the answer to a create names no id")
    return created


def with_both_sizes(document: dict[str, object]) -> dict[str, object]:
    """Give each vector store both `bytes` (as in the reference) and `usage_bytes` (as in OpenAI's answers)."""
    if document.get("object") == "vector_store":
        for present, missing in (("usage_bytes", "bytes"), ("bytes", "usage_bytes")):
            if present in document:
                document.setdefault(missing, document[present])
    elif document.get("object") == "list" and isinstance(document.get("data"), list):
        document["data"] = [with_both_sizes(item) if isinstance(item, dict) else item for item in document["data"]]  # type: ignore[attr-defined]
    return document


def tagged(command: Command, operation_id: OperationId) -> Mapping[str, object] | None:
    """The command's body with the tag in its metadata; None without room for it, or if no store is created."""
    if command.operation.creates is not ObjectKind.VECTOR_STORE:
        return None
    metadata = command.body.get("metadata") or {}
    if not isinstance(metadata, dict) or len(metadata) >= MAX_METADATA:
        return None
    return {**command.body, "metadata": {**metadata, TAG: operation_id}}


def tag_of(document: Mapping[str, object]) -> str | None:
    """The operation id in a store's tag, if it has one."""
    metadata = document.get("metadata")
    tag = metadata.get(TAG) if isinstance(metadata, dict) else None
    return tag if isinstance(tag, str) else None


def without_tag(document: Mapping[str, object]) -> Mapping[str, object]:
    """A document for the client: a store, or a list of them, without tags."""
    data = document.get("data")
    if isinstance(data, list):
        return {**document, "data": [without_tag(item) if isinstance(item, dict) else item for item in data]}
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or TAG not in metadata:
        return document
    return {**document, "metadata": {name: value for name, value in metadata.items() if name != TAG}}


def snapshot_of(kind: ObjectKind, document: Mapping[str, object]) -> str | None:
    """What an ownership row keeps of the provider's description of an object, as JSON; None if nothing."""
    if kind is ObjectKind.VECTOR_STORE:
        return _store_snapshot(document)
    return encode_json(document).decode("ascii") if kind in {ObjectKind.FILE, ObjectKind.UPLOAD} else None


def _store_snapshot(document: Mapping[str, object]) -> str | None:
    kept = {name: document[name] for name in UNKNOWN_STORE if name in document}
    differing = {name: value for name, value in kept.items() if value != UNKNOWN_STORE[name]}
    text = encode_json(differing).decode("ascii")
    return text if len(text) <= MAX_SNAPSHOT else None


def _text(value: object, most: int) -> str | None:
    return value[:most] if isinstance(value, str) and value else None
