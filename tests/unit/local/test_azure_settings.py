"""Local mode reads Azure's providers from LiteLLM's environment variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.app import LocalMode
from local.options import Options
from local.provider_settings import azure_secrets
from vectorgate.providers.credentials import read_credential

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_configured_by_default() -> None:
    assert azure_secrets({"AZURE_API_KEY": "k", "AZURE_SEARCH_ENDPOINT": "https://s", "AZURE_API_BASE": ""}) == {}


def test_both_providers_are_read() -> None:
    secrets = azure_secrets(
        {
            "AZURE_API_KEY": "k1",
            "AZURE_API_BASE": "https://res.openai.azure.com/",
            "AZURE_API_VERSION": "2025-04-01-preview",
            "AZURE_AI_SEARCH_API_KEY": "k2",
            "AZURE_SEARCH_ENDPOINT": "https://svc.search.windows.net",
        }
    )
    assert json.loads(secrets["azure"])["type"] == "azure"  # type: ignore[index]
    openai, search = (read_credential(text, name, plain_http=False) for name, text in secrets.items())
    assert (openai.base_url, openai.api_key.reveal()) == ("https://res.openai.azure.com", "k1")
    assert openai.options == {"api_version": "2025-04-01-preview"}
    assert (search.base_url, search.api_key.reveal()) == ("https://svc.search.windows.net", "k2")


def test_local_mode_serves_both_surfaces(tmp_path: Path) -> None:
    others = azure_secrets({"AZURE_SEARCH_API_KEY": "k", "AZURE_SEARCH_ENDPOINT": "https://127.0.0.1:1"})
    secret = json.dumps({"type": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "k"})
    local_mode = LocalMode(Options(database=tmp_path / "ledger.db", secret=secret, master_key="sk-1234", others=others))
    try:
        assert called(local_mode, "/azure_ai/indexes") == (200, {"value": []})
        status, document = called(local_mode, "/azure_ai/indexes/x")
        assert (status, document["error"]["code"]) == (404, "ResourceNotFound")
        assert called(local_mode, "/openai/vector_stores")[1]["data"] == []
    finally:
        local_mode.close()


def called(local_mode: LocalMode, path: str) -> tuple[int, dict[str, Any]]:
    """Send a GET with local mode's key, which is answered without a provider."""
    event = {
        "rawPath": path,
        "queryStringParameters": {"api-version": "2024-07-01"},
        "headers": {"api-key": "sk-1234"},
        "requestContext": {"http": {"method": "GET"}},
    }
    result: dict[str, Any] = local_mode.api(event, None)
    return result["statusCode"], json.loads(result["body"])
