"""Reads of the providers' stores and files for an administrator, of a provider that the request names; deletions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.errors import InvalidRequest, NotFound, Unavailable
from vectorgate.classes import dataclass
from vectorgate.ids import is_object_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.providers.reader import Document, ProviderReader

READABLE: Final = frozenset({"vector_stores.list", "vector_stores.retrieve", "files.list", "files.retrieve"})
_NONE: Final[Mapping[str, str]] = {}


class ProviderDocuments(Protocol):
    """Reads of providers. The admin function has no provider's key: on AWS, the meter function reads for it."""

    def get(
        self,
        provider: ProviderName,
        operation: str,
        *,
        ids: Mapping[str, str] = _NONE,
        query: Mapping[str, str] = _NONE,
    ) -> Document:
        """The document of one of the READABLE operations. ApiError: InvalidRequest for an unknown provider."""
        ...

    def delete_store(self, provider: ProviderName, store_id: ObjectId, tenant: TenantId, alias: str) -> None:
        """Delete a store for the tenant that owns it. `alias`: of the key in the call's record. ApiError."""
        ...

    def bill(self, first_day: int, last_day: int) -> Document:
        """OpenAI's bill beside our records (`provider_bill`), from day to day (since 1970). ApiError; StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class ReaderDocuments:
    """ProviderDocuments of the configured providers, except for `without`, which has no vector stores.

    `deletion` deletes a store for its owner; without it, nothing is deleted. `bills` compares bills, with a key.
    """

    reader: ProviderReader
    without: ProviderName
    deletion: Callable[[ProviderName, ObjectId, TenantId, str], None] | None = None
    bills: Callable[[int, int], Document] | None = None

    def get(
        self,
        provider: ProviderName,
        operation: str,
        *,
        ids: Mapping[str, str] = _NONE,
        query: Mapping[str, str] = _NONE,
    ) -> Document:
        """One read, with the reader's retries. ValueError for another operation, and for ids that are none.

        On AWS they come from an event of the admin function, and an id becomes a part of the provider's path.
        """
        if provider not in self.reader.providers or provider == self.without:
            message = f"Provider '{str(provider)[:32]}' is not configured."
            raise InvalidRequest(message, code="invalid_value", param="provider")
        if operation not in READABLE or not all(map(is_object_id, ids.values())):
            raise ValueError("not a read of stores or files")
        return self.reader.get(provider, operation, ids=ids, query=query)

    def delete_store(self, provider: ProviderName, store_id: ObjectId, tenant: TenantId, alias: str) -> None:
        """One call of the gateway."""
        if self.deletion is None:
            raise Unavailable("Nothing is deleted here.", code="provider_unavailable")
        self.deletion(provider, store_id, tenant, alias)

    def bill(self, first_day: int, last_day: int) -> Document:
        """One comparison. NotFound without an admin key."""
        if self.bills is None:
            message = "No admin key of OpenAI is configured on this gateway, so that its bill cannot be read."
            raise NotFound(message, code="admin_key_not_configured")
        return self.bills(first_day, last_day)
