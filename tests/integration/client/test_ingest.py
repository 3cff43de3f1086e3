"""`vectorgate ingest`: a folder into a store, again and again, against local mode."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import vectorgate
from tests.helpers.processes import ROOT
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.operations import BY_NAME
from vectorgate.client import command
from vectorgate.client.client import Client
from vectorgate.client.errors import APIConnectionError
from vectorgate.client.ingest.cli import main
from vectorgate.client.ingest.journal import FileRecord, Journal, JournalBusy
from vectorgate.client.ingest.progress import Progress, sized
from vectorgate.client.ingest.scan import scan
from vectorgate.client.messages import HttpResponse, RequestLine
from vectorgate.providers.azure_openai import check_limits
from vectorgate.providers.base import Call

if TYPE_CHECKING:
    from pathlib import Path

    from vectorgate.client.flow import TimeLimit
    from vectorgate.client.messages import HttpRequest, Outcome
    from vectorgate.client.sender import AsyncSender


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve files, two of them below, a hidden one, and a link."""
    root = tmp_path / "docs"
    (root / "below").mkdir(parents=True)
    for number in range(10):
        (root / f"{number}.md").write_text(f"# Chapter {number}\nThe returns policy, part {number}.")
    (root / "below" / "ä b.txt").write_text("Shipping takes two days.")
    (root / "below" / "c.txt").write_text("Refunds take five.")
    (root / ".hidden").write_text("no")
    (root / "link.md").symlink_to(root / "0.md")
    return root


