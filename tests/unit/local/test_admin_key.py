"""The admin key of local mode: a secret of its own, for the same host, and never the engine's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.mistakes import CannotStart
from local.provider_settings import CREDENTIALS, read_upstreams
from vectorgate.providers.credentials import read_credential
from vectorgate.settings import OPENAI_ADMIN

KEYS = {"OPENAI_API_KEY": "sk-proj-a", "OPENAI_BASE_URL": "https://proxy.example/v1", "OPENAI_ADMIN_KEY": "sk-admin-b"}


def secret(**changes: str) -> Any:
    """The admin key's secret with these settings besides KEYS."""
    text = read_upstreams(KEYS | changes, "127.0.0.1", 4000).admin_secret
    return json.loads(text) if text is not None else None


def test_an_admin_key_is_a_secret_of_its_own_for_the_same_host() -> None:
    found = secret(OPENAI_PROJECT_ID="proj_1")
    assert found == {
        "type": "openai_admin",
        "base_url": "https://proxy.example/v1",
        "api_key": "sk-admin-b",
        "project_ids": "proj_1",
    }
    credential = read_credential(json.dumps(found), OPENAI_ADMIN, plain_http=True)
    assert (credential.api_key.reveal(), credential.options) == ("sk-admin-b", {"project_ids": "proj_1"})
    assert "project_ids" not in secret()
    assert "OPENAI_ADMIN_KEY" in CREDENTIALS  # which the engine's process does not get


def test_without_a_key_or_a_provider_there_is_none_and_a_broken_one_stops_the_start() -> None:
    assert secret(OPENAI_ADMIN_KEY="") is None
    assert secret(VECTORGATE_UPSTREAM="embedded") is None
    with pytest.raises(CannotStart, match="OPENAI_ADMIN_KEY"):
        secret(OPENAI_ADMIN_KEY="sk admin")
