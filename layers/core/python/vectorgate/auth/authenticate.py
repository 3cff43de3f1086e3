"""Identify the principal of a request by its virtual key. There is no anonymous principal.

Keys are cached by their full SHA-256 for 5 s, whether they exist or not. A change, block or deletion of a key is
therefore in force after at most 5 s everywhere, and at once in a process whose cache is emptied (`forget`).
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, PermissionDenied, Unauthenticated, Unavailable
from vectorgate.auth.principal import Principal
from vectorgate.clock import Moment
from vectorgate.ids import KeyId
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyReader
    from vectorgate.clock import Clock

KEY_CACHE_SECONDS: Final = 5.0  # promised in docs/security.md; what a read costs is in ADR 7
MAX_CACHED: Final = 10_000  # a flood of guessed keys evicts entries and costs a read each, but no more memory
MAX_KEY: Final = 512  # characters
_BEARER: Final = "bearer "
_GENERATED: Final = r"sk-[A-Za-z0-9_-]{43}"  # 256 bits, as /key/generate has always written them
_ANY: Final = rf".{{0,{MAX_KEY}}}"


def key_id_of(secret: str) -> KeyId:
    """The id of a virtual key: its SHA-256. The key itself is never stored.

    Plain SHA-256 is enough because the key is 256 random bits: there is no dictionary to try.
    """
    return KeyId(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest())


def presented_key(request: Request) -> str | None:
    """The key in `Authorization: Bearer` or, as Azure's clients send it, in `api-key`."""
    authorization = request.header("authorization")
    if authorization is not None and authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip() or None
    return request.header("api-key")


class KeyBlocked(PermissionDenied):
    """403: the key exists, and an administrator has blocked it. `principal` is its principal, for the record."""

    def __init__(self, principal: Principal) -> None:
        super().__init__("This key is blocked.", code="blocked", headers=DO_NOT_RETRY)
        self.principal = principal


def opens(presented: KeyId, key: VirtualKey, unix_s: float) -> bool:
    """Whether the secret with this hash is the key's current one, or the one before within its grace period."""
    if presented == (key.secret or key.id):
        return True
    return presented == key.former and key.former_until is not None and unix_s < key.former_until


def is_expired(key: VirtualKey, unix_s: float) -> bool:
    """Whether the key has ended."""
    return key.expires_at is not None and key.expires_at <= unix_s


class Authenticator:
    """Identifies callers by their virtual keys. Thread-safe.

    `generated_only`: every key was generated, so that a secret of another form is refused without a read.
    """

    def __init__(self, keys: KeyReader, clock: Clock, *, generated_only: bool = False) -> None:
        self._keys = keys
        self._form = re.compile(_GENERATED if generated_only else _ANY, re.DOTALL)
        self._clock = clock
        self._cache: OrderedDict[KeyId, tuple[Principal | None, Moment]] = OrderedDict()
        self._changes = 0
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Read every key again at its next request: some have changed. What is being read now is not cached."""
        with self._lock:
            self._changes += 1
            self._cache.clear()

    def identify(self, request: Request) -> Principal:
        """Return the principal of a request. Unauthenticated (401), KeyBlocked (403), Unavailable (503)."""
        return self.authenticate(presented_key(request))

    def authenticate(self, secret: str | None) -> Principal:
        """Return the principal of a key. Unauthenticated (401) for an unknown or expired one, KeyBlocked (403).

        PermissionDenied (403) for an administrator's key, Unavailable (503) when keys cannot be read. No error contains
        any part of `secret`.
        """
        if secret is None:
            raise Unauthenticated(
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            )
        presented, now = key_id_of(secret), self._clock.wall()
        principal = self._principal(presented) if self._form.fullmatch(secret) else None
        if principal is None or not opens(presented, principal.key, now) or is_expired(principal.key, now):
            raise Unauthenticated("Incorrect API key provided.", code="invalid_api_key")
        if principal.key.blocked:
            raise KeyBlocked(principal)
        if principal.key.role is not None:
            raise PermissionDenied("This key is for administration only.", code="admin_key", headers=DO_NOT_RETRY)
        return principal

    def row(self, key_id: KeyId) -> VirtualKey | None:
        """The row of a key, as calls know it. Unavailable (503) when keys cannot be read."""
        principal = self._principal(key_id)
        return principal.key if principal is not None else None

    def _principal(self, key_id: KeyId) -> Principal | None:
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        with self._lock:
            cached, changes = self._cache.get(key_id), self._changes
        if cached is not None and (
            0 <= monotonic - cached[1].monotonic < KEY_CACHE_SECONDS and 0 <= wall - cached[1].wall < KEY_CACHE_SECONDS
        ):  # `Clock.is_within`, written out: every request comes here
            return cached[0]
        principal = self._read(key_id)
        with self._lock:
            if changes == self._changes:
                self._cache[key_id] = (principal, Moment(wall, monotonic))
                self._cache.move_to_end(key_id)
                if len(self._cache) > MAX_CACHED:
                    self._cache.popitem(last=False)
        return principal

    def _read(self, key_id: KeyId) -> Principal | None:
        try:
            key = self._keys.key(key_id)
        except StoreError as error:
            raise Unavailable("The gateway cannot check keys at this moment.", code="keys_unavailable") from error
        return Principal(key=key, tenant=key.tenant) if key is not None else None
