"""Ids of objects in paths and in nested places of bodies, without pydantic, which background tasks do not load."""

from __future__ import annotations

from typing import Final

from vectorgate.api.schemas import error_messages
from vectorgate.ids import ID_PREFIXES, OBJECT_ID, PATH_KINDS, ObjectKind, is_of_another_kind

ID_MAX: Final = 128


def check_id(param: str, value: str) -> str:
    """Return `value` if it can be the id that the parameter `param` names.

    InvalidRequest on `param` unless it is 1 to 128 letters, digits, underscores and dashes, and, for a parameter of a
    path, for an id that begins as those of another kind of object do.
    """
    return check_object_id(param, value, PATH_KINDS[param])


def check_object_id(param: str, value: str, kind: ObjectKind) -> str:
    """Return `value` if it can be the id of an object of that kind. InvalidRequest on `param`, as for `check_id`."""
    if not value:
        raise error_messages.string_too_short(param, 1, 0)
    if len(value) > ID_MAX:
        raise error_messages.string_too_long(param, ID_MAX, len(value))
    if not OBJECT_ID.fullmatch(value):
        raise error_messages.bad_id(param, value)
    if kind in ID_PREFIXES and is_of_another_kind(kind, value):
        raise error_messages.id_of_another_kind(param, value, ID_PREFIXES[kind])
    return value
