"""What must end in time ends by either clock: Lambda freezes a process, and resumes it from a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes.secret_source import FakeSecretSource
from vectorgate.admin.master_key import MasterKey
from vectorgate.auth.authenticate import KEY_CACHE_SECONDS, Authenticator, key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.limits import LIMIT_CACHE_SECONDS, CachedLimits
from vectorgate.clock import Clock, Moment
from vectorgate.exports.http import SecretAddress
from vectorgate.ids import ProviderName
from vectorgate.providers.credentials import CACHED_SECONDS, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

KEY: Final = "sk-" + "k" * 43


@dataclass
class TwoClocks:
    """Clocks that are set apart from each other."""

    wall: float = 1_700_000_000.0
    monotonic: float = 1_000.0

    def clock(self) -> Clock:
        """The gateway's clock."""
        return Clock(wall=lambda: self.wall, monotonic=lambda: self.monotonic, sleep=lambda _: None)


# The process stood still; the monotonic clock of another machine; the wall clock was set back.
CHANGES: Final = {
    "frozen": (1.0, 0.0),
    "resumed elsewhere": (0.0, 1.0),
    "monotonic starts again": (0.0, -10.0),
    "set back": (-10.0, 0.0),
}


@dataclass
class Store:
    """A store that counts its readings."""

    readings: int = 0

    def key(self, key_id: object) -> VirtualKey | None:
        """A key."""
        self.readings += 1
        return VirtualKey(id=key_id_of(KEY), created_at=1) if key_id == key_id_of(KEY) else None

    def limits(self, subjects: object) -> dict[object, object]:
        """No limit."""
        del subjects
        self.readings += 1
        return {}


def key_cache(clock: Clock) -> tuple[Callable[[], object], Callable[[], int], float]:
    """The cache of keys."""
    store = Store()
    keys = Authenticator(store, clock)
    return lambda: keys.authenticate(KEY), lambda: store.readings, KEY_CACHE_SECONDS


def limit_cache(clock: Clock) -> tuple[Callable[[], object], Callable[[], int], float]:
    """The cache of limits."""
    store = Store()
    limits = CachedLimits(store, clock)  # type: ignore[arg-type]  # it reads nothing else
    return lambda: limits.of_team("red"), lambda: store.readings, LIMIT_CACHE_SECONDS


def master_key(clock: Clock) -> tuple[Callable[[], object], Callable[[], int], float]:
    """The master key."""
    source = FakeSecretSource("m" * 64)
    key = MasterKey(source, "master", clock)
    return key.current, lambda: source.readings, CACHED_SECONDS


def credentials(clock: Clock) -> tuple[Callable[[], object], Callable[[], int], float]:
    """A provider's credential."""
    source = FakeSecretSource('{"type": "openai", "base_url": "https://x.example/v1", "api_key": "sk-a"}')
    held = Credentials(source, {ProviderName("openai"): "openai"}, clock)
    return lambda: held.current(ProviderName("openai")), lambda: source.readings, CACHED_SECONDS


def destination(clock: Clock) -> tuple[Callable[[], object], Callable[[], int], float]:
    """The address and the signing key of a destination of exports."""
    source = FakeSecretSource('{"url": "https://x.example/"}')
    return SecretAddress(source, "webhook", clock), lambda: source.readings, CACHED_SECONDS


@pytest.mark.parametrize("cache", [key_cache, limit_cache, master_key, credentials, destination])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_cached_ends_by_either_clock(
    cache: Callable[[Clock], tuple[Callable[[], object], Callable[[], int], float]], change: tuple[float, float]
) -> None:
    time = TwoClocks()
    read, readings, seconds = cache(time.clock())
    read()
    time.wall, time.monotonic = time.wall + seconds - 0.1, time.monotonic + seconds - 0.1
    read()
    assert readings() == 1
    wall, monotonic = change
    time.wall += wall * seconds
    time.monotonic += monotonic * seconds
    read()
    assert readings() == 2


def test_a_moment_is_within_its_seconds_by_both_clocks_alone() -> None:
    time = TwoClocks()
    clock, since = time.clock(), Moment(time.wall, time.monotonic)
    assert clock.now() == since
    assert clock.is_within(5, since)
    time.wall += 5
    assert not clock.is_within(5, since)
