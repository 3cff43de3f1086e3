"""What local mode says when it starts, and the line that it writes for each request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from httpx2 import Client

from local.mistakes import CannotStart
from local.settings import LocalSettings
from tests.fakes.openai import FakeOpenAI
from tests.fakes.upstream import FaultyUpstream
from tests.harnesses.local_process import KEY, LocalProcess, free_port
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from pathlib import Path

AZURE = {"AZURE_API_KEY": "k", "AZURE_API_BASE": "https://res.openai.azure.com"}
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z 127\.0\.0\.1 (\S+) (\S+) (\S+) (\d+) \d+\.\dms (\S+)( cut)?")


def test_a_key_in_the_shell_forwards_and_the_start_says_where_why_and_how_not_to(tmp_path: Path) -> None:
    with FaultyUpstream(FakeOpenAI().act) as upstream:
        settings = {"OPENAI_API_KEY": "sk-shell", "OPENAI_BASE_URL": upstream.url} | AZURE
        with LocalProcess(tmp_path / "home", None, **settings) as process:
            said = process.printed
    assert f"openai: forwarded to {upstream.url.removesuffix('/v1')}, because OPENAI_API_KEY is set" in said
    assert "azure: forwarded to https://res.openai.azure.com, because its AZURE_... settings are set" in said
    assert "VECTORGATE_UPSTREAM=embedded make run" in said
    assert "sk-shell" not in said


def test_with_the_way_back_the_readmes_request_works_whatever_keys_the_shell_has(tmp_path: Path) -> None:
    settings = {"OPENAI_API_KEY": "sk-shell", "VECTORGATE_UPSTREAM": "embedded"} | AZURE
    with (
        LocalProcess(tmp_path / "home", None, **settings) as process,
        Client(base_url=process.url, headers={"authorization": f"Bearer {KEY}"}) as http,
    ):
        body = {"name": "My Document Store", "file_ids": ["file-abc123", "file-def456"]}
        assert http.post("/v1/vector_stores", json=body).json()["file_counts"]["total"] == 2
        refused = http.post("/v1/vector_stores", json={"custom_llm_provider": "azure"})
        assert refused.status_code == 400
        said = process.printed
    assert "forwarded" not in said
    assert f"\ndashboard: {process.url}/ui\ndata folder: {process.home}\n" in said
    assert f"watched folder: {process.home / 'ingest'}\n" in said


def test_a_gateway_does_not_forward_to_itself() -> None:
    port = free_port()
    for host in ("127.0.0.1", "localhost", "[::1]"):
        settings = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"http://{host}:{port}/v1", "PORT": str(port)}
        with pytest.raises(CannotStart, match="own address"):
            LocalSettings.read(settings)
        assert LocalSettings.read(settings | {"VECTORGATE_UPSTREAM": "embedded"}).is_demo


@pytest.mark.parametrize(
    "settings",
    [
        {"HOST": "0.0.0.0"},  # noqa: S104 - nothing listens there
        {"HOST": "::"},
        {"HOST": "gateway.example"},
        {"OPENAI_API_KEY": "sk-x"},
        AZURE,
    ],
)
def test_whatever_serves_more_than_the_demo_takes_no_weak_master_key(settings: dict[str, str]) -> None:
    assert not LocalSettings.read(settings).is_demo
    for weak in (KEY, "sk-short"):
        assert LocalSettings.read({"VECTORGATE_MASTER_KEY": weak}).master_key == weak
        with pytest.raises(CannotStart, match="VECTORGATE_MASTER_KEY"):
            LocalSettings.read(settings | {"VECTORGATE_MASTER_KEY": weak})


def test_a_base_url_without_a_key_is_told_of() -> None:
    upstreams = LocalSettings.read({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}).upstreams
    assert upstreams.explanation() == ["OPENAI_BASE_URL is not used, because OPENAI_API_KEY is not set"]
    assert LocalSettings.read({}).upstreams.explanation() == []


@pytest.mark.parametrize("to_file", [True, False])
def test_each_request_is_a_line_of_the_access_log(to_file: bool, tmp_path: Path) -> None:  # noqa: FBT001 - both ways
    path = tmp_path / "access.log"
    with LocalProcess(tmp_path / "home", VECTORGATE_ACCESS_LOG=str(path) if to_file else "1") as process:

        def lines() -> list[str]:
            written = path.read_text().splitlines() if to_file else [line.rstrip() for line in process.lines()]
            return [line for line in written if LINE.fullmatch(line)]

        with Client(base_url=process.url, headers={"authorization": f"Bearer {KEY}"}) as http:
            answer = http.get("/v1/vector_stores?limit=1")
            http.get("/v1/vector_stores", headers={"host": "evil.example"})
            http.get("/healthz")
        within(30, lambda: len(lines()) == 3)
        parts = [line.split(" ", 2)[2] for line in lines()]
    first, refused, healthy = (part.split() for part in parts)
    size = answer.headers["content-length"]
    assert [*first[:4], first[5]] == ["GET", "/v1/vector_stores", "200", size, answer.headers["x-request-id"]]
    assert refused[:3] == ["GET", "/v1/vector_stores", "403"]
    assert [healthy[1], healthy[2], healthy[5]] == ["/healthz", "200", "-"]
