"""Local mode as an operator meets it: large files, many connections, and mistakes at the start."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pytest
from httpx2 import Client

from tests.harnesses.engine_process import pipe
from tests.harnesses.local_process import KEY, ROOT, LocalProcess, free_port
from tests.helpers import forked

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "local"]
MIB = 1024 * 1024
OPENAI_KEY = "sk-canary-never-printed"
AUTHORIZED = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def process() -> Iterator[LocalProcess]:
    """One for the whole module."""
    with tempfile.TemporaryDirectory() as folder, LocalProcess(Path(folder) / "home") as running:
        yield running


@pytest.fixture
def http(process: LocalProcess) -> Iterator[Client]:
    """A client with the master key."""
    with Client(base_url=process.url, headers=AUTHORIZED, timeout=60) as client:
        yield client


def environment(**settings: str) -> dict[str, str]:
    """These settings and no others."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_", "VECTOR"))}
    path = os.pathsep.join([str(ROOT / "layers" / "core" / "python"), str(ROOT)])
    return kept | {"PYTHONPATH": path, "PORT": str(free_port())} | settings


def start(**settings: str) -> subprocess.CompletedProcess[str]:
    """Start it as an operator would, and see it end."""
    with tempfile.TemporaryFile("w+") as errors:
        process = forked.start("local", env=environment(**settings), stderr=errors)
        with pipe(process.stdout) as output:
            printed, status = output.read(), process.wait(30)
        errors.seek(0)
        return subprocess.CompletedProcess(COMMAND, status, printed, errors.read())


def resident(process: LocalProcess, field: str) -> int:
    """Bytes of memory: `VmRSS` now, `VmHWM` at most so far."""
    status = Path(f"/proc/{process._process.pid}/status").read_text()
    return int(status.partition(field + ":")[2].split()[0]) * 1024


