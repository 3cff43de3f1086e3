"""Ids in OpenAI's shapes, from an injected source of random bytes; and the pattern every id must keep."""

import re
import string
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""``n -> n`` random bytes: ``secrets.token_bytes``, or a test's own."""

ALPHABET = string.digits + string.ascii_letters
FILE_ID_CHARS = 24
# 62**24 is a little under 2**143: 32 bytes leave a bias no one can measure.
FILE_ID_BYTES = 32
PATTERN = re.compile(r"[A-Za-z0-9_-]{1,128}")


def is_id(value: str) -> bool:
    """Whether ``value`` may be used in a path or as a file name."""
    return PATTERN.fullmatch(value) is not None


def store_id(random: RandomBytes) -> str:
    """``vs_`` and 32 hex digits."""
    return f"vs_{random(16).hex()}"


def batch_id(random: RandomBytes) -> str:
    """``vsfb_`` and 32 hex digits."""
    return f"vsfb_{random(16).hex()}"


def upload_id(random: RandomBytes) -> str:
    """``upload_`` and 32 hex digits."""
    return f"upload_{random(16).hex()}"


def part_id(random: RandomBytes) -> str:
    """``part_`` and 32 hex digits."""
    return f"part_{random(16).hex()}"


def request_id(random: RandomBytes) -> str:
    """``req_`` and 32 hex digits."""
    return f"req_{random(16).hex()}"


def file_id(random: RandomBytes) -> str:
    """``file-`` and 24 letters or digits."""
    number = int.from_bytes(random(FILE_ID_BYTES))
    chars = []
    for _ in range(FILE_ID_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        chars.append(ALPHABET[digit])
    return f"file-{''.join(chars)}"
