"""Values that no client should send: texts, bytes and documents of every kind, from a seeded generator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

TEXTS: Final = (
    *(
        "",
        " ",
        "\x00",
        "\r\n",
        "\ufeff",
        "\ud800",
        "\U0010ffff",
        "\u202e",
        "ﬀ",
        "İ",
        "é" * 300,
        "..",
        "%2f",
        "%00",
        "%25",
        "//",
    ),
    *(
        "null",
        "true",
        "NaN",
        "-1",
        "0",
        "1e999",
        "9" * 400,
        "vs_",
        "vs_absent",
        "file-absent",
        "a#b",
        "team:red",
        "sk-",
        "[",
        "{",
    ),
    *(
        "'; DROP TABLE",
        "<script>",
        "${jndi:ldap}",
        "{{7*7}}",
        "../../etc/passwd",
        "http://169.254.169.254/",
        "a" * 5_000,
    ),
)
NUMBERS: Final = (
    0,
    -1,
    1,
    101,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63),
    10**400,
    0.1,
    -0.0,
    1e308,
    5e-324,
    float("inf"),
    float("nan"),
)
BYTES: Final = (
    *(
        b"\x00",
        b"\xff\xfe",
        b'"',
        b"{",
        b"}",
        b"[" * 70,
        b"NaN",
        b"1e999",
        b"\\ud800",
        b"null",
        b"-1",
        b",",
        b"\r\n",
        b"true",
    ),
    *(
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b'"a":',
        b"\x1f\x8b\x08",
        b"--the-boundary",
        b"[[[[" * 2_000,
        b"9" * 5_000,
    ),
)
NAMES: Final = (
    *(
        "name",
        "file_ids",
        "metadata",
        "expires_after",
        "chunking_strategy",
        "query",
        "filters",
        "limit",
        "order",
        "after",
        "type",
    ),
    *(
        "attributes",
        "file_id",
        "files",
        "model",
        "input",
        "tools",
        "stream",
        "team_id",
        "key",
        "keys",
        "max_budget",
        "start_date",
    ),
    *(
        "__proto__",
        "constructor",
        "",
        "\x00",
        "vector_store_id",
        "max_num_results",
        "ranking_options",
        "rewrite_query",
        "purpose",
    ),
)
_DEEP: Final = 4


def text(rng: random.Random) -> str:
    """A text: one of the known, or of random characters of every plane."""
    if rng.random() < 0.6:
        return rng.choice(TEXTS)
    top = rng.choice((0x7F, 0xFF, 0x2FF, 0xFFFF, 0x10FFFF))
    return "".join(chr(rng.randint(0, top)) for _ in range(rng.randint(0, 40)))


def value(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value, and numbers that JSON does not have."""
    kind = rng.randint(0, 7 if depth < _DEEP else 4)
    if kind <= 1:
        return text(rng)
    if kind == 2:
        return rng.choice(NUMBERS)
    if kind <= 4:
        return rng.choice((None, True, False))
    if kind == 5:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return {
        rng.choice(NAMES) if rng.random() < 0.8 else text(rng): value(rng, depth + 1) for _ in range(rng.randint(0, 4))
    }


def altered(document: Any, rng: random.Random) -> Any:
    """A document with one part replaced, removed or added."""
    if not isinstance(document, (dict, list)) or not document or rng.random() < 0.2:
        return value(rng)
    if isinstance(document, list):
        at = rng.randrange(len(document))
        return [*document[:at], altered(document[at], rng), *document[at + 1 :]]
    name = rng.choice(list(document))
    match rng.randint(0, 3):
        case 0:
            return {key: part for key, part in document.items() if key != name}
        case 1:
            return {**document, rng.choice(NAMES): value(rng)}
        case _:
            return {**document, name: altered(document[name], rng)}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes with a few of them replaced."""
    place = rng.randint(0, len(content))
    return content[:place] + rng.choice(BYTES) + content[place + rng.randint(0, 4) :]


def body(content: bytes, rng: random.Random) -> bytes:
    """A body whose bytes, or whose document, are not what they should be."""
    if rng.random() < 0.4:
        return damaged(content, rng)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    return json.dumps(altered(document, rng)).encode()
