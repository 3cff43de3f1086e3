"""The dependencies of the admin app's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.actor import MASTER
from vectorgate.admin.dead_letter_queues import NoDeadLetters
from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.exports.ports import NoExports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.actor import Actor
    from vectorgate.admin.dead_letter_queues import DeadLetters
    from vectorgate.admin.trail import Trail
    from vectorgate.auth.principal import Principal
    from vectorgate.clock import Clock, Random
    from vectorgate.exports.ports import ExportCheck
    from vectorgate.ids import ProviderName
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.documents import ProviderDocuments

NO_EXPORTS: Final = NoExports()
NO_DEAD_LETTERS: Final = NoDeadLetters()


@dataclass(frozen=True, slots=True)
class AdminDeps:
    """Given by the composition root, and for each call narrowed to its actor. `provider` reads providers.

    `trail`: what the call leaves in the audit. Its `stores` leave their records by themselves.
    `caller`: of a team's ordinary key, on a route that takes one; None for an administrator. `exports` tests
    destinations, `dead_letters` looks at what was set aside. `record_days`: as in `Settings`.
    """

    stores: Stores
    clock: Clock
    randomness: Random
    book: PriceBook
    provider: ProviderDocuments
    default_provider: ProviderName
    actor: Actor = MASTER
    trail: Trail | None = None
    caller: Principal | None = None
    exports: ExportCheck = NO_EXPORTS
    dead_letters: DeadLetters = NO_DEAD_LETTERS
    record_days: int = 0

    def whole_since_ms(self) -> int:
        """From when on every row is there that began; of earlier ones, some may be removed."""
        return self.clock.unix_ms() - self.record_days * DAY_MS if self.record_days else 0

    def announce(self, kind: str, target: str, action: str, after: Mapping[str, object]) -> None:
        """Write the record of changes that are no one transaction with it, before they begin. StoreError."""
        if self.trail is None:
            raise ValueError("a change without a record")
        self.stores.audit.add(self.trail.record(kind, target, action, None, after))
