"""From a message of the queue to events, and from a reminder to a message. Pure.

===========================================  ====================================================================
message                                      events
===========================================  ====================================================================
S3's notification (`Records`)                an ObjectChange each; none for `s3:TestEvent`, tags, ACLs, restores
EventBridge, source `aws.s3`                 an ObjectChange: `Object Created`, `Object Deleted`
EventBridge, `VectorStore Create Requested`  CreateRequested
EventBridge, `File Attach Requested`         AttachRequested
our own, `{"vectorgate": "watch", ...}`      IndexingReminder
===========================================  ====================================================================

Anything else is an UnreadableMessage. A sender is what AWS says it is (the key's first part, the event's `source`): no
field of `detail` names a team, and an unknown field is refused, not ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote_to_bytes

from vectorgate.api.schemas import CreateVectorStore
from vectorgate.ids import is_label, is_object_id
from vectorgate.ingest.model import AttachRequested, CreateRequested, IndexingReminder, ObjectChange, ObjectLocation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ingest.model import IngestEvent

    Document: TypeAlias = Mapping[str, object]

CREATE: Final = "VectorStore Create Requested"
ATTACH: Final = "File Attach Requested"
S3_SOURCE: Final = "aws.s3"  # EventBridge accepts a source that begins with `aws.` from AWS services only
_MAX_QUOTED: Final = 100
_REMINDER: Final = "watch"
_REMINDER_FIELDS: Final = frozenset({"vectorgate", "team", "vector_store_id", "batch_id", "files", "round"})
_ATTACH_FIELDS: Final = frozenset({"file_id", "vector_store_id", "name", "attributes", "chunking_strategy"})
_SEQUENCER: Final = r"[0-9A-Fa-f]{1,64}"
_VERSION: Final = r"[\x21-\x7e]{1,1024}"
_WRITE_PREFIX: Final = "ObjectCreated:"
_DELETE_MARKER_EVENTS: Final = frozenset(
    {"ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:DeleteMarkerCreated"}
)
_DELETE_EVENTS: Final = frozenset({"ObjectRemoved:Delete", "LifecycleExpiration:Delete"})


class UnreadableMessage(Exception):
    """The message is of no known form. `str(error)` is the reason for the dead-letter queue."""


def read_events(body: object) -> list[IngestEvent]:
    """The events in a message's decoded JSON body, in its order. UnreadableMessage."""
    message = _object(body, "the message")
    if "vectorgate" in message:
        return [_reminder(message)]
    if "Records" in message:
        records = message["Records"]
        if not isinstance(records, list):
            raise UnreadableMessage("'Records' is not a list")
        return [change for record in records if (change := _notified_change(_object(record, "a record"))) is not None]
    if message.get("Event") == "s3:TestEvent":
        return []
    if "detail-type" in message:
        return _bus_events(message)
    raise UnreadableMessage("neither a notification of S3's nor an event")


def write_reminder(reminder: IndexingReminder) -> dict[str, object]:
    """The body of a reminder, as `read_events` takes it."""
    return {
        "vectorgate": _REMINDER,
        "team": reminder.team,
        "vector_store_id": reminder.vector_store_id,
        "batch_id": reminder.batch_id,
        "round": reminder.round,
        "files": {name: _origin_document(origin) for name, origin in reminder.files.items()},
    }


def _origin_document(origin: ObjectLocation | str) -> object:
    return [origin.bucket, origin.key] if isinstance(origin, ObjectLocation) else origin


def _reminder(message: Document) -> IndexingReminder:
    """A document of exactly the fields of `write_reminder`. An event's envelope always has others, so none passes."""
    files, number = message.get("files"), message.get("round")
    if set(message) != _REMINDER_FIELDS or message["vectorgate"] != _REMINDER or not isinstance(files, dict):
        raise UnreadableMessage("not a valid reminder")
    if not isinstance(number, int) or isinstance(number, bool) or not files or not all(map(is_object_id, files)):
        raise UnreadableMessage("not a valid reminder")
    batch_id = message["batch_id"]
    return IndexingReminder(
        team=_label(message, "team"),
        vector_store_id=_id(message, "vector_store_id"),
        batch_id=None if batch_id is None else _id(message, "batch_id"),
        files={name: _read_origin(origin) for name, origin in files.items()},
        round=number,
    )


def _read_origin(origin: object) -> ObjectLocation | str:
    match origin:
        case str():
            return origin
        case [str(bucket), str(key)]:
            return ObjectLocation(bucket, key)
        case _:
            raise UnreadableMessage("not a valid reminder")


