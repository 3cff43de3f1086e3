"""The dashboard of the deployed stack: its page and files, and what it asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from httpx2 import Client

from vectorgate.ui.pages import POLICY

if TYPE_CHECKING:
    from tests.harnesses.aws_stack import Stack

pytestmark = pytest.mark.e2e


def test_the_page_and_its_files_are_served_without_a_key(stack: Stack) -> None:
    with Client(base_url=stack.aws.url, headers={"host": stack.host}, timeout=30) as http:
        page = http.get("/ui")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"] == POLICY
        for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            file = http.get(f"/{name}")
            assert (file.status_code, "immutable" in file.headers["cache-control"]) == (200, True), name
            assert len(file.content) > 100, name
            assert http.get(f"/{name}", headers={"if-none-match": file.headers["etag"]}).status_code == 304, name


def test_what_it_asks_is_answered_by_the_functions_role(stack: Stack) -> None:
    for path in ("session", "open_operations", "dead_letters", "searches", "vector_stores"):
        answer = stack.ask("GET", f"/admin/{path}", key=stack.master_key)
        assert answer.status == 200, answer
    queues = stack.ask("GET", "/admin/dead_letters", key=stack.master_key).body["data"]
    assert {"ingest", "settlement"} <= {queue["queue"] for queue in queues}
