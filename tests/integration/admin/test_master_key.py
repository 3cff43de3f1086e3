"""The master key is the one that its secret holds, and a rotation needs nobody who starts the function anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions.admin.app import handler
from tests.fakes.clock import FakeClock
from tests.harnesses.gateway import Notes, Vault
from vectorgate import bootstrap_runtime as runtime
from vectorgate.admin import deployed
from vectorgate.admin.deployed import MasterKey
from vectorgate.settings import Settings
from vectorgate.persistence.sqlite import open_stores
from vectorgate.providers.credentials import CACHED_SECONDS, SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


def key_in(vault: Vault, time: FakeClock) -> MasterKey:
    """The master key in a vault."""
    return MasterKey(vault, "master", time.clock())


def test_the_line_end_of_a_file_is_not_part_of_the_key() -> None:
    assert key_in(Vault(" old-key\r\n"), FakeClock()).current().reveal() == "old-key"


def test_a_rotated_key_is_in_force_within_five_minutes_and_until_then_nobody_reads_again() -> None:
    vault, time = Vault("old-key"), FakeClock()
    key = key_in(vault, time)
    assert key.current().reveal() == "old-key"
    vault.text = "new-key"
    time.skip(CACHED_SECONDS / 2)
    assert (key.current().reveal(), vault.readings) == ("old-key", 1)
    time.skip(CACHED_SECONDS / 2)
    assert (key.current().reveal(), vault.readings) == ("new-key", 2)


def test_a_key_that_cannot_be_read_again_stays_in_force_and_is_not_asked_for_at_every_request() -> None:
    vault, time = Vault("key"), FakeClock()
    key = key_in(vault, time)
    key.current()
    vault.text = None
    time.skip(CACHED_SECONDS)
    assert [key.current().reveal() for _ in range(3)] == ["key"] * 3
    assert vault.readings == 2


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_key_opens_nothing_also_after_a_good_one(text: str) -> None:
    vault, time = Vault("key"), FakeClock()
    key = key_in(vault, time)
    key.current()
    vault.text = text
    time.skip(CACHED_SECONDS)
    for _ in range(2):
        with pytest.raises(ValueError, match="empty"):
            key.current()


def test_a_key_that_could_never_be_read_opens_nothing() -> None:
    with pytest.raises(SecretUnavailable):
        key_in(Vault(None), FakeClock()).current()


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Vault, FakeClock]]:
    """The function as it is deployed, but for what it stands on: its secret and the time are the test's."""
    vault, time, stores = Vault("old-key"), FakeClock(), open_stores(":memory:")
    settings = Settings(table="-", master_key_secret="master")
    monkeypatch.setattr(runtime, "deployed_settings", lambda: settings)
    monkeypatch.setattr(runtime, "deployed_secrets", lambda: vault)
    monkeypatch.setattr(runtime, "system_clock", time.clock)
    monkeypatch.setattr(runtime, "deployed_stores", lambda: stores)
    monkeypatch.setattr(runtime, "deployed_telemetry", Notes)
    forget()
    yield vault, time
    forget()
    stores.close()


def forget() -> None:
    """As a new environment of the function begins."""
    deployed._master_key.cache_clear()
    deployed._parts.cache_clear()


def status(key: str) -> object:
    """What the function answers to who presents this key."""
    http = {"http": {"method": "GET", "path": "/spend/logs"}}
    event = {"rawPath": "/spend/logs", "headers": {"authorization": f"Bearer {key}"}, "requestContext": http}
    return handler(event, None)["statusCode"]


def test_an_environment_that_is_running_takes_the_new_key_and_refuses_the_old_one(
    deployment: tuple[Vault, FakeClock],
) -> None:
    vault, time = deployment
    assert [status("old-key"), status("new-key")] == [200, 401]
    vault.text = "new-key\n"
    time.skip(CACHED_SECONDS)
    assert [status("old-key"), status("new-key")] == [401, 200]
