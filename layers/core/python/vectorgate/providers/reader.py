"""What the gateway asks providers of its own accord: what became of a call, and what is stored. Nobody waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.errors import BadGateway, UpstreamRefused
from vectorgate.api.operations import BY_NAME
from vectorgate.ids import is_object_id
from vectorgate.providers.base import Call
from vectorgate.providers.client import ProviderClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.clock import Clock, Random
    from vectorgate.ids import ProviderName
    from vectorgate.providers.base import Provider
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport

Document: TypeAlias = "Mapping[str, object]"

CALL_SECONDS: Final = 10.0  # for one call, repetitions included: nobody waits, but a tick has more than one provider
PAGE: Final = "100"  # the most that OpenAI lists at once
MAX_PAGES: Final = 10_000  # a million objects; a provider that lists for ever is not believed
_NOT_FOUND: Final = 404
_NO_IDS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReader:
    """Everything that asking needs."""

    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    clock: Clock
    randomness: Random

    def ask(
        self,
        provider: ProviderName,
        operation: str,
        *,
        ids: Mapping[str, str] = _NO_IDS,
        query: Mapping[str, str] = _NO_IDS,
    ) -> Document:
        """The provider's answer to one read, or one of the ApiErrors of `ProviderClient.ask`."""
        exchange = ProviderClient(
            provider=self.providers[provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            randomness=self.randomness,
            deadline=self.clock.monotonic() + CALL_SECONDS,
        )
        return exchange.ask(Call(operation=BY_NAME[operation], ids=ids, query=query)).document or {}

    def ask_for(self, provider: ProviderName, operation: str, ids: Mapping[str, str]) -> Document | None:
        """One object, or None where the provider says that there is no such thing."""
        try:
            return self.ask(provider, operation, ids=ids)
        except UpstreamRefused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def pages(
        self, provider: ProviderName, operation: str, *, order: str, after: str | None = None
    ) -> Iterator[list[Document]]:
        """A list, page by page to its end. What has no name that could be asked for is left out of a page.

        `after`: only what comes after this object in the order. A provider may take one that is gone for what it likes.

        BadGateway for a list that cannot be read to its end: whoever misses something in it must not conclude from it.
        """
        query = {"limit": PAGE, "order": order} | ({"after": after} if after is not None else {})
        for _ in range(MAX_PAGES):
            document = self.ask(provider, operation, query=query)
            data = document.get("data")
            if not isinstance(data, list):
                break
            page: list[Document] = [
                item for item in data if isinstance(item, dict) and is_object_id(str(item.get("id", "")))
            ]
            yield page
            if not data or not document.get("has_more"):
                return
            if not page:
                break
            query = {**query, "after": str(page[-1]["id"])}
        raise BadGateway("The provider's list has no end that could be read.", code="list_without_end")
