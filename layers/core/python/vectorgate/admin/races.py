"""Updates that meet: each starts from the row as it stands, and the one that is too late starts again."""

from __future__ import annotations

from typing import Final

from vectorgate.api.errors import Conflict

ATTEMPTS: Final = 4  # of one update; who loses them all is told


def met_another(param: str) -> Conflict:
    """The refusal of an update that lost every race: nothing was changed, and it may be sent again."""
    return Conflict(f"'{param}' is being changed by others. Send it again.", code="conflict", param=param)
