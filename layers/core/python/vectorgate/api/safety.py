"""What a second execution of an operation does: of the operation table, for functions that read no request by it."""

from __future__ import annotations

from enum import StrEnum


class Safety(StrEnum):
    """The effect of a second execution at the provider."""

    READ = "read"  # none: may be retried freely, and its row is written once, afterwards
    IDEMPOTENT = "idempotent"  # the same as the first: delete, replace, cancel
    CREATE = "create"  # a second object: never retried blindly
