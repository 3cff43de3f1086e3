"""Reads of the providers' stores and files for an administrator, of a provider that the request names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.errors import InvalidRequest
from vectorgate.ids import is_object_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import ProviderName
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


@dataclass(frozen=True, slots=True)
class ReaderDocuments:
    """ProviderDocuments of the configured providers, except for `without`, which has no vector stores."""

    reader: ProviderReader
    without: ProviderName

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
