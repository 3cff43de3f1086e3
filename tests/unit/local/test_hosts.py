"""Which `Host` headers local mode answers: addresses, `localhost`, and the names that the operator lists."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.hosts import AllowedHosts, refusal

LISTED = AllowedHosts.of(["gateway.example.com", " *.Internal.example ", "10.0.0.1"]).with_own(["box", "no name"])
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "127.0.0.1:4000",
        "0.0.0.0:4000",
        "[::1]:4000",
        "192.0.2.7",
        "localhost",
        "LOCALHOST:4000",
        "localhost.",
        "app.localhost:4000",
        "gateway.example.com",
        "Gateway.Example.com.:443",
        "a.internal.example",
        "a.b.internal.example:80",
        "box",
    ],
)
def test_these_hosts_are_answered(header: str | None) -> None:
    assert LISTED.permits(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "evil.example:4000",
        "internal.example",
        "notinternal.example",
        "gateway.example.com.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1, evil.example",
        "evil.example, localhost",
        "evil.example#localhost",
        "localhost@evil.example",
        "evil.example/localhost",
        "[::1].evil.example",
        "::1",
        "local\u0430host",
        "box box",
    ],
)
def test_these_hosts_are_refused(header: str) -> None:
    assert not LISTED.permits(header)


@given(st.lists(LABEL, min_size=2, max_size=4).map(".".join), st.integers(0, 65535))
def test_no_name_that_is_not_listed_is_answered_and_every_listed_one_is(name: str, port: int) -> None:
    header = f"{name}:{port}"
    is_address = name.replace(".", "").isdigit()
    assert AllowedHosts.of([]).permits(header) == (is_address and AllowedHosts.of([]).permits(name))
    assert AllowedHosts.of([name]).permits(header)
    assert AllowedHosts.of([f"*.{name}"]).permits(f"sub.{header}")
    assert AllowedHosts.of(["*"]).permits(header)


@pytest.mark.parametrize("name", ["http://a.example", "a.example:80", "a b", "*.", "a.*", "-a-", "a..b"])
def test_what_cannot_be_a_host_is_no_setting(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a host"):
        AllowedHosts.of([name])


def test_a_refusal_shows_the_host_without_its_controls() -> None:
    error = json.loads(refusal("evil\r\n.example" + "x" * 500))["error"]
    assert error["code"] == "host_not_allowed"
    assert "'evil??.example" in error["message"]
    assert "VECTORGATE_ALLOWED_HOSTS" in error["message"]
    assert len(error["message"]) < 250
