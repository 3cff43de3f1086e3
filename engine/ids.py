"""New ids in OpenAI's shapes, from an injected source of random bytes."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Final

RandomBytes = Callable[[int], bytes]
"""`n` to `n` random bytes: `secrets.token_bytes`, or a test's own."""

ALPHABET: Final = string.digits + string.ascii_letters
FILE_ID_CHARS: Final = 24
FILE_ID_BYTES: Final = 32  # 62**24 is a little under 2**143: what these leave of a bias cannot be measured


def store_id(random: RandomBytes) -> str:
    """`vs_` and 32 hex digits."""
    return f"vs_{random(16).hex()}"


def batch_id(random: RandomBytes) -> str:
    """`vsfb_` and 32 hex digits."""
    return f"vsfb_{random(16).hex()}"


def upload_id(random: RandomBytes) -> str:
    """`upload_` and 32 hex digits."""
    return f"upload_{random(16).hex()}"


def part_id(random: RandomBytes) -> str:
    """`part_` and 32 hex digits."""
    return f"part_{random(16).hex()}"


def request_id(random: RandomBytes) -> str:
    """`req_` and 32 hex digits."""
    return f"req_{random(16).hex()}"


def file_id(random: RandomBytes) -> str:
    """`file-` and 24 letters or digits."""
    number = int.from_bytes(random(FILE_ID_BYTES))
    chars = []
    for _ in range(FILE_ID_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        chars.append(ALPHABET[digit])
    return f"file-{''.join(chars)}"


def response_id(random: RandomBytes) -> str:
    """`resp_` and 48 hex digits."""
    return item_id("resp", random)


def item_id(prefix: str, random: RandomBytes) -> str:
    """The prefix of the item's type, and 48 hex digits."""
    return f"{prefix}_{random(24).hex()}"
