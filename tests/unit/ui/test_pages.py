"""The dashboard's files: what is served, under which headers, and that nothing in them reaches elsewhere."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from vectorgate.api.http import Request
from vectorgate.ui import pages
from vectorgate.ui.pages import KEEP, PAGE, POLICY, TYPES, files, response

if TYPE_CHECKING:
    from vectorgate.api.http import Response

STATIC: Final = Path(pages.__file__).parent / "static"
OURS: Final = {name: file.content.decode() for name, file in files().others.items() if not name.startswith("vendor/")}
SOURCES: Final = {**OURS, PAGE: files().page.content.decode()}
SCRIPTS: Final = {name: text for name, text in OURS.items() if name.endswith(".js")}


def got(path: str, **headers: str) -> Response | None:
    """The answer to a GET."""
    return response(Request(method="GET", path=path, headers={k.replace("_", "-"): v for k, v in headers.items()}))


def found(path: str, **headers: str) -> Response:
    """The answer to a GET of what is there."""
    answer = got(path, **headers)
    assert answer is not None, path
    return answer


def address(name: str) -> str:
    """Where a file is served."""
    return f"/ui/{files().digest}/{name}"


def test_the_page_and_every_file_are_served_with_their_types_and_the_policy() -> None:
    on_disk = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()}
    assert on_disk == {PAGE, *files().others}
    for name in files().others:
        answer = found(address(name))
        assert answer.headers["content-type"] == TYPES[Path(name).suffix], name
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.read_body() == (STATIC / name).read_bytes()
    page = found("/ui")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"] == POLICY
    assert page.read_body().decode() == SOURCES[PAGE]


def test_the_policy_permits_this_origin_alone_and_nothing_inline() -> None:
    terms = dict(term.strip().split(" ", 1) for term in POLICY.split(";"))
    assert terms.pop("img-src") == "'self' data:"
    assert {terms.pop(name) for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert terms.keys() == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert set(terms.values()) == {"'none'"}


def test_files_are_kept_for_a_year_under_their_digest_and_the_page_is_asked_for_again() -> None:
    page, file = found("/ui"), found(address("main.js"))
    assert (page.headers["cache-control"], file.headers["cache-control"]) == ("no-cache", KEEP)
    older = found("/ui/0123456789abcdef/main.js")
    assert (older.read_body(), older.headers["cache-control"]) == (file.read_body(), "no-cache")
    for path, answer in (("/ui", page), (address("main.js"), file)):
        tag = answer.headers["etag"]
        for sent in (tag, f"W/{tag}", f'"other", {tag}'):
            again = found(path, if_none_match=sent)
            assert (again.status, again.read_body(), again.headers["etag"]) == (304, b"", tag)
        assert found(path, if_none_match='"other"').status == 200
    assert set(re.findall(r'(?:src|href)="([^"]+)"', SOURCES[PAGE])) <= {f"ui/{files().digest}/{each}" for each in OURS}


def test_the_page_with_a_slash_leads_to_the_page_behind_any_prefix() -> None:
    answer = found("/ui/")
    assert (answer.status, answer.headers["location"]) == (308, "../ui")


@given(st.text(st.sampled_from("./\\%2efouivendrasc-#?\0"), max_size=40))
@settings(max_examples=60)
def test_no_path_leads_out_of_the_table_of_files(end: str) -> None:
    served = {address(name) for name in files().others}
    for path in (f"/ui/{end}", f"/ui/{files().digest}/{end}", f"/ui{end}"):
        assert got(path) is None or path in served | {"/ui", "/ui/"}


def test_what_is_not_there_and_what_writes_are_not_the_pages_to_answer() -> None:
    for path in (
        "/uix",
        "/ui//",
        "/",
        f"/ui/{PAGE}",
        "/ui/main.js",
        address(PAGE),
        address("../pages.py"),
        address(""),
    ):
        assert got(path) is None, path
    assert response(Request(method="POST", path="/ui")) is None
    head = response(Request(method="HEAD", path="/ui"))
    assert head is not None
    assert head.status == 200


def test_no_file_of_ours_has_a_foreign_address_or_something_inline() -> None:
    for name, text in SOURCES.items():
        foreign = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not foreign, name
        assert not re.search(r"(?<!:)//[a-z0-9-]+\.[a-z]", text), name
    markup = SOURCES[PAGE]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", markup)
    for name, text in SCRIPTS.items():
        assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML)\b", text), name
        assert not re.search(r"\beval\(|new Function|document\.write|\bstyle=", text), name


def test_every_module_that_is_imported_is_there() -> None:
    for name, text in SCRIPTS.items():
        for target in re.findall(r"(?:from |import\()\"(\.[^\"]+)\"", text):
            assert (STATIC / name).parent.joinpath(target).resolve().is_file(), (name, target)
        assert len(text.splitlines()) <= 350, name


def test_what_others_wrote_is_unchanged_and_has_its_license() -> None:
    listed: list[dict[str, Any]] = json.loads((STATIC / "vendor/versions.json").read_text())
    vendored = {name for name in files().others if name.startswith("vendor/")}
    licenses = {each["license_file"] for each in listed}
    assert vendored == {f"vendor/{name}" for name in ({each["file"] for each in listed} | licenses | {"versions.json"})}
    for each in listed:
        assert sha256((STATIC / "vendor" / each["file"]).read_bytes()).hexdigest() == each["sha256"], each["file"]
        assert (each["changes"] == "none") == (each["sha256"] == each["sha256_of_source"])
        text = (STATIC / "vendor" / each["license_file"]).read_text()
        assert {"MIT": "MIT License", "Apache-2.0": "Apache License"}[each["license"]] in text
