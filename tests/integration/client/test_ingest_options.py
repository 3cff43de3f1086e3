"""The options of `vectorgate ingest`, against local mode."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vectorgate
from tests.fakes.upstream import answer
from tests.integration.client.conftest import STORE
from vectorgate.client.errors import SettingsError
from vectorgate.client.ingest.cli import main
from vectorgate.client.ingest.processing import read_attributes, read_chunking, strategy
from vectorgate.client.ingest.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.upstream import FaultyUpstream


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    (root / "drafts").mkdir(parents=True)
    for name in ("a.md", "b.md", "c.txt", "drafts/d.md"):
        (root / name).write_text(f"The text of {name}.")
    (root / ".hidden").write_text("no")
    (root / "link.md").symlink_to(root / "a.md")
    return root


def stored(name: str) -> dict[str, Any]:
    """The attributes of a store's files, by path."""
    (store,) = [store for store in vectorgate.vector_stores.list() if store.name == name]
    files = vectorgate.vector_stores.files.list(store.id)
    return {str((file.attributes or {}).pop("path")): file for file in files}


@pytest.mark.usefixtures("through")
def test_only_what_is_included_and_not_excluded_is_ingested(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--include", "*.md", "--exclude", "drafts", "--exclude", "b.*"]
    assert main([str(docs), "--store", "Chosen", *options]) == 0
    assert set(stored("Chosen")) == {"a.md"}
    assert "left out   1 link, 1 hidden, 3 excluded" in capsys.readouterr().out


@pytest.mark.usefixtures("through")
def test_a_dry_run_says_what_would_be_done_and_changes_nothing(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(docs), "--store", "Rehearsed", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "Rehearsed (will be created)" in said.out
    assert "upload   drafts/d.md" in said.out
    assert "upload     4 files" in said.out
    assert "nothing is changed" in said.err
    assert not (docs / ".vectorgate").exists()
    assert "Rehearsed" not in {store.name for store in vectorgate.vector_stores.list()}

    assert main([str(docs), "--store", "Rehearsed"]) == 0
    (docs / "a.md").write_text("New.")
    (docs / "b.md").unlink()
    capsys.readouterr()
    assert main([str(docs), "--store", "Rehearsed", "--dry-run", "--delete"]) == 0
    said = capsys.readouterr()
    assert "replace  a.md" in said.out
    assert "delete   b.md" in said.out
    assert "unchanged  2 files" in said.out
    assert set(stored("Rehearsed")) == {"a.md", "b.md", "c.txt", "drafts/d.md"}


@pytest.mark.usefixtures("through")
def test_delete_removes_what_the_folder_has_no_more_and_nothing_else(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(docs), "--store", "Mirrored"]) == 0
    before = stored("Mirrored")
    (docs / "a.md").unlink()
    (docs / "drafts/d.md").unlink()
    (docs / "b.md").write_text("")
    assert main([str(docs), "--store", "Mirrored"]) == 1
    assert len(stored("Mirrored")) == 4
    capsys.readouterr()
    assert main([str(docs), "--store", "Mirrored", "--delete", "--exclude", "drafts"]) == 1
    assert "deleted    1 files" in capsys.readouterr().out
    assert set(stored("Mirrored")) == {"b.md", "c.txt", "drafts/d.md"}
    with pytest.raises(vectorgate.NotFoundError):
        vectorgate.files.retrieve(before["a.md"].id)
    (docs / "a.md").write_text("It is back.")
    (docs / "b.md").write_text("Not empty.")
    assert main([str(docs), "--store", "Mirrored", "--delete"]) == 0
    assert set(stored("Mirrored")) == {"a.md", "b.md", "c.txt"}
    assert main([str(docs / "a.md"), "--store", "Mirrored", "--delete"]) == 2


@pytest.mark.usefixtures("through")
def test_attributes_and_chunking_reach_new_changed_and_unchanged_files(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--attributes", "team=red", "--attributes", '{"year": 2026, "final": true}', "--chunking", "200/50"]
    assert main([str(docs), "--store", "Described", *options]) == 0
    first = stored("Described")
    for file in first.values():
        assert {**file.attributes, "sha256": ""} == {"team": "red", "year": 2026, "final": True, "sha256": ""}
        assert file.chunking_strategy.model_dump()["static"] == {
            "max_chunk_size_tokens": 200,
            "chunk_overlap_tokens": 50,
        }

    assert main([str(docs), "--store", "Described"]) == 0
    assert "unchanged  4 files" in capsys.readouterr().out
    assert main([str(docs), "--store", "Described", "--attributes", "team=blue"]) == 0
    said = capsys.readouterr().out
    assert "described  4 files" in said
    assert "uploaded   0 files" in said
    assert {file.attributes["team"] for file in stored("Described").values()} == {"blue"}

    assert main([str(docs), "--store", "Described", "--chunking", "auto"]) == 0
    again = stored("Described")
    assert {file.id for file in again.values()}.isdisjoint(file.id for file in first.values())
    assert {file.attributes["team"] for file in again.values()} == {"blue"}
    assert len(again) == 4


def test_the_price_is_the_gateways_own(
    docs: Path, server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VECTORGATE_BASE_URL", server.url)
    monkeypatch.setenv("VECTORGATE_API_KEY", "sk-gate")
    store = {**STORE, "usage_bytes": 1 << 30}
    server.always(answer(200, store, {"x-vectorgate-storage-usd-per-gib-day": "0.25"}))
    assert main([str(docs), "--store", "vs_1", "--exclude", "*"]) == 0
    assert "stored     1.0 GiB: $0.25 a day at the gateway's price of $0.25 a GiB-day" in capsys.readouterr().out
    for headers in ({}, {"x-vectorgate-storage-usd-per-gib-day": "much"}):
        server.always(answer(200, store, headers))
        assert main([str(docs), "--store", "vs_1", "--exclude", "*"]) == 0
        assert "stored     1.0 GiB (the gateway names no price)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "patterns", "matched"),
    [
        ("a.md", ["*.md"], True),
        ("below/a.md", ["*.md"], True),
        ("below/a.md", ["below/*"], True),
        ("below/deeper/a.md", ["below"], True),
        ("below/deeper/a.md", ["deeper/"], True),
        ("below/a.md", ["a.md"], True),
        ("below/a.md", ["above/*", "*.txt"], False),
        ("a.MD", ["*.md"], False),
        ("abelow", ["below"], False),
    ],
)
def test_a_pattern_means_a_path_a_name_or_a_folder(path: str, patterns: list[str], matched: bool) -> None:  # noqa: FBT001 - a column
    assert Selection(include=tuple(patterns)).has(path) is matched
    assert Selection(exclude=tuple(patterns)).has(path) is not matched
    assert not Selection(include=tuple(patterns), exclude=tuple(patterns)).has(path)


@given(st.integers(0, 5000), st.none() | st.integers(0, 5000))
def test_chunking_is_what_openai_takes_or_an_error_that_says_what_it_takes(size: int, overlap: int | None) -> None:
    text = f"{size}" if overlap is None else f"{size}/{overlap}"
    if not (100 <= size <= 4096 and (overlap is None or overlap <= size // 2)):
        with pytest.raises(SettingsError, match="100 to 4096"):
            read_chunking(text)
        return
    static: Any = strategy(read_chunking(text) or "")
    assert static["static"]["max_chunk_size_tokens"] == size
    assert static["static"]["chunk_overlap_tokens"] == (size // 2 if overlap is None else overlap)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["team"], "KEY=VALUE"),
        (["path=x"], "the command's own"),
        (["=x"], "1 to 64 characters"),
        (["a=" + "x" * 513], "at most 512 characters"),
        (['{"a": null}'], "text, a number or a boolean"),
        (['{"a": NaN}'], "text, a number or a boolean"),
        (['{"a": '], "not JSON"),
        ([f"k{number}=v" for number in range(15)], "at most 14"),
    ],
)
def test_attributes_that_openai_would_refuse_are_refused_before_anything_is_sent(
    given: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError, match=reason):
        read_attributes(given)
    assert main([str(tmp_path), "--store", "x", *(word for text in given for word in ("--attributes", text))]) == 2
    assert reason in capsys.readouterr().err


def test_attributes_are_canonical_so_that_their_order_is_no_change() -> None:
    assert read_attributes(["b=1", "a=2"]) == read_attributes(["a=2", "b=1"]) == json.dumps({"a": "2", "b": "1"})
    assert read_attributes([]) == ""
    assert read_attributes(None) is None
