"""Background calls of providers: for the outcomes of calls, and for what is stored. No client waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.errors import BadGateway, UpstreamRefused
from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.ids import is_object_id
from vectorgate.providers.base import Call
from vectorgate.providers.client import ProviderClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.clock import Clock, Random
    from vectorgate.ids import ProviderName
    from vectorgate.providers.base import Answer, Provider
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport

Document: TypeAlias = "Mapping[str, object]"

CALL_SECONDS: Final = 10.0  # for one read, retries included: a tick of the meter has several providers
PAGE_SIZE: Final = "100"  # OpenAI's largest
MAX_PAGES: Final = 10_000  # a million objects: a guard against a list without an end
_NOT_FOUND: Final = 404
_NO_IDS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReader:
    """Reads from configured providers."""

    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    clock: Clock
    randomness: Random

    def get(
        self,
        provider: ProviderName,
        operation: str,
        *,
        ids: Mapping[str, str] = _NO_IDS,
        query: Mapping[str, str] = _NO_IDS,
    ) -> Document:
        """The document of one read. Raises the ApiErrors of `ProviderClient.send`."""
        return self._send(provider, Call(operation=BY_NAME[operation], ids=ids, query=query)).document or {}

    def _send(self, provider: ProviderName, call: Call) -> Answer:
        client = ProviderClient(
            provider=self.providers[provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            randomness=self.randomness,
            deadline=self.clock.monotonic() + CALL_SECONDS,
        )
        return client.send(call)

    def find(self, provider: ProviderName, operation: str, ids: Mapping[str, str]) -> Document | None:
        """The document of one read, or None where the provider answers 404."""
        try:
            return self.get(provider, operation, ids=ids)
        except UpstreamRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def remove_store(self, provider: ProviderName, store_id: str) -> None:
        """Delete a store that no client knows, if it is there. Raises the ApiErrors of `ProviderClient.send`."""
        call = Call(operation=BY_NAME["vector_stores.delete"], ids={"vector_store_id": store_id})
        try:
            self._send(provider, call)
        except UpstreamRefused as error:
            if error.status != _NOT_FOUND:
                raise

    def pages(
        self, provider: ProviderName, operation: str, *, order: str, after: str | None = None
    ) -> Iterator[list[Document]]:
        """A list, page by page to its end. Objects without a valid id are left out of a page.

        `after`: only what comes after this object in the order; how a provider treats one that is deleted is undefined.

        BadGateway for a list that cannot be read to its end: from a part, an object's absence must not be concluded.
        """
        for page, _ in self.dated_pages(provider, operation, order=order, after=after):
            yield page

    def dated_pages(
        self, provider: ProviderName, operation: str, *, order: str, after: str | None = None
    ) -> Iterator[tuple[list[Document], str | None]]:
        """The same, each page with the provider's date."""
        query = {"limit": PAGE_SIZE, "order": order} | ({"after": after} if after is not None else {})
        for _ in range(MAX_PAGES):
            answer = self._send(provider, Call(operation=BY_NAME[operation], query=query))
            document = answer.document or {}
            data = document.get("data")
            if not isinstance(data, list):
                break
            page: list[Document] = [
                item for item in data if isinstance(item, dict) and is_object_id(str(item.get("id", "")))
            ]
            yield page, answer.date
            if not data or not document.get("has_more"):
                return
            if not page:
                break
            query = {**query, "after": str(page[-1]["id"])}
        raise BadGateway("The provider's list could not be read to its end.", code="list_without_end")
