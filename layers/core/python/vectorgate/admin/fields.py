"""What several of the administrator's requests and answers share: bodies, names, metadata, dates, and amounts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import StrictFloat

from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas.error_messages import missing_parameter
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import OperationId, is_label, normal_name
from vectorgate.pricing.money import NANO_PER_USD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.api.http import Request
    from vectorgate.ledger.ports import Position

_CURSOR: Final = re.compile(r"([0-9]{1,13})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
Dollars = StrictFloat  # which takes a whole number, too; a union would put its branch into the name of a wrong field
MAX_BODY: Final = 64 * 1024
MAX_METADATA: Final = 2_048
MAX_UNIX_MS: Final = 9_999_999_999_999  # the last moment whose 13 digits the ledger sorts by, in the year 2286


def read_body(request: Request, max_bytes: int = MAX_BODY) -> dict[str, object]:
    """The request's JSON object. InvalidRequest."""
    return schemas.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=max_bytes)


def required(request: Request, param: str) -> str:
    """A parameter of the query. InvalidRequest without one."""
    value = request.query.get(param, "")
    if not value:
        raise missing_parameter(param)
    return value


def invalid(param: str, expected: str) -> InvalidRequest:
    """The error for a value that is not what was expected."""
    return InvalidRequest(f"Invalid '{param}': expected {expected}.", code="invalid_value", param=param)


def label(param: str, text: str) -> str:
    """A name that an administrator gives, in its normal form. InvalidRequest for one that cannot be a part of a key."""
    name = normal_name(text)
    if not is_label(name):
        raise invalid(param, "1 to 128 printable characters without '#'")
    return name


def label_forms(param: str, text: str) -> frozenset[str]:
    """The normal form of a name, and the name as it is: earlier releases kept names in any form. InvalidRequest."""
    return frozenset(form for form in (label(param, text), text) if is_label(form))


def optional_label(param: str, text: str | None) -> str | None:
    """As `label`; None for no name."""
    return None if text is None else label(param, text)


def metadata_text(metadata: dict[str, object] | None) -> str | None:
    """An administrator's metadata as JSON. InvalidRequest for more than MAX_METADATA characters."""
    if metadata is None:
        return None
    text = json.dumps(metadata, separators=(",", ":"))
    if len(text) > MAX_METADATA:
        raise InvalidRequest(
            f"Invalid 'metadata': expected at most {MAX_METADATA} characters of JSON.",
            code="string_above_max_length",
            param="metadata",
        )
    return text


def metadata_object(text: str | None) -> object:
    """The inverse of `metadata_text`; {} for none."""
    return json.loads(text) if text is not None else {}


def moment_ms(param: str, text: str, *, end_of_day: bool = False) -> int:
    """Unix milliseconds of a day (`2026-11-22`; an end day is included) or of an ISO 8601 time, UTC by default."""
    try:
        moment = datetime.fromisoformat(text)
        if end_of_day and len(text) == len("2026-11-22"):
            moment += timedelta(days=1)
        unix_ms = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * MILLISECONDS)
    except (ValueError, OverflowError):
        unix_ms = -1
    if not 0 <= unix_ms <= MAX_UNIX_MS:
        raise invalid(param, "a date such as 2026-11-22")
    return unix_ms


def iso_time(unix_s: int | None) -> str | None:
    """A Unix second in ISO 8601, UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat() if unix_s is not None else None


def dollars(nano: int | None) -> float | None:
    """Nano-dollars as dollars, for people: answers state the exact amount in nano-dollars beside it."""
    if nano is None:
        return None
    return nano / NANO_PER_USD if nano % NANO_PER_USD else nano // NANO_PER_USD


def cursor_text(position: Position) -> str:
    """A position in the ledger as a cursor."""
    return f"{position[0]}.{position[1]}"


def read_cursor(text: str) -> Position:
    """The inverse of `cursor_text`. InvalidRequest."""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise invalid("cursor", "the next_cursor of an earlier answer")
    return int(match[1]), OperationId(match[2])


def tags(given: Sequence[str] | None) -> tuple[str, ...]:
    """A key's tags, as calls have them. InvalidRequest."""
    from vectorgate.gateway.parser import checked_tags  # noqa: PLC0415 - of five modules, which parse calls

    return checked_tags(tuple(given or ()))
