"""What a charge depends on: the fields of a call, all of which a ledger row has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vectorgate.pricing.money import NanoUSD


class BillableCall(Protocol):
    """A call to be charged."""

    @property
    def provider(self) -> str | None:
        """The provider."""
        ...

    @property
    def operation(self) -> str:
        """The operation's name."""
        ...

    @property
    def started_ms(self) -> int:
        """When the call began, Unix milliseconds."""
        ...

    @property
    def price_id(self) -> str | None:
        """The id of the price, where it is fixed already."""
        ...

    @property
    def spend(self) -> NanoUSD | None:
        """The amount, where it is fixed already."""
        ...

    @property
    def model(self) -> str | None:
        """The model that was run, or None."""
        ...

    @property
    def asked_model(self) -> str | None:
        """The model that was asked for, where the provider names another."""
        ...

    @property
    def reserved(self) -> NanoUSD | None:
        """What budgets reserved for it, or None."""
        ...

    @property
    def quarantined(self) -> tuple[str, ...]:
        """The names of figures that were not used."""
        ...

    @property
    def service_tier(self) -> str | None:
        """The service tier that the provider names in its answer."""
        ...

    @property
    def input_tokens(self) -> int | None:
        """The tokens that were read, those of `cached_tokens` and `cache_write_tokens` included; None: no usage."""
        ...

    @property
    def cached_tokens(self) -> int | None:
        """The tokens that were read from a cache."""
        ...

    @property
    def cache_write_tokens(self) -> int | None:
        """The tokens that were written to a cache."""
        ...

    @property
    def output_tokens(self) -> int | None:
        """The tokens that were written, those of reasoning included."""
        ...

    @property
    def tool_calls(self) -> tuple[str, ...]:
        """Calls of tools (`usage.tool_calls_text`)."""
        ...
