"""The parameters that every operation takes besides its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_TIMEOUT: Final = 600.0  # seconds, as in openai's SDK; but for the call as a whole
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

    `timeout`: seconds for the whole call, retries and pauses included. `max_retries`: after the first attempt.
    `custom_llm_provider`: `openai` or `azure`; a gateway may know more. `api_base`: a provider, which is asked in the
    gateway's place. `api_key`: another key for wherever the call goes; without `api_base` that is the gateway, if the
    environment names one. `api_version`: Azure's, of a call that goes straight there.
    `user`, `tags`: whom and what the call is booked to, by a gateway.
    `extra_body` is laid over the body's top level. `idempotency_key`: one of the caller's own, for a create.
    `mock_response`: the answer, without any call: a dict, JSON text, bytes for a file's content, or an error to raise.
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

    def seconds(self, default: float) -> float:
        """The call's total time. ValueError when it is not a positive number."""
        seconds = default if self.timeout is None else float(self.timeout)
        if not seconds > 0 or math.isnan(seconds):
            raise ValueError(f"timeout must be a positive number of seconds, not {self.timeout}")
        return seconds

    def retries(self, default: int) -> int:
        """How many attempts may follow the first. ValueError when it is negative."""
        retries = default if self.max_retries is None else self.max_retries
        if retries < 0:
            raise ValueError("max_retries must not be negative")
        return retries


def given(**fields: object) -> dict[str, object]:
    """The fields that were said: None is as good as absent."""
    return {name: value for name, value in fields.items() if value is not None and not isinstance(value, Omit)}


def given_or_null(**fields: object) -> dict[str, object]:
    """The same where null has a meaning of its own: it clears."""
    return {name: value for name, value in fields.items() if not isinstance(value, Omit)}
