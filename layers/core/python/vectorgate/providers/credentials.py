"""The providers' credentials: one secret a provider, cached, and re-read after a refusal.

A secret's text is `{"type", "base_url", "api_key", ...}`: the provider's own name (or no type), host, key, options.

While a secret cannot be read, its last good value is used (stale-if-error): an outage of Secrets Manager must not
become an outage of the gateway. A secret that is read but malformed or empty is an error at once.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, Self
from urllib.parse import urlsplit

from vectorgate.api.errors import Unavailable
from vectorgate.aws.client import aws_client
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_secretsmanager import SecretsManagerClient

    from vectorgate.clock import Clock, Moment
    from vectorgate.ids import ProviderName

LEAK_CHARACTERS: Final = 48  # consecutive ones that count as a leak; of a shorter secret, all of it
MIN_SECRET_CHARACTERS: Final = 12  # a shorter text may be an ordinary word, and is not searched for
_PIECE: Final = LEAK_CHARACTERS // 2  # a secret is cut into pieces of this length: every run contains at least one
CACHED_SECONDS = 300.0
REFETCH_SECONDS = 30.0  # at most one re-read in this time, however many requests the provider refuses
_KNOWN_FIELDS = frozenset({"type", "base_url", "api_key"})


class Secret:
    """Wraps a credential. `reveal()` is the only way out; only code that signs a request calls it."""

    __slots__ = ("_runs", "_text")

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("a secret must not be empty")
        self._text = text
        self._runs = _runs(text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def leaks_into(self, text: str) -> bool:
        """Whether `text` contains LEAK_CHARACTERS consecutive characters of the secret; all of it, if it is shorter.

        Such an answer of a provider is withheld; one with a shorter piece is not, because that would confirm guesses.
        What the gateway writes itself holds no piece at all: only requests to the provider reveal the text.
        Costs one search for each piece: 2 for OpenAI's oldest keys, 6 for its longest.
        """
        return any(piece in text and any(run in text for run in runs) for piece, runs in self._runs)

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def _runs(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All runs that count as a leak, by the first piece that each contains: without the piece there is no run."""
    if len(text) < LEAK_CHARACTERS:
        return ((text, (text,)),) if len(text) >= MIN_SECRET_CHARACTERS else ()
    last = len(text) - LEAK_CHARACTERS
    return tuple(
        (
            text[at : at + _PIECE],
            tuple(text[i : i + LEAK_CHARACTERS] for i in range(max(0, at - _PIECE + 1), min(at, last) + 1)),
        )
        for at in range(0, last + _PIECE, _PIECE)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Host and key of ONE secret, so that a key is only ever sent to its own host.

    `base_url` has no trailing slash. `version` differs for each value of the secret. `options` are the secret's other
    fields, such as `api_version`.
    """

    base_url: str
    api_key: Secret
    version: str
    options: Mapping[str, str] = field(default_factory=dict)


class SecretUnavailable(Exception):
    """The store of secrets did not answer."""


class MalformedSecret(Exception):
    """The secret was read and cannot be used. The message holds no part of it."""


class SecretSource(Protocol):
    """A store of secrets."""

    def read(self, name: str) -> str:
        """The secret's text. SecretUnavailable when it cannot be read now."""
        ...


class SecretsManager:
    """SecretSource on AWS Secrets Manager. Its client is made by `opened`, or when the first secret is read."""

    def __init__(self, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url

    def read(self, name: str) -> str:
        """The text of the secret's current version."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see the class

        try:
            return str(self.client.get_secret_value(SecretId=name)["SecretString"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise SecretUnavailable(name) from error

    @cached_property
    def client(self) -> SecretsManagerClient:
        """The low-level client."""
        region, endpoint_url = self._region, self._endpoint_url
        client: SecretsManagerClient = aws_client(
            "secretsmanager", region=region, endpoint_url=endpoint_url, connect_s=1, read_s=2, attempts=3
        )
        return client

    def opened(self) -> Self:
        """Make the client now, and not in a request."""
        _ = self.client
        return self

    def disconnect(self) -> None:
        """Close the client's connections; a later request opens new ones."""
        self.client.close()


def read_credential(text: str, provider: ProviderName, *, plain_http: bool) -> Credential:
    """The credential in a secret's text. MalformedSecret when a part is missing, empty or not an https URL.

    Also for a secret whose `type` is another provider's name: it is configured for the wrong provider. `plain_http`:
    accept http URLs, too, for local mode, whose provider may be on loopback.
    """
    try:
        document = json.loads(text)
        base_url, api_key = document["base_url"].strip().rstrip("/"), document["api_key"].strip()
        options = {name: str(value) for name, value in document.items() if name not in _KNOWN_FIELDS}
        secret_type = document.get("type", provider)
        parts = urlsplit(base_url)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MalformedSecret("a provider's secret is JSON with base_url and api_key") from None
    if secret_type != provider:
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
    read_at: Moment


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
        self._refetched: dict[ProviderName, Moment] = {}
        self._lock = threading.Lock()  # single flight: other threads wait for the one that reads the secret

    def forget(self) -> None:
        """Read every secret again when it is needed next."""
        with self._lock:
            self._cache.clear()
            self._refetched.clear()

    def current(self, provider: ProviderName) -> Credential:
        """The credential, at most CACHED_SECONDS old unless it cannot be re-read. Unavailable (503) without one."""
        with self._lock:
            cached = self._cache.get(provider)
            if cached is not None:  # `Clock.is_within`, written out: every call comes here
                at, clock = cached.read_at, self._clock
                if (
                    0 <= clock.monotonic() - at.monotonic < CACHED_SECONDS
                    and 0 <= clock.wall() - at.wall < CACHED_SECONDS
                ):
                    return cached.credential
            return self._read(provider, cached)

    def after_refusal(self, provider: ProviderName, refused: Credential) -> Credential | None:
        """A credential of another version than the refused one, or None when there is none.

        Re-reads the secret at most once in REFETCH_SECONDS, whatever the number of refusals.
        """
        with self._lock:
            cached = self._cache.get(provider)
            if cached is None or cached.credential.version == refused.version:
                now, last = self._clock.now(), self._refetched.get(provider)
                if last is not None and self._clock.is_within(REFETCH_SECONDS, last):
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
        self._cache[provider] = _Cached(credential, self._clock.now())
        return credential


def _unavailable(provider: ProviderName) -> Unavailable:
    return Unavailable(f"The credential of provider '{provider}' cannot be read.", code="credential_unavailable")
