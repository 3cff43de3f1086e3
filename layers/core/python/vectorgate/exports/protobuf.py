"""The part of Protocol Buffers that OTLP's messages need: four kinds of fields, and reading one number. Pure."""

from __future__ import annotations

import struct
from typing import Final

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MORE: Final = 0x80
_SIGNED: Final = (1 << 64) - 1  # a negative int64 is ten bytes
_LONGEST: Final = 63  # bits before the last byte of a number


def number(field: int, value: int) -> bytes:
    """An integer, or an enum's value; of 64 bits with its sign."""
    return _varint(field << 3 | _VARINT) + _varint(value & _SIGNED)


def fixed64(field: int, value: int) -> bytes:
    """An unsigned integer of eight bytes."""
    return _varint(field << 3 | _FIXED64) + struct.pack("<Q", value)


def double(field: int, value: float) -> bytes:
    """A float of eight bytes."""
    return _varint(field << 3 | _FIXED64) + struct.pack("<d", value)


def nested(field: int, content: bytes | str) -> bytes:
    """Bytes, a text, or a message. Half a surrogate pair, which UTF-8 does not have, is replaced."""
    encoded = content.encode("utf-8", "replace") if isinstance(content, str) else content
    return _varint(field << 3 | _BYTES) + _varint(len(encoded)) + encoded


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= _MORE:
        found.append(value & (_MORE - 1) | _MORE)
        value >>= 7
    return bytes([*found, value])


def fields_of(message: bytes) -> dict[int, int | bytes]:
    """The last value of each field: a number, or bytes. ValueError for what is no message."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            found[tag >> 3], at = _read_varint(message, at)
            continue
        size, at = _read_varint(message, at) if kind == _BYTES else ({_FIXED64: 8, _FIXED32: 4}.get(kind, -1), at)
        if size < 0 or at + size > len(message):
            raise ValueError("no message")
        found[tag >> 3] = message[at : at + size]
        at += size
    return found


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift <= _LONGEST:
        byte = message[at]
        value |= (byte & (_MORE - 1)) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at
    raise ValueError("no number")
