"""The master key is the one that its secret holds, and a rotation needs no restart of the function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate import bootstrap
from vectorgate.admin.master_key import MasterKey
from vectorgate.entrypoints.admin import handler
from vectorgate.persistence.sqlite import open_stores
from vectorgate.providers.credentials import CACHED_SECONDS, SecretUnavailable
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def key_in(secret_source: FakeSecretSource, time: FakeClock) -> MasterKey:
    """The master key in that secret source."""
    return MasterKey(secret_source, "master", time.clock())


def test_the_line_end_of_a_file_is_not_part_of_the_key() -> None:
    assert key_in(FakeSecretSource(" old-key\r\n"), FakeClock()).current().reveal() == "old-key"


def test_a_rotated_key_is_valid_within_five_minutes_and_the_secret_is_not_read_before() -> None:
    secret_source, time = FakeSecretSource("old-key"), FakeClock()
    key = key_in(secret_source, time)
    assert key.current().reveal() == "old-key"
    secret_source.text = "new-key"
    time.skip(CACHED_SECONDS / 2)
    assert (key.current().reveal(), secret_source.readings) == ("old-key", 1)
    time.skip(CACHED_SECONDS / 2)
    assert (key.current().reveal(), secret_source.readings) == ("new-key", 2)


def test_a_key_that_cannot_be_read_again_stays_in_force_and_is_not_asked_for_at_every_request() -> None:
    secret_source, time = FakeSecretSource("key"), FakeClock()
    key = key_in(secret_source, time)
    key.current()
    secret_source.text = None
    time.skip(CACHED_SECONDS)
    assert [key.current().reveal() for _ in range(3)] == ["key"] * 3
    assert secret_source.readings == 2


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_key_opens_nothing_also_after_a_good_one(text: str) -> None:
    secret_source, time = FakeSecretSource("key"), FakeClock()
    key = key_in(secret_source, time)
    key.current()
    secret_source.text = text
    time.skip(CACHED_SECONDS)
    for _ in range(2):
        with pytest.raises(ValueError, match="empty"):
            key.current()


def test_a_key_that_could_never_be_read_opens_nothing() -> None:
    with pytest.raises(SecretUnavailable):
        key_in(FakeSecretSource(None), FakeClock()).current()


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeSecretSource, FakeClock]]:
    """The function as it is deployed, but for what it stands on: its secret and the time are the test's."""
    secret_source, time, stores = FakeSecretSource("old-key"), FakeClock(), open_stores(":memory:")
    settings = Settings(table="-", master_key_secret="master")
    monkeypatch.setattr(bootstrap, "deployed_settings", lambda: settings)
    monkeypatch.setattr(handler, "_settings", lambda: settings)
    monkeypatch.setattr(bootstrap, "deployed_secrets", lambda: secret_source)
    monkeypatch.setattr(bootstrap, "system_clock", time.clock)
    monkeypatch.setattr(bootstrap, "deployed_stores", lambda: stores)
    monkeypatch.setattr(bootstrap, "deployed_telemetry", RecordingTelemetry)
    forget()
    yield secret_source, time
    forget()
    stores.close()


def forget() -> None:
    """As a new environment of the function begins."""
    bootstrap.deployed_admin_parts.cache_clear()


def status(key: str) -> object:
    """The status for a request with this key."""
    http = {"http": {"method": "GET", "path": "/spend/logs"}}
    event = {"rawPath": "/spend/logs", "headers": {"authorization": f"Bearer {key}"}, "requestContext": http}
    return handler(event, None)["statusCode"]


def test_an_environment_that_is_running_takes_the_new_key_and_refuses_the_old_one(
    deployment: tuple[FakeSecretSource, FakeClock],
) -> None:
    secret_source, time = deployment
    assert [status("old-key"), status("new-key")] == [200, 401]
    secret_source.text = "new-key\n"
    time.skip(CACHED_SECONDS)
    assert [status("old-key"), status("new-key")] == [401, 200]
