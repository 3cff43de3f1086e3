"""A secret has no printable form, and knows when it stands in a text: whole, or too much of it to be a guess."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.canary import holds_a_piece
from vectorgate.ids import ProviderName
from vectorgate.providers.credentials import (
    LEAK_CHARACTERS,
    MIN_SECRET_CHARACTERS,
    Credential,
    MalformedSecret,
    Secret,
    read_credential,
)

TEXT = "sk-Zt5VyCq8HwD2eJmR1oLu"
# No character stands in it twice.
ALPHABET = "".join(chr(33 + at) for at in range(94))
# As Azure builds its keys: 52 that are random, 28 that follow from service, region and month, 4 of a checksum.
AZURE_PUBLIC = "JQQJ99BBACYeBjFXJ3w3AAABACOG"
KEYS = st.integers(MIN_SECRET_CHARACTERS, 200).map(lambda size: "".join(chr(0x100 + at) for at in range(size)))
PLAIN = st.text(st.characters(max_codepoint=0xFF))


def test_no_form_of_a_secret_shows_it() -> None:
    secret = Secret(TEXT)
    credential = Credential(base_url="https://x", api_key=secret, version="1")
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>30}",
        repr(credential),
        repr([secret]),
    ):
        assert not holds_a_piece(shown, TEXT)


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda copied: copied.__name__)
def test_a_secret_is_not_copied_by_accident(copied: object) -> None:
    with pytest.raises(TypeError):
        copied(Secret(TEXT))  # type: ignore[operator]


def test_a_secret_is_no_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(TEXT)})


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        Secret(text)


@settings(deadline=None)
@given(KEYS, st.data(), PLAIN, PLAIN)
def test_a_long_run_of_a_secret_is_a_leak_wherever_it_stands_and_a_shorter_one_is_none(
    key: str, data: st.DataObject, before: str, after: str
) -> None:
    """Keys whose characters differ, in texts that have none of them: a run's length is known."""
    start = data.draw(st.integers(0, len(key) - 1))
    length = data.draw(st.integers(1, len(key) - start))
    leaks = length >= min(LEAK_CHARACTERS, len(key))
    assert Secret(key).leaks_into(before + key[start : start + length] + after) is leaks


@pytest.mark.parametrize("size", [51, 56, 84, 164])
def test_every_run_of_a_long_key_is_found(size: int) -> None:
    key = "".join(chr(0x100 + at) for at in range(size))
    runs = [key[i : i + LEAK_CHARACTERS] for i in range(size - LEAK_CHARACTERS + 1)]
    assert all(Secret(key).leaks_into(f"-{run}-") for run in runs)
    assert not any(Secret(key).leaks_into(f"-{run[:-1]}-{run[1:]}-") for run in runs)


def test_what_is_public_of_a_key_and_a_guess_beside_it_is_no_leak() -> None:
    """Nothing tells a guess of a few characters from a wrong one."""
    azure = "q" * 10 + ALPHABET[33:75] + AZURE_PUBLIC + "x1y2"
    assert len(azure) == 84
    for text in (AZURE_PUBLIC + "x1y2", azure[52 - 15 :], azure[52 - 19 : 80]):
        assert not Secret(azure).leaks_into(text)
    assert Secret(azure).leaks_into(azure[52 - 20 : 80])


@pytest.mark.parametrize("size", [MIN_SECRET_CHARACTERS, 20, 32, LEAK_CHARACTERS - 1])
def test_a_key_that_is_shorter_than_a_run_leaks_as_a_whole(size: int) -> None:
    key = ALPHABET[:size]
    assert Secret(key).leaks_into(f"-{key}-")
    assert not Secret(key).leaks_into(f"-{key[1:]}-{key[:-1]}-")


@pytest.mark.parametrize("word", ["test", "my-key", "secret", "placeholder"])
def test_a_word_is_not_looked_for(word: str) -> None:
    assert not Secret(word).leaks_into(f"my {word} store")


@pytest.mark.parametrize("provider", ["openai", "azure", "azure_ai"])
def test_a_providers_secret_says_its_name_or_none(provider: str) -> None:
    parts = {"base_url": "https://provider.example/v1", "api_key": TEXT}
    for text in (json.dumps(parts), json.dumps({"type": provider, **parts})):
        credential = read_credential(text, ProviderName(provider), plain_http=False)
        assert (credential.base_url, credential.api_key.reveal(), credential.options) == (*parts.values(), {})


@pytest.mark.parametrize("name", ["azure", "azure_ai", "OpenAI", "openai ", "", None, 1, ["openai"]])
def test_a_secret_of_another_provider_is_malformed_and_not_quoted(name: object) -> None:
    text = json.dumps({"type": name, "base_url": "https://provider.example/v1", "api_key": TEXT})
    with pytest.raises(MalformedSecret, match="type") as refusal:
        read_credential(text, ProviderName("openai"), plain_http=False)
    assert TEXT not in str(refusal.value)
