"""What the adapter makes of the errors of httpx and httpcore: none is left that it does not know."""

from __future__ import annotations

import inspect
from typing import Final

import httpcore
import httpx
import pytest

from vectorgate.providers.http.adapter import CORE_ERRORS, FAILURES, OUTCOMES, outcome_of, translated
from vectorgate.providers.http.outcome import NotSent, ResponseLost

UNSENT: Final = {"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError", "UnsupportedProtocol", "InvalidURL"}
TIMED_OUT: Final = {"ConnectTimeout", "PoolTimeout", "ReadTimeout", "WriteTimeout", "TimeoutException"}


def errors_of(library: object) -> dict[str, type[Exception]]:
    """Every exception that the library shows."""
    members = inspect.getmembers(library, inspect.isclass)
    return {name: each for name, each in members if issubclass(each, Exception)}


def made(error: type[Exception]) -> Exception:
    """One of them, whatever its constructor asks for."""
    return error.__new__(error)


@pytest.mark.parametrize("name", list(errors_of(httpx)))
def test_every_error_of_httpx_says_whether_its_request_was_sent(name: str) -> None:
    error = made(errors_of(httpx)[name])
    assert isinstance(error, FAILURES)
    kind = NotSent if name in UNSENT else ResponseLost
    assert outcome_of(error) == kind(timed_out=name in TIMED_OUT)


def test_no_error_is_named_that_httpx_does_not_have() -> None:
    named = {error.__name__ for classes, _ in OUTCOMES for error in classes}
    assert named | UNSENT | TIMED_OUT <= set(errors_of(httpx))


@pytest.mark.parametrize("name", [name for name in errors_of(httpcore) if name != "ConnectionNotAvailable"])
def test_every_error_of_httpcore_becomes_httpxs_of_the_same_name(name: str) -> None:
    error = errors_of(httpcore)[name]("what happened")
    assert isinstance(error, CORE_ERRORS)
    assert (type(translated(error)), str(translated(error))) == (errors_of(httpx)[name], "what happened")


def test_what_httpcores_pool_keeps_to_itself_is_the_one_that_has_no_name_in_httpx() -> None:
    assert set(errors_of(httpcore)) - set(errors_of(httpx)) == {"ConnectionNotAvailable"}