def facts(text: str) -> dict[str, int]:
    """The counts in a summary."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+) files", text, re.MULTILINE)}


@pytest.mark.usefixtures("through")
def test_a_folder_is_ingested_once_and_then_only_what_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--store", "Ingested once"]) == 0
    first = capsys.readouterr()
    assert facts(first.out) == {"uploaded": 12, "attached": 12, "unchanged": 0, "failed": 0}
    assert "uploaded 12/12 files" in first.err
    assert "a GiB-day" in first.out

    assert main([str(folder), "--store", "Ingested once"]) == 0
    assert facts(capsys.readouterr().out) == {"uploaded": 0, "attached": 0, "unchanged": 12, "failed": 0}

    (store,) = [store for store in vectorgate.vector_stores.list() if store.name == "Ingested once"]
    paths = {(file.attributes or {})["path"]: file.id for file in vectorgate.vector_stores.files.list(store.id)}
    (folder / "0.md").write_text("Everything is new here.")
    (folder / "picture.xyz").write_bytes(b"\x00\x01")
    (folder / "empty.txt").touch()
    assert main([str(folder), "--store", "Ingested once", "--concurrency", "2"]) == 1
    third = capsys.readouterr().out
    assert facts(third) == {"uploaded": 2, "attached": 1, "unchanged": 11, "failed": 2}
    assert "empty.txt: empty" in third
    assert re.search(r"picture.xyz: \S+", third)
    assert "1 of them in place of an older version" in third

    listed = list(vectorgate.vector_stores.files.list(store.id))
    assert len(listed) == 12
    assert {str((file.attributes or {})["path"]) for file in listed} >= {"0.md", "below/ä b.txt"}
    with pytest.raises(vectorgate.NotFoundError):
        vectorgate.files.retrieve(paths["0.md"])
    assert "picture.xyz" not in {file.filename for file in vectorgate.files.list()}

    reason = re.search(r"picture.xyz: .*", third)
    assert reason is not None
    assert main([str(folder), "--store", "Ingested once"]) == 1
    fourth = capsys.readouterr().out
    assert facts(fourth) == {"uploaded": 0, "attached": 0, "unchanged": 12, "failed": 2}
    assert reason[0] in fourth
    (folder / "picture.xyz").write_bytes(b"\x00\x02")
    assert main([str(folder), "--store", "Ingested once"]) == 1
    assert facts(capsys.readouterr().out) == {"uploaded": 1, "attached": 0, "unchanged": 12, "failed": 2}


@pytest.mark.usefixtures("through")
def test_an_interrupted_run_goes_on_where_it_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    send, uploads = type(Client()._async_sender).send, 0

    async def dying(self: AsyncSender, request: object, limit: TimeLimit, *, streams: bool = False) -> object:
        nonlocal uploads
        uploads += str(getattr(request, "url", "")).endswith("/files")
        if uploads > 5:
            raise KeyboardInterrupt
        return await send(self, request, limit, streams=streams)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr("vectorgate.client.sender.AsyncSender.send", dying)
        assert main([str(folder), "--store", "Interrupted", "--concurrency", "1"]) == 130
    assert "run the same command again to continue" in capsys.readouterr().err
    assert main([str(folder), "--store", "Interrupted"]) == 0
    second = facts(capsys.readouterr().out)
    assert second["uploaded"] == 12 - 5
    assert second["attached"] + second["unchanged"] == 12


@pytest.mark.usefixtures("through")
def test_a_failure_of_one_file_fails_that_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = type(Client()._async_sender).send

    async def losing(self: AsyncSender, request: object, limit: TimeLimit, *, streams: bool = False) -> object:
        form = getattr(request, "content", None)
        if getattr(getattr(form, "file", None), "filename", "") == "3.md":
            raise APIConnectionError(request=RequestLine("POST", "/files"), outcome_unknown=True)
        return await send(self, request, limit, streams=streams)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr("vectorgate.client.sender.AsyncSender.send", losing)
        assert main([str(folder), "--store", "One fails"]) == 1
    assert "  3.md: Connection error." in capsys.readouterr().out
    assert main([str(folder), "--store", "One fails"]) == 0
    assert facts(capsys.readouterr().out)["uploaded"] == 1


@pytest.mark.usefixtures("through")
def test_where_a_batch_has_one_set_of_attributes_each_file_is_attached_by_itself(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    send, refused = type(Client()._async_sender).send, 0

    async def azures(self: AsyncSender, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        nonlocal refused
        if request.url.endswith("/file_batches"):
            assert isinstance(request.content, bytes)
            row = BY_NAME["vector_stores.file_batches.create"]
            try:
                check_limits(Call(operation=row, body=json.loads(request.content)), {})
            except InvalidRequest as error:
                refused += 1
                return HttpResponse(error.status, {}, json.dumps(error.envelope()).encode())
        return await send(self, request, limit, streams=streams)

    (folder / "picture.xyz").write_bytes(b"\x00\x01")
    with monkeypatch.context() as patched:
        patched.setattr("vectorgate.client.sender.AsyncSender.send", azures)
        patched.setattr("vectorgate.client.ingest.attaching.BATCH", 5)
        assert main([str(folder), "--store", "Azure's"]) == 1
    said = capsys.readouterr().out
    assert facts(said) == {"uploaded": 13, "attached": 12, "unchanged": 0, "failed": 1}
    assert re.search(r"picture.xyz: \S+", said)
    assert refused == 1
    (store,) = [store for store in vectorgate.vector_stores.list() if store.name == "Azure's"]
    paths = {(file.attributes or {})["path"] for file in vectorgate.vector_stores.files.list(store.id)}
    assert paths == {*(f"{number}.md" for number in range(10)), "below/c.txt", "below/ä b.txt"}
    assert main([str(folder), "--store", "Azure's"]) == 1
    assert facts(capsys.readouterr().out) == {"uploaded": 0, "attached": 0, "unchanged": 12, "failed": 1}


@pytest.mark.usefixtures("through")
def test_another_refusal_of_a_batch_is_a_failure_of_its_files(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = type(Client()._async_sender).send

    async def refusing(self: AsyncSender, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        if request.url.endswith("/file_batches"):
            refused = InvalidRequest("Too many.", code="array_above_max_length", param="files")
            return HttpResponse(400, {}, json.dumps(refused.envelope()).encode())
        assert not re.search(r"/vector_stores/[^/]+/files$", request.url)
        return await send(self, request, limit, streams=streams)

    monkeypatch.setattr("vectorgate.client.sender.AsyncSender.send", refusing)
    assert main([str(folder / "0.md"), "--store", "Refused"]) == 1
    assert "0.md: Too many." in capsys.readouterr().out


def test_the_command_runs_as_a_module_without_a_terminal(folder: Path, through: str) -> None:
    environment = {
        "PYTHONPATH": str(ROOT / "layers/core/python"),
        "VECTORGATE_BASE_URL": through,
        "VECTORGATE_API_KEY": "sk-1234",
        "NO_PROXY": "*",
    }
    command_line = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "vectorgate.client.ingest",
        str(folder / "0.md"),
        "--store",
        "One",
    ]
    done = subprocess.run(command_line, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, facts(done.stdout)["attached"]) == (0, 1), done.stderr
    assert "\r" not in done.stderr


def test_the_console_script_knows_ingest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        command.main(["ingest", "--help"])
    assert "--store NAME" in capsys.readouterr().out
    assert command.main(["ingest", str(tmp_path / "absent"), "--store", "x"]) == 2
    assert "no such file or folder" in capsys.readouterr().err
    assert command.main(["ingest", str(tmp_path), "--store", "x"]) == 2
    assert "VECTORGATE_BASE_URL" in capsys.readouterr().err


def test_two_stores_of_a_name_are_an_error_that_names_them(
    folder: Path, through: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert through
    ids = {vectorgate.vector_stores.create(name="Twins").id for _ in range(2)}
    assert main([str(folder), "--store", "Twins"]) == 2
    said = capsys.readouterr().err
    assert all(name in said for name in ids)


def test_a_journal_survives_a_torn_line_and_is_one_run_s_own(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    record = FileRecord(path="a", sha256="1", file_id="file-1", state="done", replaces=("file-0",))
    with Journal(path) as journal:
        journal.store("vs_1")
        journal.note(record)
        with pytest.raises(JournalBusy):
            Journal(path)
    path.write_bytes(path.read_bytes() + b'{"path": "b", "sha')
    with Journal(path) as journal:
        assert journal.records == {"a": record}
        journal.note(record)
    with Journal(path) as journal:
        assert journal.records == {"a": record}
        journal.store("vs_2")
        assert journal.records == {}
    assert all(json.loads(line) for line in path.read_text().splitlines() if "sha" not in line or line.endswith("}"))


def test_only_plain_files_are_scanned_and_in_order_and_the_others_are_counted(folder: Path) -> None:
    (folder / ".drafts").mkdir()
    (folder / "below" / "link").symlink_to(folder)
    (folder / ".vectorgate").mkdir()
    found = scan(folder)
    assert [file.path for file in found.files][:3] == ["0.md", "1.md", "2.md"]
    assert len(found.files) == 12
    assert found.skipped == []
    assert (found.links, found.hidden, found.excluded) == (2, 2, 0)


class Terminal(io.StringIO):
    """Claims to be one."""

    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    now = [0.0]
    for stream in (Terminal(), io.StringIO()):
        progress = Progress(stream, lambda: now[0], files=3, size=2048)
        progress.upload(1024)
        progress.upload(1024)
        progress.conclude()
        progress.conclude(failed=True)
        progress.finish()
        text = stream.getvalue()
        assert "uploaded 2/3 files, 2.0 KiB of 2.0 KiB; indexed 1/3, 1 failed" in text
        assert ("\r[" in text) == stream.isatty()
        assert text.endswith("\n")
    assert [sized(size) for size in (0, 1023, 1024, 5 * 1024**3)] == ["0 B", "1023 B", "1.0 KiB", "5.0 GiB"]
