"""How one call may be carried out: time, attempts and idempotency. Plain data."""

from __future__ import annotations

from vectorgate.classes import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The limits of one call, and what identifies a repetition of it.

    `deadline_seconds`: time for the provider's answer; None for the gateway's default. `attempts`: most requests sent
    to the provider; None for as many as are safe. `send_before`: monotonic second after which nothing is sent.
    `idempotency_key`: the caller's key. `retry_count`: earlier attempts that the caller declares; None turns off the
    detection of repeated creates by their body. `client_seconds`: after which the client stops waiting, as it declares.
    """

    deadline_seconds: float | None = None
    attempts: int | None = None
    send_before: float | None = None
    idempotency_key: str | None = None
    retry_count: int | None = 0
    client_seconds: float | None = None
