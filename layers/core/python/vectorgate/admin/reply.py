"""What a route answers when it answers with headers, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON document, and the headers beside those of every answer."""

    document: object
    headers: Mapping[str, str]
