"""What is taken for an answer of HTTP/1.1, in whatever pieces it arrives."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorgate.providers.http.http1 import MOST_HEAD, Incoming, Malformed, read_head

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS: Final = {
    b"HTTP/1.1 200 OK\r\nA: 1\r\na:\t2 \r\nContent-Length: 5\r\n\r\nhello": b"hello",
    b"HTTP/1.1 200\r\ncontent-length: 5, 5\r\n\r\nhello": b"hello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n": b"",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n": b"hello",
    b"HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\nhello\n0\n\n": b"hello",
    b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n": b"",
    b"HTTP/1.1 304 Not Modified\r\n\r\n": b"",
    b"HTTP/1.0 200 OK\r\n\r\nhello": b"hello",
}
MALFORMED: Final = (
    b"",
    b"\r\n\r\n",
    b"SSH-2.0-x\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/1.1 020 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na : 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: 1\r\n folded\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: \x00\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
    b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    b"HTTP/1.1 200 OK\r\na: " + b"x" * MOST_HEAD + b"\r\n\r\n",
)


def arriving(pieces: list[bytes]) -> Callable[[], bytes]:
    """What a connection brings, and its end."""
    left = [piece for piece in pieces if piece]
    return lambda: left.pop(0) if left else b""


def read(pieces: list[bytes]) -> bytes:
    incoming = Incoming(arriving(pieces))
    content = b"".join(incoming.content(incoming.head()))
    assert not incoming.has_more
    return content


@settings(max_examples=60)
@given(answer=st.sampled_from(list(ANSWERS)), cuts=st.sets(st.integers(1, 130), max_size=8))
def test_an_answer_is_the_same_in_whatever_pieces_it_arrives(answer: bytes, cuts: set[int]) -> None:
    places = [0, *sorted(cuts), len(answer) + 130]
    pieces = [answer[start:end] for start, end in pairwise(places)]
    assert read(pieces) == ANSWERS[answer]


@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
def test_what_is_no_answer_is_not_taken_for_one(*, whole: bool) -> None:
    for answer in MALFORMED:
        with pytest.raises(Malformed):
            read([answer] if whole or len(answer) > MOST_HEAD else [bytes([each]) for each in answer])


def test_names_are_in_lower_case_and_values_without_blanks_around_them() -> None:
    assert read_head(b"HTTP/1.1 200 OK\r\nX-A: \t \xe9 b \r\nx-a:").headers == (("x-a", "\xe9 b"), ("x-a", ""))


def test_a_connection_is_kept_only_where_both_sides_know_the_end_of_the_answer() -> None:
    kept = {
        b"HTTP/1.1 200 OK\r\ncontent-length: 0": True,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked": True,
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: Close": False,
        b"HTTP/1.1 200 OK": False,
        b"HTTP/1.0 200 OK\r\ncontent-length: 0": False,
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive": True,
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive": False,
    }
    assert {head: read_head(head).kept for head in kept} == kept


def test_more_than_the_answer_is_seen() -> None:
    incoming = Incoming(arriving([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n"]))
    assert b"".join(incoming.content(incoming.head())) == b"{}"
    assert incoming.has_more
