"""Several records in one document: a message of a queue without order, or an event. Pure.

::

    {"records": [{"id": ..., ...}, {"id": ..., ...}]}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from vectorgate.api.http import encode_json
from vectorgate.exports.record import is_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vectorgate.exports.record import Record

RECORDS: Final = "records"
MOST_BYTES: Final = 60 * 1024  # SQS and EventBridge bill each 64 KB begun


def document_of(records: Sequence[Record]) -> str:
    """The document of these records."""
    return encode_json({RECORDS: records}).decode("ascii")


def parts_of(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in their order, in parts whose documents have no more than MOST_BYTES, but for one of one record."""
    part: list[Record] = []
    size = 0
    for record in records:
        own = len(encode_json(record)) + 1
        if part and size + own > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(record)
        size += own
    if part:
        yield part


def records_in(body: str) -> Sequence[Record]:
    """The records of a message, which is such a document or one record; none where it is not one of ours."""
    try:
        document = json.loads(body)
        encode_json(document)  # no destination could be told of an infinite number,
        json.dumps(document, ensure_ascii=False).encode()  # or of half a character
        found = document.get(RECORDS, [document]) if isinstance(document, dict) else None
        known = isinstance(found, list) and all(isinstance(each, dict) and is_record(each) for each in found)
        return cast("Sequence[Record]", found) if known else ()
    except (ValueError, RecursionError):
        return ()
