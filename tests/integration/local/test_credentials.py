"""Who may call local mode: its master key, the hosts of its requests, and the signatures of its Invoke API."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import Client

from tests.fakes.openai import FakeOpenAI
from tests.fakes.upstream import FaultyUpstream
from tests.harnesses.local_process import KEY, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN = "sk-of-this-test-alone"
INVOKE = "/2015-03-31/functions/vectorgate-invoke/invocations"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """The embedded engine alone, on loopback, trusting its invokers."""
    with LocalProcess(tmp_path_factory.mktemp("demo") / "home", VECTORGATE_TRUST_INVOKER="1") as running:
        yield running


@pytest.fixture(scope="module")
def provider() -> Iterator[dict[str, str]]:
    """Settings of a gateway that forwards to a provider."""
    with FaultyUpstream(FakeOpenAI().act) as upstream:
        yield {"OPENAI_API_KEY": "sk-provider", "OPENAI_BASE_URL": upstream.url}


def status(process: LocalProcess, key: str, method: str = "GET", path: str = "/v1/vector_stores") -> int:
    """Of a request with a key."""
    with Client(base_url=process.url, headers={"authorization": f"Bearer {key}"}) as http:
        return http.request(method, path, json={"name": "s"} if method == "POST" else None).status_code


def generated(process: LocalProcess) -> str:
    """The key that the folder has for itself."""
    path = process.home / "master-key"
    assert path.stat().st_mode & 0o077 == 0
    return path.read_text().strip()


def test_the_demo_has_the_published_key_and_says_so(demo: LocalProcess) -> None:
    assert "'sk-1234', a published key" in demo.printed
    assert status(demo, KEY) == 200
    assert status(demo, KEY, path="/spend/logs") == 200
    assert not (demo.home / "master-key").exists()


def test_with_a_provider_the_published_key_opens_nothing(provider: dict[str, str], tmp_path: Path) -> None:
    with LocalProcess(tmp_path / "home", None, **provider) as process:
        own = generated(process)
        assert len(own) > 40
        assert own not in process.printed
        assert str(process.home / "master-key") in process.printed
        for path in ("/v1/vector_stores", "/spend/logs"):
            assert status(process, KEY, path=path) == 401
            assert status(process, own, path=path) == 200


def test_the_published_key_of_a_demo_opens_nothing_once_the_folder_serves_more(
    provider: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with LocalProcess(home) as process:
        assert status(process, KEY, "POST", "/v1/vector_stores") == 200
    with LocalProcess(home, None, **provider) as process:
        own = generated(process)
        assert status(process, KEY) == 401
        assert status(process, own, "POST", "/v1/vector_stores") == 200
    with LocalProcess(home) as process:  # a demo again, on a folder with records of a provider
        assert (status(process, KEY), status(process, own)) == (401, 200)
        assert generated(process) == own
        with Client(base_url=process.url, headers={"authorization": f"Bearer {own}"}) as http:
            assert [model["id"] for model in http.get("/v1/models").json()["data"]] == ["embedded-extractive"]


def test_a_master_key_that_is_replaced_opens_nothing_any_more(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with (
        LocalProcess(home, VECTORGATE_MASTER_KEY=OWN) as process,
        Client(base_url=process.url, headers={"authorization": f"Bearer {OWN}"}) as http,
    ):
        store = http.post("/v1/vector_stores", json={"name": "kept"}).json()["id"]
        assert OWN not in process.printed
    with LocalProcess(home, VECTORGATE_MASTER_KEY=OWN + "-2") as process:
        assert status(process, OWN) == 401
        assert status(process, OWN + "-2", path=f"/v1/vector_stores/{store}") == 200


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", ["/healthz", "/v1/vector_stores", "/spend/logs", INVOKE])
def test_a_request_of_another_host_is_refused_on_every_path(demo: LocalProcess, path: str, method: str) -> None:
    with Client(base_url=demo.url, headers={"authorization": f"Bearer {KEY}"}) as http:
        answer = http.request(method, path, headers={"host": f"rebound.example:{demo.port}"})
    assert answer.status_code == 403
    if method != "HEAD":
        assert answer.json()["error"]["code"] == "host_not_allowed"


def test_a_host_that_the_operator_lists_is_answered(tmp_path: Path) -> None:
    with (
        LocalProcess(tmp_path / "home", VECTORGATE_ALLOWED_HOSTS="gateway.example, *.internal.example") as process,
        Client(base_url=process.url) as http,
    ):
        hosts = ("gateway.example", "a.internal.example:8443", "127.0.0.1", "0.0.0.0:4000", "other.example")
        answers = [http.get("/healthz", headers={"host": host}).status_code for host in hosts]
    assert answers == [200, 200, 200, 200, 403]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_only_an_access_key_of_the_folder_invokes_for_a_team(demo: LocalProcess) -> None:
    access_key, secret = demo.access_key()
    assert (demo.home / "aws-credentials").stat().st_mode & 0o077 == 0
    payload = json.dumps({"operation": "vector_stores.list", "tenant": "team-b"})

    def invoked(user: str) -> dict[str, Any]:
        command = ["curl", "-s", "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", user, "-d", payload]
        done = subprocess.run([*command, demo.url + INVOKE], check=True, capture_output=True, text=True)  # noqa: S603
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    assert invoked(f"{access_key}:{secret}")["status"] == 200
    assert "signature we calculated does not match" in invoked(f"{access_key}:{secret}x")["message"]
    assert "security token" in invoked(f"any:{secret}")["message"]
