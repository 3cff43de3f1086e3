"""How files are attached: `--attributes` and `--chunking`, checked before anything is sent."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.client.ingest.journal import FileRecord

# OpenAI's limits: 16 attributes, of which two are the command's own; texts in characters; chunks in tokens.
OWN: Final = frozenset({"path", "sha256"})
MOST_ATTRIBUTES: Final = 16 - len(OWN)
LONGEST_NAME: Final = 64
LONGEST_VALUE: Final = 512
SMALLEST_CHUNK: Final = 100
LARGEST_CHUNK: Final = 4096
AUTO: Final = "auto"
_CHUNKING: Final = re.compile(r"([0-9]{1,5})(?:/([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Processing:
    """The options. None for one that was not given: files keep what they were attached with.

    `attributes`: canonical JSON, as the journal has it. `chunking`: `auto`, or `SIZE/OVERLAP` in tokens.
    """

    attributes: str | None = None
    chunking: str | None = None

    @staticmethod
    def attributes_of(record: FileRecord) -> dict[str, object]:
        """All attributes of a file: those that a search can filter by, and those that distinguish two versions."""
        own: Mapping[str, object] = json.loads(record.attributes or "{}")
        return {**own, "path": record.path[-LONGEST_VALUE:], "sha256": record.sha256}

    def attributes_for(self, record: FileRecord | None) -> str:
        """The attributes that a file of this record shall have, besides the command's own."""
        kept = record.attributes if record is not None else ""
        return kept if self.attributes is None else self.attributes

    def chunking_for(self, record: FileRecord | None) -> str:
        """The chunking that a file of this record shall have; empty for the provider's own."""
        kept = record.chunking if record is not None else ""
        return kept if self.chunking is None else self.chunking.replace(AUTO, "")


def strategy(chunking: str) -> dict[str, object] | None:
    """The API's `chunking_strategy`; None for the provider's own."""
    if not chunking:
        return None
    size, _, overlap = chunking.partition("/")
    return {
        "type": "static",
        "static": {"max_chunk_size_tokens": int(size), "chunk_overlap_tokens": int(overlap)},
    }


def read_chunking(text: str | None) -> str | None:
    """`auto`, `SIZE` or `SIZE/OVERLAP` (without one: half of it). SettingsError for what OpenAI would refuse."""
    if text is None or text == AUTO:
        return text
    found = _CHUNKING.fullmatch(text)
    size = int(found[1]) if found else 0
    overlap = int(found[2]) if found and found[2] else size // 2
    if not SMALLEST_CHUNK <= size <= LARGEST_CHUNK or overlap * 2 > size:
        raise SettingsError(
            f"--chunking is auto or SIZE/OVERLAP in tokens, with a size of {SMALLEST_CHUNK} to {LARGEST_CHUNK} and an "
            f"overlap of at most half of it, not {text!r}"
        )
    return f"{size}/{overlap}"


def read_attributes(texts: Sequence[str] | None) -> str | None:
    """`KEY=VALUE` each, or a JSON object. SettingsError for what OpenAI would refuse."""
    if texts is None:
        return None
    merged: dict[str, object] = {}
    for text in texts:
        merged |= _pairs(text)
    for name, value in merged.items():
        _check(name, value)
    if len(merged) > MOST_ATTRIBUTES:
        raise SettingsError(f"--attributes: at most {MOST_ATTRIBUTES}, beside path and sha256")
    return json.dumps(merged, sort_keys=True) if merged else ""


def _pairs(text: str) -> dict[str, object]:
    if not text.lstrip().startswith("{"):
        name, given, value = text.partition("=")
        if not given:
            raise SettingsError(f"--attributes is KEY=VALUE or a JSON object, not {text!r}")
        return {name: value}
    try:
        document: dict[str, object] = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"--attributes is not JSON: {error}") from error
    return document


def _check(name: str, value: object) -> None:
    if name in OWN:
        raise SettingsError(f"--attributes: {name} is the command's own")
    if not 0 < len(name) <= LONGEST_NAME:
        raise SettingsError(f"--attributes: a key has 1 to {LONGEST_NAME} characters: {name!r}")
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise SettingsError(f"--attributes: a value is text, a number or a boolean: {name!r}")
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        raise SettingsError(f"--attributes: a value has at most {LONGEST_VALUE} characters: {name!r}")
