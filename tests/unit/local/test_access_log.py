"""What a line of the access log shows of a path."""

from __future__ import annotations

import pytest

from local.access_log import line_of
from local.server.exchange import Exchange, Head


def logged(path: str) -> str:
    """The path in the line of a request for it."""
    head = Head(method="POST", raw_path=path, path=path, query="", headers={}, http_version="1.1", client="127.0.0.1")
    exchange = Exchange(head=head, status=404, request_id=None, sent=0, whole=True, seconds=0)
    return line_of(exchange, 0).split()[3]


@pytest.mark.parametrize("prefix", ["sk-", "sk%2D", "SK%2d"])
def test_a_key_in_a_path_is_not_logged(prefix: str) -> None:
    assert logged(f"/key/{prefix}gH_E3mrjl%54Tek0YAG9/regenerate") == "/key/sk-.../regenerate"
    assert logged(f"/key/{prefix}{'a' * 600}") == "/key/sk-..."


def test_other_paths_are_logged_as_they_are() -> None:
    for path in ("/v1/vector_stores", "/azure_ai/indexes/task-list/docs/search", "/v1/files/file-sk-1"):
        assert logged(path) == path
