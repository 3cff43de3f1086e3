"""Which key a user means: commands take what lists show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vectorgate.client.cli.exits import NOT_FOUND, USAGE, Failure

if TYPE_CHECKING:
    from vectorgate.client.admin import Admin

TOKEN: Final = re.compile(r"[0-9a-f]{64}")
PREFIX: Final = re.compile(r"[0-9a-f]{8,63}")
KEYS_BEGIN_WITH: Final = "sk-"


def token_of(admin: Admin, name: str) -> str:
    """The key, or its token, that the name stands for. Failure where that is none, or several."""
    if TOKEN.fullmatch(name) or name.startswith(KEYS_BEGIN_WITH):
        return name
    found = [key.token for key in admin.keys.list(key_alias=name)]
    if not found and PREFIX.fullmatch(name):
        found = [key.token for key in admin.keys.list() if key.token.startswith(name)]
    if not found:
        raise Failure(f"no key has the alias or the token {name}", NOT_FOUND)
    if len(found) > 1:
        raise Failure(f"{len(found)} keys have the name {name}: name one by its token", USAGE)
    return found[0]