def answer_to(process: LocalProcess, request: bytes) -> bytes:
    """What is answered to these bytes, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", process.port), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_a_large_download_is_streamed_and_arrives_whole(process: LocalProcess, http: Client, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    piece = bytes(range(256)) * 4096
    with large.open("wb") as file:
        file.writelines(piece for _ in range(100))
    with large.open("rb") as file:
        made = http.post("/v1/files", data={"purpose": "vision"}, files={"file": ("large.bin", file)}).json()
    before = resident(process, "VmHWM")
    received = 0
    with http.stream("GET", f"/v1/files/{made['id']}/content") as answer:
        assert answer.headers["content-length"] == str(100 * MIB)
        for part in answer.iter_bytes(MIB):
            assert part == piece
            received += len(part)
    assert received == 100 * MIB
    assert resident(process, "VmHWM") - before < 60 * MIB


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads Linux's /proc")
def test_a_client_that_leaves_in_the_middle_of_a_download_leaves_no_file_open(
    process: LocalProcess, http: Client
) -> None:
    made = http.post("/v1/files", data={"purpose": "vision"}, files={"file": ("l", bytes(32 * MIB))}).json()
    content = f"{process.url}/v1/files/{made['id']}/content"
    with Client(headers=AUTHORIZED) as leaving, leaving.stream("GET", content) as answer:
        assert len(next(answer.iter_bytes(MIB))) == MIB
    folder = Path(f"/proc/{process._process.pid}/fd")
    deadline = time.monotonic() + 10
    while deleted := [link for link in links(folder) if "deleted" in link]:
        assert time.monotonic() < deadline, deleted
        time.sleep(0.1)


def links(folder: Path) -> Iterator[str]:
    """What the open files of a process are; those that close meanwhile are left out."""
    for entry in folder.iterdir():
        try:
            yield str(entry.readlink())
        except FileNotFoundError:
            continue


def test_three_hundred_idle_connections_exclude_no_other(process: LocalProcess, http: Client) -> None:
    idle = [socket.create_connection(("127.0.0.1", process.port), timeout=5) for _ in range(300)]
    try:
        assert http.get("/healthz", timeout=5).json() == {"status": "ok"}
    finally:
        for connection in idle:
            connection.close()


@pytest.mark.parametrize("path", ["/healthz", "/v1/vector_stores", "/spend/logs", "/2015-03-31/functions/x"])
def test_an_answer_to_head_has_a_length_and_no_body(process: LocalProcess, path: str) -> None:
    head = f"HEAD {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\n\r\n"
    fields, _, body = answer_to(process, head.encode()).partition(b"\r\n\r\n")
    assert b"\r\ncontent-length: " in fields.lower()
    assert body == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-length: 700000000\r\n\r\n", 413),
        (b"POST /v1/files HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /v1/files HTTP/1.1\r\nhost: localhost\r\nx-long: ".ljust(256 * 1024 + 1, b"a"), 431),
    ],
)
def test_what_the_server_itself_refuses_has_the_usual_envelope(
    process: LocalProcess, request_: bytes, status: int
) -> None:
    head, _, body = answer_to(process, request_).partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"\r\ncontent-type: application/json" in head.lower()
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}


def test_what_it_stores_is_for_its_user_alone(process: LocalProcess) -> None:
    files = [path for path in process.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"ledger.db", "catalogue.db"}
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_a_folder_has_one_process(process: LocalProcess) -> None:
    assert_one_line(start(VECTORGATE_HOME=str(process.home)), "VECTORGATE_HOME")


def test_a_port_in_use_is_one_line(process: LocalProcess, tmp_path: Path) -> None:
    assert_one_line(start(VECTORGATE_HOME=str(tmp_path / "h"), PORT=str(process.port)), "PORT", str(process.port))


def test_a_home_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_one_line(start(VECTORGATE_HOME=str(tmp_path / "file")), "VECTORGATE_HOME")
    assert_one_line(start(VECTORGATE_HOME=str(tmp_path / "file" / "below")), "VECTORGATE_HOME")


@pytest.mark.parametrize("path", ["file", "file/below", "/proc/none/here", "x" * 300, "home", "."])
def test_a_watched_folder_that_cannot_be_one_is_one_line(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = {"VECTORGATE_HOME": str(tmp_path / "home"), "VECTORGATE_INGEST": str(tmp_path / path)}
    assert_one_line(start(**settings), "VECTORGATE_INGEST")


@pytest.mark.parametrize("name", ["master-key", "aws-credentials", "local-key", "ledger.db", "upstream"])
def test_a_file_of_the_data_folder_that_cannot_be_used_is_one_line(name: str, tmp_path: Path) -> None:
    wrong = tmp_path / name
    if name == "upstream":
        wrong.touch()
    else:
        wrong.mkdir()
    assert_one_line(start(VECTORGATE_HOME=str(tmp_path)), "VECTORGATE_HOME")


def test_a_ledger_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    assert_one_line(start(VECTORGATE_HOME=str(tmp_path)), "ledger.db")


@pytest.mark.parametrize(
    "settings",
    [
        {"PORT": "abc"},
        {"PORT": "99999"},
        {"PORT": "-1"},
        {"HOST": "no-such-host.invalid"},
        {"VECTORGATE_PRICES": "/no/such/file.json"},
        {"VECTORGATE_METER_SECONDS": "abc"},
        {"VECTORGATE_TIMEOUT_SECONDS": "0"},
        {"VECTORGATE_DRAIN_SECONDS": "soon"},
        {"VECTORGATE_UPSTREAM": "litellm"},
        {"VECTORGATE_ACCESS_LOG": "/no/such/folder/access.log"},
        {"VECTORGATE_DRAIN_SECONDS": "-1"},
        {"VECTORGATE_UPSTREAM": "openai"},
        {"VECTORGATE_ALLOWED_HOSTS": "http://gateway.example"},
        {"VECTORGATE_INGEST_SENDERS": "[]"},
        {"VECTORGATE_MASTER_KEY": "with spaces in it, for once"},
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line(settings: dict[str, str], tmp_path: Path) -> None:
    (name,) = settings
    assert_one_line(start(VECTORGATE_HOME=str(tmp_path), **settings), name)


@pytest.mark.parametrize(
    "url",
    [
        "garbage",
        "ftp://canary.example/v1",
        "https://user:canary@example.com/v1",
        "https://canary.example/v1?key=canary",
        "https://canary.example/\nv1",
        "https://canary.example/ v1",
        "https://canäry.example/v1",
        "https://canary.example:99999/v1",
    ],
)
def test_a_base_url_that_cannot_be_used_is_named_and_never_shown(url: str, tmp_path: Path) -> None:
    ended = start(VECTORGATE_HOME=str(tmp_path), OPENAI_API_KEY=OPENAI_KEY, OPENAI_BASE_URL=url)
    assert_one_line(ended, "OPENAI_BASE_URL")
    assert "can" not in ended.stderr.removeprefix("vectorgate:")


@pytest.mark.parametrize("key", ["sk-canary\nx", "sk-canary x", "sk-canäry", "  "])
def test_a_key_that_cannot_be_sent_is_named_and_never_shown(key: str, tmp_path: Path) -> None:
    ended = start(VECTORGATE_HOME=str(tmp_path), OPENAI_API_KEY=key)
    assert_one_line(ended, "OPENAI_API_KEY")
    assert "sk-" not in ended.stderr


def test_an_azure_endpoint_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    ended = start(VECTORGATE_HOME=str(tmp_path), AZURE_API_KEY=OPENAI_KEY, AZURE_API_BASE="ftp://x")
    assert_one_line(ended, "azure")


def test_the_ready_line_shows_no_more_of_the_upstream_than_its_origin(tmp_path: Path) -> None:
    host = "::1" if has_ipv6() else "127.0.0.1"
    openai = {"OPENAI_API_KEY": OPENAI_KEY, "OPENAI_BASE_URL": "http://127.0.0.1:9/secret/v1"}
    with subprocess.Popen(  # noqa: S603 - this project's command
        COMMAND,
        env=environment(VECTORGATE_HOME=str(tmp_path), HOST=host, **openai),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = cast("IO[str]", process.stdout).readline()
        process.terminate()
    assert line.startswith("vectorgate is ready on http://" + ("[::1]:" if host == "::1" else "127.0.0.1:"))
    assert line.endswith("(upstream: http://127.0.0.1:9)\n")


def has_ipv6() -> bool:
    """Whether this machine's loopback has it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def assert_one_line(ended: subprocess.CompletedProcess[str], *named: str) -> None:
    """Exit status 1 and one line that names these; no promise to be ready."""
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("vectorgate: ")
    assert [name for name in named if name not in line] == []
