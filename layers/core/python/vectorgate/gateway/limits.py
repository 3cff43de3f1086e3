"""The deployment's limits of uploads. Plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.operations import PORTABLE_PART_SIZE
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from vectorgate.api.operations import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The deployment's upload limits. `max_upload` in bytes; `too_large` is the error message, with the alternative."""

    max_upload: int
    too_large: str

    def max_bytes(self, operation: Operation) -> int:
        """The largest request body, in bytes, of an operation that uploads a file."""
        return min(operation.max_body, self.max_upload)

    def too_large_message(self, operation: Operation) -> str:
        """The message of the error 413 for a larger body."""
        if operation.creates is not ObjectKind.PART:
            return self.too_large
        return (
            f"Part too large: this deployment accepts requests of up to {self.max_bytes(operation)} bytes. Send the "
            f"file in "
            f"smaller parts, such as part_size={PORTABLE_PART_SIZE} of 'upload_file_chunked'."
        )
