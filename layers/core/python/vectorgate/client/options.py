"""The parameters that every operation takes besides its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypedDict

from vectorgate.client.flow import TimeLimit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

DEFAULT_TIMEOUT: Final = 600.0  # seconds, as in openai's SDK; here for the call as a whole
DEFAULT_MAX_RETRIES: Final = 2


class Omit:
    """The default of a parameter whose None means null."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = Omit()


class CallOptions(TypedDict, total=False):
    """LiteLLM's names, and openai's `extra_query`.

    `timeout`: seconds for the whole call, retries and pauses included. `max_retries`: attempts after the first one.
    `custom_llm_provider`: `openai` or `azure`; a gateway may know more. `api_base`: the base URL of a provider, which
    is called instead of the gateway. `api_key`: another key for the destination; without `api_base` that is the
    gateway, if the environment names one. `api_version`: Azure's, for a call without a gateway.
    `user`, `tags`: the end user and the labels of the call in a gateway's ledger.
    `extra_body` is merged over the body's top level. `idempotency_key`: the caller's own, for a create.
    `mock_response`: the result of no call at all: a dict, JSON text, bytes for a file's content, or an error to raise.
    `http_client`: for this call alone, an `httpx.Client` (synchronous methods) or `httpx.AsyncClient` (awaited ones).
    """

    custom_llm_provider: str | None
    api_key: str | None
    api_base: str | None
    api_version: str | None
    timeout: float | None
    max_retries: int | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, object] | None
    extra_body: Mapping[str, object] | None
    user: str | None
    tags: Sequence[str] | None
    idempotency_key: str | None
    mock_response: Mapping[str, object] | str | bytes | BaseException | None
    http_client: httpx.Client | httpx.AsyncClient | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`CallOptions` with their defaults. TypeError for a name that is not one of them."""

    custom_llm_provider: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    api_version: str | None = None
    timeout: float | None = None
    max_retries: int | None = None
    extra_headers: Mapping[str, str] | None = None
    extra_query: Mapping[str, object] | None = None
    extra_body: Mapping[str, object] | None = None
    user: str | None = None
    tags: Sequence[str] | None = None
    idempotency_key: str | None = None
    mock_response: Mapping[str, object] | str | bytes | BaseException | None = None
    http_client: httpx.Client | httpx.AsyncClient | None = field(default=None, repr=False)

    def limit(self, default: float | None) -> TimeLimit:
        """The total time: the call's own, the client's, or DEFAULT_TIMEOUT. ValueError for one that is not positive."""
        named = default if self.timeout is None else float(self.timeout)
        seconds = DEFAULT_TIMEOUT if named is None else named
        if not seconds > 0 or math.isnan(seconds):
            raise ValueError(f"timeout must be a positive number of seconds, not {seconds}")
        return TimeLimit(seconds, explicit=named is not None)

    def retries(self, default: int) -> int:
        """The number of attempts that may follow the first one. ValueError for a negative number."""
        retries = default if self.max_retries is None else self.max_retries
        if retries < 0:
            raise ValueError("max_retries must not be negative")
        return retries


def without_none(**fields: object) -> dict[str, object]:
    """The fields that have a value, where None means absent."""
    return {name: value for name, value in fields.items() if value is not None and not isinstance(value, Omit)}


def without_omitted(**fields: object) -> dict[str, object]:
    """The fields that have a value, where None is one: it clears the field."""
    return {name: value for name, value in fields.items() if not isinstance(value, Omit)}
