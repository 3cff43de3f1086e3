"""The admin function's parts, out of the deployment's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vectorgate import bootstrap_runtime as runtime
from vectorgate.admin.app import AdminDesk
from vectorgate.admin.deps import AdminParts
from vectorgate.secrets import Secret
from vectorgate.providers.credentials import CACHED_SECONDS, SecretUnavailable

if TYPE_CHECKING:
    from vectorgate.clock import Clock
    from vectorgate.providers.credentials import SecretSource


class MasterKey:
    """The administrator's key as its secret has it. A secret that cannot be read again leaves the last one in force."""

    def __init__(self, source: SecretSource, name: str, clock: Clock) -> None:
        self._source = source
        self._name = name
        self._clock = clock
        self._read: tuple[Secret, float] | None = None

    def current(self) -> Secret:
        """The key, at most CACHED_SECONDS old unless it cannot be read again.

        Without the white space around it, which no header can carry. ValueError when the secret is empty,
        SecretUnavailable when it could never be read.
        """
        now = self._clock.monotonic()
        if self._read is None or now - self._read[1] >= CACHED_SECONDS:
            self._read = self._again(), now
        return self._read[0]

    def _again(self) -> Secret:
        try:
            return Secret(self._source.read(self._name).strip())
        except SecretUnavailable:
            if self._read is None:
                raise
            return self._read[0]


def deployed_admin() -> AdminDesk:
    """The admin function, with the master key of this moment. ValueError when there is none, or an empty one.

    Asked for at every invocation, so that a key which was rotated gets by itself to environments that are running.
    """
    return AdminDesk(master_key=_master_key().current(), parts=_parts(), telemetry=runtime.deployed_telemetry())


@cache
def _master_key() -> MasterKey:
    name = runtime.deployed_settings().master_key_secret
    if name is None:
        raise ValueError("the setting VECTORGATE_MASTER_KEY_SECRET is missing")
    return MasterKey(runtime.deployed_secrets(), name, runtime.system_clock())


@cache
def _parts() -> AdminParts:
    return AdminParts(
        stores=runtime.deployed_stores(),
        clock=runtime.system_clock(),
        chance=runtime.system_chance(),
        book=runtime.price_book(runtime.deployed_settings().prices),
    )
