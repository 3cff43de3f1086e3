"""A process that forks others: each runs a module as `python -m` does, with what this process has imported."""

from __future__ import annotations

import array
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tests.helpers.forked import STATUS

MOST: Final = 256 * 1024  # bytes of a request: module, arguments and environment


@dataclass(frozen=True, slots=True)
class Request:
    """What a forked process runs."""

    module: str
    arguments: list[str]
    env: dict[str, str]

    def run(self) -> None:
        """Run it as `python -m` does, to the end of the interpreter."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(self.env)
        sys.argv[1:] = self.arguments
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            stream = getattr(sys, name)
            setattr(sys, name, open(stream.fileno(), mode, closefd=False, buffering=1))  # noqa: SIM115
        runpy.run_module(self.module, run_name="__main__", alter_sys=True)


def serve(requests: socket.socket, until: int) -> Request | None:
    """Fork for each request, and report how each child ended.

    Return in a child, and when the process `until` has ended or closed its end of the requests.
    """
    running = selectors.DefaultSelector()
    running.register(requests, selectors.EVENT_READ)
    running.register(os.pidfd_open(until), selectors.EVENT_READ)
    while True:
        for key, _ in running.select():
            if key.data:
                _report(running, key)
                continue
            text, given = socket.recv_fds(requests, MOST, 4)[:2] if key.fileobj is requests else (b"", [])
            if not text:
                return None
            if wanted := _fork(running, requests, text, given):
                return wanted


def _fork(running: selectors.BaseSelector, requests: socket.socket, text: bytes, given: list[int]) -> Request | None:
    """Fork as asked, and watch the child. Return in the child what it is to run."""
    ended = socket.socket(fileno=given.pop())
    pid = os.fork()
    if not pid:
        _take(given)
        for each in (ended, requests, running):
            each.close()
        return Request(**json.loads(text))
    for number in given:
        os.close(number)
    _send(ended, pid)
    running.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, ended))
    return None


def _report(running: selectors.BaseSelector, ended: selectors.SelectorKey) -> None:
    """Send the exit status of a child that has ended."""
    running.unregister(ended.fileobj)
    os.close(ended.fd)
    pid, connection = ended.data
    _send(connection, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    connection.close()


def _take(given: list[int]) -> None:
    """Make what was given the standard streams of this process."""
    for number, each in enumerate(given):
        os.dup2(each, number)
        os.close(each)


def _send(connection: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # the test has gone
        connection.send(array.array(STATUS, [number]))
