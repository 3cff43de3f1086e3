"""Optimistic concurrency: an update whose row was changed after it was read starts again from the new row."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from vectorgate.api.errors import Conflict
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Callable

Updated = TypeVar("Updated")

ATTEMPTS: Final = 4


def retry_on_conflict(param: str, update: Callable[[], Updated]) -> Updated:
    """The result of `update`, which reads a row and replaces it, called again after a StateConflict.

    Conflict (409) after ATTEMPTS of them: nothing was changed, and the request may be sent again.
    """
    for _ in range(ATTEMPTS):
        with suppress(StateConflict):
            return update()
    raise Conflict(
        f"'{param}' is being changed by other requests. Send the request again.", code="conflict", param=param
    )
