"""A deployment refuses what cannot be a key without a read; what it would generate is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from vectorgate import settings as configuration
from vectorgate.admin.keys import KEY_BITS, new_secret
from vectorgate.api.errors import Unauthenticated
from vectorgate.auth.authenticate import MAX_KEY, Authenticator
from vectorgate.clock import Random

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId


@dataclass
class NoKeys:
    """A store without keys, which counts its readings."""

    readings: int = 0

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """None."""
        del key_id
        self.readings += 1
        return None


def refusal(secret: str, *, generated_only: bool) -> tuple[str, int]:
    """The message to a caller with that key, and how often the store was read for it."""
    store = NoKeys()
    with pytest.raises(Unauthenticated) as refused:
        Authenticator(store, FakeClock().clock(), generated_only=generated_only).authenticate(secret)
    return str(refused.value), store.readings


@settings(max_examples=50, deadline=None)
@given(bits=st.integers(0, 2**KEY_BITS - 1))
def test_every_key_that_is_generated_is_looked_up(bits: int) -> None:
    assert refusal(new_secret(Random(bits=lambda _: bits)), generated_only=True)[1] == 1


def test_what_cannot_be_a_key_is_refused_with_the_same_words_and_no_read() -> None:
    unknown, _ = refusal("sk-" + "k" * 43, generated_only=True)
    for secret in (
        "sk-wrong",
        "sk-" + "k" * 42,
        "sk-" + "k" * 44,
        "pk-" + "k" * 43,
        "sk-" + "é" * 43,
        "k" * MAX_KEY * 2,
    ):
        assert refusal(secret, generated_only=True) == (unknown, 0)
    assert refusal("sk-1234", generated_only=False) == (unknown, 1)
    assert refusal("k" * (MAX_KEY + 1), generated_only=False) == (unknown, 0)


def test_a_deployment_on_aws_has_generated_keys_alone() -> None:
    assert configuration.read({"VECTORGATE_TABLE": "t"}).generated_keys
    assert not configuration.Settings(table="t").generated_keys
