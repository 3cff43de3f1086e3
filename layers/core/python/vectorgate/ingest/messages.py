"""From a message of the queue to notices, and from a reminder to a message. Pure.

===========================================  ====================================================================
message                                      notices
===========================================  ====================================================================
S3's notification (`Records`)                a Change each; none for `s3:TestEvent` and kinds that change nothing
EventBridge, source `aws.s3`                 a Change: `Object Created`, `Object Deleted`
EventBridge, `VectorStore Create Requested`  CreateRequested
EventBridge, `File Attach Requested`         AttachRequested
our own, `{"vectorgate": "watch", ...}`      Watch
===========================================  ====================================================================

Anything else is Unreadable. A sender is what AWS says it is (the key, the event's `source`): `detail` has no field
that could name a team, and an unknown field is refused, not ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote_to_bytes

from vectorgate.api.schemas import CreateVectorStore
from vectorgate.ids import is_label, is_object_id
from vectorgate.ingest.model import AttachRequested, Change, CreateRequested, ObjectLocation, Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ingest.model import IngestEvent

    Document: TypeAlias = Mapping[str, object]

CREATE: Final = "VectorStore Create Requested"
ATTACH: Final = "File Attach Requested"
S3_SOURCE: Final = "aws.s3"  # EventBridge lets nobody but AWS put events whose source begins with `aws.`
MAX_SHOWN: Final = 100
_WATCH: Final = "watch"
_WATCH_FIELDS: Final = frozenset({"vectorgate", "team", "vector_store_id", "batch_id", "files", "round"})
_ATTACH_FIELDS: Final = frozenset({"file_id", "vector_store_id", "name", "attributes", "chunking_strategy"})
_SEQUENCER: Final = re.compile(r"[0-9A-Fa-f]{1,64}", re.ASCII)
_VERSION: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_WRITTEN: Final = ("ObjectCreated:",)
_MARKED: Final = frozenset({"ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:DeleteMarkerCreated"})
_REMOVED: Final = frozenset({"ObjectRemoved:Delete", "LifecycleExpiration:Delete"})


class Unreadable(Exception):
    """Not a message that means anything here: to be set aside with the reason, `str(error)`."""


def read(body: object) -> list[IngestEvent]:
    """The notices in a message's decoded JSON body, in its order. Unreadable."""
    message = _object(body, "the message")
    if "vectorgate" in message:
        return [_watch(message)]
    if "Records" in message:
        records = message["Records"]
        if not isinstance(records, list):
            raise Unreadable("'Records' is not a list")
        return [change for record in records if (change := _record(_object(record, "a record"))) is not None]
    if message.get("Event") == "s3:TestEvent":
        return []
    if "detail-type" in message:
        return _event(message)
    raise Unreadable("neither a notification of S3's nor an event")


def write(watch: Watch) -> dict[str, object]:
    """The body of a reminder, which `read` reads."""
    return {
        "vectorgate": _WATCH,
        "team": watch.team,
        "vector_store_id": watch.vector_store_id,
        "batch_id": watch.batch_id,
        "round": watch.round,
        "files": {name: _origin(origin) for name, origin in watch.files.items()},
    }


def _origin(origin: ObjectLocation | str) -> object:
    return [origin.bucket, origin.key] if isinstance(origin, ObjectLocation) else origin


def _watch(message: Document) -> Watch:
    """Exactly what `write` wrote: an event has fields beside these, whatever its sender put into it."""
    files, number = message.get("files"), message.get("round")
    if set(message) != _WATCH_FIELDS or message["vectorgate"] != _WATCH or not isinstance(files, dict):
        raise Unreadable("not a reminder of ours")
    if not isinstance(number, int) or isinstance(number, bool) or not files or not all(map(is_object_id, files)):
        raise Unreadable("not a reminder of ours")
    batch_id = message["batch_id"]
    return Watch(
        team=_label(message, "team"),
        vector_store_id=_id(message, "vector_store_id"),
        batch_id=None if batch_id is None else _id(message, "batch_id"),
        files={name: _origin_of(said) for name, said in files.items()},
        round=number,
    )


def _origin_of(said: object) -> ObjectLocation | str:
    match said:
        case str():
            return said
        case [str(bucket), str(key)]:
            return ObjectLocation(bucket, key)
        case _:
            raise Unreadable("not a reminder of ours")


