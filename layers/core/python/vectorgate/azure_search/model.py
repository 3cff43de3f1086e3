"""A virtual index: the name that keys and clients use, and the search service's index that it maps to. Pure."""

from __future__ import annotations

import re
from typing import Final

from vectorgate.classes import dataclass

# The service's rule: 2 to 128 lower-case letters, digits and single dashes, with no dash at either end.
REAL_NAME: Final = re.compile(r"(?=.{2,128}\Z)[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualIndex:
    """The virtual `name` maps to the service's `real_name`.

    `vector_store_name` is LiteLLM's label of the service; there is one service. `created_at` in Unix seconds. The
    service's index need not exist yet: a key with the permission to write may create it.
    """

    name: str
    real_name: str
    vector_store_name: str
    created_at: int


def is_real_name(text: str) -> bool:
    """Whether the search service accepts `text` as the name of an index."""
    return REAL_NAME.fullmatch(text) is not None
