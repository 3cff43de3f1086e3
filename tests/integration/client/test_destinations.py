"""Where a call goes, by its options and the environment; and that no key goes anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

import vectorgate
from vectorgate.client.client import Client
from vectorgate.client.file_inputs import file_source, form_fields
from vectorgate.client.settings import read

if TYPE_CHECKING:
    from tests.fakes.upstream import FaultyUpstream

OPEN = {"OPENAI_API_KEY": "sk-open", "OPENAI_BASE_URL": "http://open.invalid/v1/"}
GATE = {"VECTORGATE_BASE_URL": "http://gate.invalid", "VECTORGATE_API_KEY": "sk-gate"}
AZURE = {"AZURE_API_KEY": "az", "AZURE_API_BASE": "https://res.openai.azure.com/"}


def sent_to(environment: dict[str, str], **options: Any) -> tuple[str, dict[str, str]]:
    """The URL and headers of a retrieval."""
    sent: list[httpx.Request] = []

    def catch(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"id": "vs_1"})

    with httpx.Client(transport=httpx.MockTransport(catch)) as http_client:
        Client(settings=read(environment), http_client=http_client).vector_stores.retrieve("vs_1", **options)
    return str(sent[0].url), dict(sent[0].headers)


@pytest.mark.parametrize(
    ("environment", "options", "url", "key"),
    [
        (OPEN, {}, "http://open.invalid/v1/vector_stores/vs_1", "Bearer sk-open"),
        ({"OPENAI_API_KEY": " sk-open\n"}, {}, "https://api.openai.com/v1/vector_stores/vs_1", "Bearer sk-open"),
        ({**OPEN, **GATE}, {}, "http://gate.invalid/v1/vector_stores/vs_1", "Bearer sk-gate"),
        ({**GATE, "VECTORGATE_BASE_URL": "http://g/x/"}, {}, "http://g/x/vector_stores/vs_1", "Bearer sk-gate"),
        ({**OPEN, **GATE}, {"api_key": "sk-own"}, "http://gate.invalid/v1/vector_stores/vs_1", "Bearer sk-own"),
        (OPEN, {"api_base": "http://o/v1", "api_key": "k"}, "http://o/v1/vector_stores/vs_1", "Bearer k"),
        (
            {**OPEN, **GATE},
            {"api_base": "http://o/v1"},
            "http://o/v1/vector_stores/vs_1",
            "Bearer sk-open",
        ),
    ],
)
def test_the_destination_and_its_key(environment: dict[str, str], options: dict[str, Any], url: str, key: str) -> None:
    found, headers = sent_to(environment, **options)
    assert (found, headers["authorization"]) == (url, key)


@pytest.mark.parametrize(
    ("version", "url"),
    [
        (None, "https://res.openai.azure.com/openai/v1/vector_stores/vs_1"),
        ("v1", "https://res.openai.azure.com/openai/v1/vector_stores/vs_1?api-version=v1"),
        ("preview", "https://res.openai.azure.com/openai/v1/vector_stores/vs_1?api-version=preview"),
        ("2025-04-01-preview", "https://res.openai.azure.com/openai/vector_stores/vs_1?api-version=2025-04-01-preview"),
    ],
)
@pytest.mark.parametrize("base", ["", "openai", "openai/v1"])
def test_azure_in_each_of_its_forms(version: str | None, url: str, base: str) -> None:
    environment = {**OPEN, **AZURE, "AZURE_API_BASE": AZURE["AZURE_API_BASE"] + base}
    found, headers = sent_to(environment, custom_llm_provider="azure", api_version=version)
    assert found == url
    assert headers["api-key"] == "az"
    assert "authorization" not in headers


def test_a_gateway_gets_the_provider_s_name_and_decides() -> None:
    _, headers = sent_to({**GATE, **AZURE}, custom_llm_provider="azure")
    assert headers["custom-llm-provider"] == "azure"
    assert "api-key" not in headers


@pytest.mark.parametrize(
    ("environment", "options", "reason"),
    [
        ({}, {}, "OPENAI_API_KEY"),
        ({"VECTORGATE_BASE_URL": "http://g"}, {}, "VECTORGATE_API_KEY"),
        ({**OPEN, "VECTORGATE_BASE_URL": "http://g"}, {}, "VECTORGATE_API_KEY"),
        ({**GATE, "VECTORGATE_FUNCTION": "f"}, {}, "both set"),
        (GATE, {"api_version": "v1"}, "setting of the gateway"),
        (OPEN, {"custom_llm_provider": "bedrock"}, "needs a gateway"),
        (OPEN, {"custom_llm_provider": "azure"}, "AZURE_API_BASE"),
        (OPEN, {"api_base": "ftp://x"}, "not a base URL"),
        (OPEN, {"api_base": "https://x?key=1"}, "not a base URL"),
    ],
)
def test_contradictory_settings_are_an_error_before_anything_is_sent(
    environment: dict[str, str], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(vectorgate.SettingsError, match=reason):
        Client(settings=read(environment)).vector_stores.retrieve("vs_1", **options)


@pytest.mark.parametrize(
    ("options", "kind"),
    [({"timeout": 0}, ValueError), ({"timeout": "x"}, ValueError), ({"max_retries": -1}, ValueError)],
)
def test_bounds_that_make_no_sense_are_refused(options: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Client(settings=read(OPEN)).vector_stores.retrieve("vs_1", **options)


def test_a_key_is_in_no_text_of_a_client_or_an_error(server: FaultyUpstream) -> None:
    client = Client(settings=read({**GATE, "VECTORGATE_BASE_URL": server.url}))
    server.close()
    with pytest.raises(vectorgate.APIConnectionError) as error:
        client.vector_stores.list(max_retries=0)
    assert "sk-gate" not in repr(error.value) + repr(vars(error.value)) + str(error.value.request)
    assert not error.value.outcome_unknown


def test_files_are_taken_in_openai_s_forms() -> None:
    assert file_source(b"abc").filename == "upload"
    assert file_source(("n.txt", b"abc")).filename == "n.txt"
    assert file_source(("n.txt", b"abc", "text/plain")).content_type == "text/plain"
    with pytest.raises(TypeError, match="binary mode"):
        file_source("path as text")  # type: ignore[arg-type]
    assert form_fields({"a": {"b": 1, "c": True}, "d": "x"}) == {"a[b]": "1", "a[c]": "true", "d": "x"}
    with pytest.raises(TypeError):
        form_fields({"a": [1]})
