"""The Python samples of docs/sdk.md, as printed, against local mode."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.helpers.processes import ROOT
from tests.integration.client.test_reference_page import run

PAGE = (ROOT / "docs/sdk.md").read_text("utf-8")
SAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
OWN_CLIENTS = re.findall(r"```python\n(.*?)```", PAGE.partition("## Bring your own httpx client")[2], re.DOTALL)


def test_the_page_has_samples_of_the_methods_and_of_a_client_of_one_s_own() -> None:
    assert (len(SAMPLES), len(OWN_CLIENTS)) == (4, 2)


@pytest.mark.parametrize("code", SAMPLES, ids=["methods", "streams", "own client", "mocks and tracing"])
@pytest.mark.usefixtures("through")
def test_a_sample_of_the_page_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(code)
    said = capsys.readouterr().out
    for client in http_clients(names):
        client.close()
    if code == SAMPLES[0]:
        assert "404" in said
    if code == SAMPLES[1]:
        assert [said.count(f"response.{end}") for end in ("created", "completed")] == [2, 2]
    if code == OWN_CLIENTS[0]:
        assert re.search(r"POST http://127\.0\.0\.1:\d+/v1/vector_stores\nGET ", said)


def http_clients(names: dict[str, Any]) -> list[Any]:
    """The open clients that a sample leaves."""
    return [names[name] for name in ("http_client", "traced") if name in names]
