"""Where credentials come from: one secret a provider, cached, and re-read on suspicion.

Its text is `{"type", "base_url", "api_key", ...}`: the provider's own name (or no type at all), host, key, options.

A secret that cannot be read is served from the last good value for as long as that works upstream (stale-if-error):
an outage of Secrets Manager must not become ours. A secret that is there but malformed or empty is an error at once.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from vectorgate.api.errors import Unavailable
from vectorgate.providers.base import Credential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_secretsmanager import SecretsManagerClient

    from vectorgate.clock import Clock
    from vectorgate.ids import ProviderName

RUN: Final = 48  # consecutive characters: what counts as having leaked; a shorter secret counts as a whole
LEAST: Final = 12  # characters: a shorter secret is nobody's key, and may be a word
_PIECE: Final = RUN // 2  # of the pieces side by side that a secret is cut into, every run holds at least one
CACHED_SECONDS = 300.0
REFETCH_SECONDS = 30.0  # at most one re-read in this time, however many requests the provider refuses
_KNOWN = frozenset({"type", "base_url", "api_key"})


class Secret:
    """Wraps a credential. `reveal()` is the only way out, and is called where a request is signed and nowhere else."""

    __slots__ = ("_runs", "_text")

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("an empty secret is no secret")
        self._text = text
        self._runs = _runs(text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def leaks_into(self, text: str) -> bool:
        """Whether `RUN` consecutive characters of the secret stand in `text`; all of it, if it is shorter.

        Costs a search for each of a few pieces: 2 for OpenAI's oldest keys, 6 for its longest.
        """
        return any(piece in text and any(run in text for run in runs) for piece, runs in self._runs)

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def _runs(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All that counts as a leak, each run beside the first piece that it holds: without the piece there is no run."""
    if len(text) < RUN:
        return ((text, (text,)),) if len(text) >= LEAST else ()
    last = len(text) - RUN
    return tuple(
        (text[at : at + _PIECE], tuple(text[i : i + RUN] for i in range(max(0, at - _PIECE + 1), min(at, last) + 1)))
        for at in range(0, last + _PIECE, _PIECE)
    )


class SecretUnavailable(Exception):
    """The place that holds the secret did not answer."""


class MalformedSecret(Exception):
    """The secret is there and cannot be used. The message never holds any of it."""


class SecretSource(Protocol):
    """The place that holds secrets."""

    def read(self, name: str) -> str:
        """The secret's text. SecretUnavailable when it cannot be had now."""
        ...


class SecretsManager:
    """AWS Secrets Manager. boto3 is imported, and the client made, when the first secret is read."""

    def __init__(self, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url

    def read(self, name: str) -> str:
        """The current version's text."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see the class

        try:
            return str(self._client.get_secret_value(SecretId=name)["SecretString"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise SecretUnavailable(name) from error

    @cached_property
    def _client(self) -> SecretsManagerClient:
        import boto3  # noqa: PLC0415 - 270 ms that a function without a secret to read does not pay
        from botocore.config import Config  # noqa: PLC0415 - the same

        config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})
        return boto3.client("secretsmanager", region_name=self._region, endpoint_url=self._endpoint_url, config=config)


def read_credential(text: str, provider: ProviderName, *, plain_http: bool) -> Credential:
    """The credential in a secret's text. MalformedSecret when a part is missing, empty or not an https URL.

    So is a secret whose `type` is another provider's name: somebody put it into the wrong place. `plain_http`: also
    http, for the one-machine edition, whose upstream may be on loopback.
    """
    try:
        document = json.loads(text)
        base_url, api_key = document["base_url"].strip().rstrip("/"), document["api_key"].strip()
        options = {name: str(value) for name, value in document.items() if name not in _KNOWN}
        meant_for = document.get("type", provider)
        parts = urlsplit(base_url)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MalformedSecret("a provider's secret is JSON with base_url and api_key") from None
    if meant_for != provider:
        raise MalformedSecret("a provider's secret has the provider's own name for its type, or no type")
    if parts.scheme not in ({"https", "http"} if plain_http else {"https"}) or not parts.hostname:
        raise MalformedSecret("a provider's base_url is an https URL")
    if not api_key or not api_key.isascii() or not api_key.isprintable() or parts.query or parts.username:
        raise MalformedSecret("a provider's api_key is not empty, and its base_url carries no query or user")
    version = hashlib.sha256(text.encode()).hexdigest()
    return Credential(base_url=base_url, api_key=Secret(api_key), version=version, options=options)


@dataclass(slots=True)
class _Cached:
    credential: Credential
    read_at: float


class Credentials:
    """The credential of each configured provider. Safe to use from many threads."""

    def __init__(
        self, source: SecretSource, names: Mapping[ProviderName, str], clock: Clock, *, plain_http: bool = False
    ) -> None:
        self._source = source
        self._names = names
        self._clock = clock
        self._plain_http = plain_http
        self._cache: dict[ProviderName, _Cached] = {}
        self._refetched: dict[ProviderName, float] = {}
        self._lock = threading.Lock()  # single flight: while one thread reads the secret, the others wait for it

    def current(self, provider: ProviderName) -> Credential:
        """The credential, at most CACHED_SECONDS old unless it cannot be re-read. Unavailable (503) without one."""
        with self._lock:
            cached = self._cache.get(provider)
            if cached is not None and self._clock.monotonic() - cached.read_at < CACHED_SECONDS:
                return cached.credential
            return self._read(provider, cached)

    def after_refusal(self, provider: ProviderName, refused: Credential) -> Credential | None:
        """A credential of another version than the one that the provider refused, or None when there is none.

        Re-reads the secret at most once in REFETCH_SECONDS, whatever the number of refusals.
        """
        with self._lock:
            cached = self._cache.get(provider)
            if cached is None or cached.credential.version == refused.version:
                now = self._clock.monotonic()
                if now - self._refetched.get(provider, -REFETCH_SECONDS) < REFETCH_SECONDS:
                    return None
                self._refetched[provider] = now
                cached = _Cached(self._read(provider, cached), now)
            return None if cached.credential.version == refused.version else cached.credential

    def _read(self, provider: ProviderName, cached: _Cached | None) -> Credential:
        try:
            text = self._source.read(self._names[provider])
            credential = read_credential(text, provider, plain_http=self._plain_http)
        except MalformedSecret as error:
            raise _unavailable(provider) from error
        except SecretUnavailable as error:
            if cached is None:
                raise _unavailable(provider) from error
            credential = cached.credential
        self._cache[provider] = _Cached(credential, self._clock.monotonic())
        return credential


def _unavailable(provider: ProviderName) -> Unavailable:
    return Unavailable(f"The credential of provider '{provider}' cannot be read.", code="credential_unavailable")
