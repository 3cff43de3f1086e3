"""The one way to a destination over HTTP: the address of a secret, the project's own egress, one total time.

An address is `{"url": "https://...", "headers": {...}, "signing_key": "whsec_..."}`: of a webhook, an OTLP endpoint or
Slack. Where it goes is said by the secret alone, so that a key is only sent to its own host.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vectorgate.classes import dataclass
from vectorgate.exports.ports import DeliveryFailed, RecordRefused
from vectorgate.providers.base import UpstreamRequest
from vectorgate.providers.credentials import CACHED_SECONDS, SecretUnavailable
from vectorgate.providers.http.outcome import Replied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.clock import Clock, Moment
    from vectorgate.providers.base import UpstreamResponse
    from vectorgate.providers.credentials import SecretSource
    from vectorgate.providers.http.outcome import Outcome, Transport

SECONDS: Final = 10.0  # for one delivery, all phases together
REFUSED: Final = frozenset({400, 413, 422})  # what is sent is wrong; any other failure may be over later
_CLASS: Final = 100
_SUCCESS: Final = 2


class MalformedAddress(Exception):
    """A destination's secret cannot be used. The message holds no part of it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a destination is, and what it knows us by."""

    url: str = field(repr=False)  # Slack's is a secret as a whole
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_key: str | None = field(default=None, repr=False)


def read_address(text: str, *, plain_http: bool = False) -> Address:
    """The address in a secret's text. MalformedAddress. `plain_http`: an http URL will do, for local mode."""
    try:
        document = json.loads(text)
        url, headers, key = document["url"].strip(), document.get("headers") or {}, document.get("signing_key")
        parts = urlsplit(url)
        named = {str(name).lower(): str(value) for name, value in headers.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise MalformedAddress("the secret of a destination is JSON with a url") from None
    if (
        parts.scheme not in ({"https", "http"} if plain_http else {"https"})
        or not parts.hostname
        or "@" in parts.netloc
    ):
        raise MalformedAddress("the url of a destination is an https URL without a user")
    if not all(_is_header(text) for pair in named.items() for text in pair) or not _is_header(url):
        raise MalformedAddress("the url and the headers of a destination are printable ASCII")
    return Address(url, named, None if key is None else str(key))


def _is_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()


class SecretAddress:
    """The address in a secret, read again every five minutes; an earlier one is used while it cannot be read."""

    def __init__(self, source: SecretSource, name: str, clock: Clock, *, plain_http: bool = False) -> None:
        self._source = source
        self._name = name
        self._clock = clock
        self._plain_http = plain_http
        self._read: tuple[Address, Moment] | None = None

    def __call__(self) -> Address:
        """The address. DeliveryFailed where there is none that can be used."""
        if self._read is None or not self._clock.is_within(CACHED_SECONDS, self._read[1]):
            now = self._clock.now()
            self._read = self._read_again(), now
        return self._read[0]

    def _read_again(self) -> Address:
        try:
            return read_address(self._source.read(self._name), plain_http=self._plain_http)
        except SecretUnavailable:
            if self._read is not None:
                return self._read[0]
            raise DeliveryFailed("the destination's secret cannot be read") from None
        except MalformedAddress as error:
            raise DeliveryFailed(str(error)) from error


@dataclass(frozen=True, slots=True)
class Post:
    """Sends one POST at a time."""

    transport: Transport

    def __call__(self, to: Address, content: bytes, headers: Mapping[str, str]) -> bytes:
        """The answer's content. DeliveryFailed, or RecordRefused where the content is what is wrong."""
        request = UpstreamRequest(method="POST", url=to.url, headers={**to.headers, **headers}, content=content)
        return _content_of(self.transport.send(request, seconds=SECONDS))


def _content_of(outcome: Outcome) -> bytes:
    if not isinstance(outcome, Replied):
        raise DeliveryFailed("no answer")
    response = outcome.response
    try:
        content = response.body.read()
    finally:
        response.body.close()
    if response.status // _CLASS == _SUCCESS:
        return content
    if response.status in REFUSED:
        raise RecordRefused(f"status {response.status}")
    raise DeliveryFailed(f"status {response.status}", retry_after=_retry_after(response))


def _retry_after(response: UpstreamResponse) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
