"""The key that local mode makes: what replaces it takes its limits, and leaves it worthless, also after a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from local.local_key import KeysWithModels, local_key
from tests.fakes.clock import FakeClock
from vectorgate.auth.authenticate import key_id_of
from vectorgate.persistence.sqlite import Database, SqliteKeys, open_stores
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ids import KeyId

CLOCK = FakeClock().clock()


@pytest.fixture
def keys() -> Iterator[KeyStore]:
    """Keys in memory."""
    stores = open_stores()
    yield stores.keys
    stores.close()


def test_a_key_that_replaces_another_has_its_limits_and_the_other_is_gone(keys: KeyStore, tmp_path: Path) -> None:
    first = local_key(keys, "sk-1234", CLOCK, tmp_path / "local-key")
    keys.replace_key(replace(first, max_budget=NanoUSD(5), version=2))
    second = local_key(keys, "sk-second", CLOCK, tmp_path / "local-key")
    assert (second.max_budget, second.tenant, second.models) == (5, first.tenant, ())
    keys.replace_key(replace(second, models=("gpt-5",), version=2))
    third = local_key(keys, "sk-third", CLOCK, tmp_path / "local-key")
    assert (third.max_budget, third.models) == (5, ("gpt-5",))
    assert [keys.key(key_id_of(text)) for text in ("sk-1234", "sk-second")] == [None, None]
    assert local_key(keys, "sk-third", CLOCK, tmp_path / "local-key") == third


def test_a_folder_of_an_earlier_release_loses_the_published_key(keys: KeyStore, tmp_path: Path) -> None:
    row = local_key(keys, "sk-1234", CLOCK, tmp_path / "local-key")
    (tmp_path / "local-key").unlink()  # which earlier releases did not write
    replaced = local_key(keys, "sk-second", CLOCK, tmp_path / "local-key")
    assert replaced.alias == row.alias
    assert keys.key(row.id) is None


@pytest.mark.parametrize("method", ["add_key", "delete_key"])
def test_no_key_survives_a_crash_between_two_of_its_steps(
    method: str, keys: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_key(keys, "sk-1234", CLOCK, tmp_path / "local-key")

    def crash(_: object) -> None:
        raise StoreUnavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(keys, method, crash)
        with pytest.raises(StoreUnavailable):
            local_key(keys, "sk-second", CLOCK, tmp_path / "local-key")
    local_key(keys, "sk-third", CLOCK, tmp_path / "local-key")
    left: list[KeyId] = [key_id_of(text) for text in ("sk-1234", "sk-second", "sk-third")]
    assert [keys.key(key_id) is not None for key_id in left] == [False, False, True]


def test_the_local_key_has_its_models_from_the_upstream_unless_its_row_names_some(tmp_path: Path) -> None:
    database = Database()
    keys = SqliteKeys(database)
    key = local_key(keys, "sk-1234", CLOCK, tmp_path / "local-key")
    other = replace(key, id=key_id_of("sk-other"))
    keys.add_key(other)
    embedded = KeysWithModels(database, key.id, ("*",))
    assert [row and row.models for row in (embedded.key(key.id), embedded.key(other.id), keys.key(key.id))] == [
        ("*",), (), (),
    ]  # fmt: skip
    keys.replace_key(replace(key, models=("gpt-5",), version=2))
    assert (row := embedded.key(key.id)) is not None
    assert row.models == ("gpt-5",)
    assert embedded.key(key_id_of("sk-none")) is None
    database.close()
