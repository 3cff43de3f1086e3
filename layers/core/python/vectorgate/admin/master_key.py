"""The master key, read again every few minutes, so that a rotation needs no restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.providers.credentials import CACHED_SECONDS, Secret, SecretUnavailable

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Moment
    from vectorgate.providers.credentials import SecretSource


class MasterKey:
    """The master key of a secret. Where the secret cannot be read again, the last key that was read stays valid."""

    def __init__(self, source: SecretSource, name: str, clock: Clock) -> None:
        self._source = source
        self._name = name
        self._clock = clock
        self._read: tuple[Secret, Moment] | None = None

    def current(self) -> Secret:
        """The key, at most CACHED_SECONDS old unless it cannot be read again.

        White space around it is removed, for no header can carry it. ValueError when the secret is empty,
        SecretUnavailable when it could never be read.
        """
        if self._read is None or not self._clock.is_within(CACHED_SECONDS, self._read[1]):
            now = self._clock.now()
            self._read = self._read_again(), now
        return self._read[0]

    def renew(self) -> None:
        """Read the key again when it is needed next: this process is a copy of another."""
        self._read = None

    def _read_again(self) -> Secret:
        try:
            return Secret(self._source.read(self._name).strip())
        except SecretUnavailable:
            if self._read is None:
                raise
            return self._read[0]
