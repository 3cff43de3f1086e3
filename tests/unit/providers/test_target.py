"""Where a request goes, and that its head says nothing but what it was given."""

from __future__ import annotations

import pytest

from vectorgate.providers.http import transport as egress
from vectorgate.providers.http.target import CannotSend, target_of


def test_a_url_names_its_origin_and_path() -> None:
    for url, origin, host, port, path in (
        ("https://API.openai.com/v1/x?a=1#f", "https://api.openai.com", "api.openai.com", 443, "/v1/x?a=1"),
        ("https://u:p@h.example:443/", "https://h.example", "h.example", 443, "/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1", 8000, "/"),
        ("http://[::1]:80/a", "http://[::1]", "::1", 80, "/a"),
        ("http://[::1]:81/a", "http://[::1]:81", "::1", 81, "/a"),
    ):
        target = target_of(url)
        assert (target.origin, target.host, target.port, target.path) == (origin, host, port, path)
        assert origin == f"{target.scheme}://{target.authority}"


def test_a_url_that_means_nothing_is_not_sent_to() -> None:
    for url in (
        *("", "/v1", "ftp://h/", "http://", "http:///x", "http://h:x/", "http://h:99999/", "http://[::/"),
        *("http://a b/", "http://a\tb/", "http://h/\r\nx: y", "http://h/\u00e9", "http://a%2fb/", "http://a,b/"),
    ):
        with pytest.raises(CannotSend):
            target_of(url)


def test_a_header_cannot_become_two() -> None:
    target = target_of("http://h/v1")
    assert egress._head("GET", target, {"a": "\u00e9", "b": ""}) == b"GET /v1 HTTP/1.1\r\na: \xe9\r\nb: \r\n\r\n"
    for method, headers in (
        ("GET /", {}),
        ("GET", {"a": "1\r\nb: 2"}),
        ("GET", {"a": "1\n"}),
        ("GET", {"a": "\x00"}),
        ("GET", {"a: 1\r\nb": "2"}),
        ("GET", {"": "2"}),
        ("GET", {"a": "\u20ac"}),
    ):
        with pytest.raises(CannotSend):
            egress._head(method, target, headers)