def _notified_change(record: Document) -> ObjectChange | None:
    """A record of S3's own notification, whose keys are form-encoded. None for a kind that changes no content."""
    if record.get("eventSource") != "aws:s3":
        raise UnreadableMessage(f"a record of {_quoted(record.get('eventSource'))}, which is not S3")
    name = _text(record, "eventName").removeprefix("s3:")
    written, by_marker = name.startswith(_WRITE_PREFIX), name in _DELETE_MARKER_EVENTS
    if not written and not by_marker and name not in _DELETE_EVENTS:
        return None
    content = _object(record.get("s3"), "'s3'")
    bucket, stored = _object(content.get("bucket"), "'bucket'"), _object(content.get("object"), "'object'")
    # Bytes that are not UTF-8 become surrogates, which `parse_object_key` refuses.
    key = unquote_to_bytes(_text(stored, "key").replace("+", " ")).decode("utf-8", "surrogateescape")
    return ObjectChange(
        location=ObjectLocation(_text(bucket, "name"), key),
        sequencer=_sequencer(stored),
        version=None if by_marker else _version(stored, "versionId"),
        deleted=not written,
    )


def _bus_events(message: Document) -> list[IngestEvent]:
    detail_type, source = message["detail-type"], _label(message, "source")
    event_id, detail = _label(message, "id"), _object(message.get("detail"), "'detail'")
    if source == S3_SOURCE:
        change = _bus_change(detail_type, detail)
        return [] if change is None else [change]
    if detail_type == CREATE:
        _check_fields(detail, CreateVectorStore.model_fields)
        return [CreateRequested(event_id=event_id, source=source, body=detail)]
    if detail_type == ATTACH:
        return [_attach_requested(event_id, source, detail)]
    raise UnreadableMessage(f"an event of the kind {_quoted(detail_type)}; the kinds are '{CREATE}' and '{ATTACH}'")


def _bus_change(detail_type: object, detail: Document) -> ObjectChange | None:
    """An S3 event on EventBridge, where keys are not encoded. None for a kind that changes no content."""
    if detail_type not in {"Object Created", "Object Deleted"}:
        return None
    bucket, stored = _object(detail.get("bucket"), "'bucket'"), _object(detail.get("object"), "'object'")
    by_marker = detail.get("deletion-type") == "Delete Marker Created"
    return ObjectChange(
        location=ObjectLocation(_text(bucket, "name"), _text(stored, "key")),
        sequencer=_sequencer(stored),
        version=None if by_marker else _version(stored, "version-id"),
        deleted=detail_type == "Object Deleted",
    )


def _attach_requested(event_id: str, source: str, detail: Document) -> AttachRequested:
    _check_fields(detail, _ATTACH_FIELDS)
    store, name = detail.get("vector_store_id"), detail.get("name")
    if (store is None) == (name is None):
        raise UnreadableMessage("exactly one of 'vector_store_id' and 'name' says where the file is to be attached")
    return AttachRequested(
        event_id=event_id,
        source=source,
        file_id=_id(detail, "file_id"),
        vector_store_id=None if store is None else _id(detail, "vector_store_id"),
        name=None if name is None else _label(detail, "name"),
        attributes=_optional_object(detail, "attributes"),
        chunking_strategy=_optional_object(detail, "chunking_strategy"),
    )


def _check_fields(detail: Document, known: Mapping[str, object] | frozenset[str]) -> None:
    """Refuse unknown fields: a sender could take one (a team, a key, a provider) to have an effect."""
    unknown = sorted(set(detail) - set(known))
    if unknown:
        raise UnreadableMessage(
            f"unknown field in 'detail': {_quoted(unknown[0])}; the fields are {', '.join(sorted(known))}"
        )


def _optional_object(detail: Document, name: str) -> Document | None:
    return None if detail.get(name) is None else _object(detail[name], f"'{name}'")


def _object(value: object, what: str) -> Document:
    if not isinstance(value, dict):
        raise UnreadableMessage(f"{what} is not a JSON object")
    return value


def _text(content: Document, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableMessage(f"'{name}' is not a text")
    return value


def _label(content: Document, name: str) -> str:
    value = _text(content, name)
    if not is_label(value):
        raise UnreadableMessage(f"'{name}' is not a name: 1 to 256 characters without '#' and control characters")
    return value


def _id(content: Document, name: str) -> str:
    value = _text(content, name)
    if not is_object_id(value):
        raise UnreadableMessage(f"'{name}' is not an id")
    return value


def _sequencer(stored: Document) -> str:
    value = _text(stored, "sequencer")
    if re.fullmatch(_SEQUENCER, value) is None:
        raise UnreadableMessage("'sequencer' is not hexadecimal")
    return value


def _version(stored: Document, name: str) -> str | None:
    value = stored.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or re.fullmatch(_VERSION, value) is None:
        raise UnreadableMessage(f"'{name}' is not a version")
    return value


def _quoted(value: object) -> str:
    return repr(value)[:_MAX_QUOTED]
