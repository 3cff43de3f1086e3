"""A virtual index: the name that keys and clients know, and the index of the search service behind it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# The service's own rule for names: lower-case letters, digits and single dashes inside, 2 to 128 of them.
REAL_NAME: Final = re.compile(r"(?=.{2,128}\Z)[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualIndex:
    """`name` stands for `real_name`. `vector_store_name` is LiteLLM's label of the service; there is one service.

    `created_at` in Unix seconds. The index itself need not exist: a key that may write creates it.
    """

    name: str
    real_name: str
    vector_store_name: str
    created_at: int


def is_real_name(text: str) -> bool:
    """Whether the search service would take it as an index's name."""
    return REAL_NAME.fullmatch(text) is not None