def _record(record: Document) -> Change | None:
    """One record of S3's own notification. Its keys are encoded like the fields of a form."""
    if record.get("eventSource") != "aws:s3":
        raise Unreadable(f"a record of {_shown(record.get('eventSource'))}, which is not S3")
    name = _text(record, "eventName").removeprefix("s3:")
    written, marked = name.startswith(_WRITTEN), name in _MARKED
    if not written and not marked and name not in _REMOVED:
        return None
    content = _object(record.get("s3"), "'s3'")
    bucket, thing = _object(content.get("bucket"), "'bucket'"), _object(content.get("object"), "'object'")
    # Not UTF-8 stays visible as surrogates, and is refused where keys are judged.
    key = unquote_to_bytes(_text(thing, "key").replace("+", " ")).decode("utf-8", "surrogateescape")
    return Change(
        place=ObjectLocation(_text(bucket, "name"), key),
        sequencer=_sequencer(thing),
        version=None if marked else _version(thing, "versionId"),
        gone=not written,
    )


def _event(message: Document) -> list[IngestEvent]:
    kind, source = message["detail-type"], _label(message, "source")
    event_id, detail = _label(message, "id"), _object(message.get("detail"), "'detail'")
    if source == S3_SOURCE:
        change = _s3_event(kind, detail)
        return [] if change is None else [change]
    if kind == CREATE:
        _only(detail, CreateVectorStore.model_fields)
        return [CreateRequested(event_id=event_id, source=source, body=detail)]
    if kind == ATTACH:
        return [_attach(event_id, source, detail)]
    raise Unreadable(f"an event of the kind {_shown(kind)}; the kinds are '{CREATE}' and '{ATTACH}'")


def _s3_event(kind: object, detail: Document) -> Change | None:
    """S3 by way of EventBridge, where keys are not encoded."""
    if kind not in {"Object Created", "Object Deleted"}:
        return None
    bucket, thing = _object(detail.get("bucket"), "'bucket'"), _object(detail.get("object"), "'object'")
    marked = detail.get("deletion-type") == "Delete Marker Created"
    return Change(
        place=ObjectLocation(_text(bucket, "name"), _text(thing, "key")),
        sequencer=_sequencer(thing),
        version=None if marked else _version(thing, "version-id"),
        gone=kind == "Object Deleted",
    )


def _attach(event_id: str, source: str, detail: Document) -> AttachRequested:
    _only(detail, _ATTACH_FIELDS)
    store, name = detail.get("vector_store_id"), detail.get("name")
    if (store is None) == (name is None):
        raise Unreadable("exactly one of 'vector_store_id' and 'name' says where the file is to be attached")
    return AttachRequested(
        event_id=event_id,
        source=source,
        file_id=_id(detail, "file_id"),
        vector_store_id=None if store is None else _id(detail, "vector_store_id"),
        name=None if name is None else _label(detail, "name"),
        attributes=_optional_object(detail, "attributes"),
        chunking_strategy=_optional_object(detail, "chunking_strategy"),
    )


def _only(detail: Document, known: Mapping[str, object] | frozenset[str]) -> None:
    """A field that we do not know could be one that somebody believes in: a team, a key, a provider."""
    unknown = sorted(set(detail) - set(known))
    if unknown:
        raise Unreadable(f"unknown field in 'detail': {_shown(unknown[0])}; the fields are {', '.join(sorted(known))}")


def _optional_object(detail: Document, name: str) -> Document | None:
    return None if detail.get(name) is None else _object(detail[name], f"'{name}'")


def _object(value: object, what: str) -> Document:
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is not a JSON object")
    return value


def _text(content: Document, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"'{name}' is not a text")
    return value


def _label(content: Document, name: str) -> str:
    value = _text(content, name)
    if not is_label(value):
        raise Unreadable(f"'{name}' is not a name: 1 to 256 characters without '#' and control characters")
    return value


def _id(content: Document, name: str) -> str:
    value = _text(content, name)
    if not is_object_id(value):
        raise Unreadable(f"'{name}' is not an id")
    return value


def _sequencer(thing: Document) -> str:
    value = _text(thing, "sequencer")
    if _SEQUENCER.fullmatch(value) is None:
        raise Unreadable("'sequencer' is not hexadecimal")
    return value


def _version(thing: Document, name: str) -> str | None:
    value = thing.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or _VERSION.fullmatch(value) is None:
        raise Unreadable(f"'{name}' is not a version")
    return value


def _shown(value: object) -> str:
    return repr(value)[:MAX_SHOWN]
