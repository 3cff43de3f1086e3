"""The time that local mode adds to a stream of events: to the first event, and to each that follows."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import tempfile
import time
from dataclasses import dataclass, field

from tests.benchmarks.measure import Spread
from tests.helpers.processes import run_module

MASTER_KEY = "sk-of-the-benchmark-1"
BODY = json.dumps({"model": "gpt-5-mini", "input": "When?", "stream": True})
SENT = re.compile(rb'"sent_ns": ?(\d+)')
WARM_UP = 20


@dataclass(slots=True)
class Times:
    """Seconds: from each request to its first event, between events, and from an event's sending to its arrival."""

    first: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)
    delay: list[float] = field(default_factory=list)


def report(times: int = 100) -> list[str]:
    """Return the lines to print. One client, one stream at a time, direct and through the gateway in turn."""
    with run_module("tests.benchmarks.constant_upstream") as port, tempfile.TemporaryDirectory() as home:
        settings = {
            "PORT": "0",
            "VECTORGATE_HOME": home,
            "VECTORGATE_MASTER_KEY": MASTER_KEY,
            "OPENAI_API_KEY": "sk-bench",
        }
        settings |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
        with run_module("local", settings) as ready:
            ours = int(ready.partition("http://")[2].partition(" ")[0].rpartition(":")[2])
            return _compared(int(port), ours, _key(ours), times)


def _key(port: int) -> str:
    """A key that may use every model: the master key, which administrates, may use none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/key/generate", json.dumps({"models": ["*"]}), _headers(MASTER_KEY))
    key: str = json.loads(connection.getresponse().read())["key"]
    connection.close()
    return key


def _compared(direct: int, through: int, key: str, times: int) -> list[str]:
    straight, gateway = Times(), Times()
    for number in range(WARM_UP + times):
        if number == WARM_UP:
            straight, gateway = Times(), Times()
        _read(direct, key, straight)
        _read(through, key, gateway)
    return [
        *_lines("to the first event", straight.first, gateway.first, goal=5),
        *_lines("between events", straight.between, gateway.between, goal=1),
        *_lines("from sending to arrival", straight.delay, gateway.delay, goal=1),
    ]


def _lines(what: str, straight: list[float], gateway: list[float], *, goal: int) -> list[str]:
    ours, theirs = Spread.of(gateway), Spread.of(straight)
    return [
        f"{what}, straight to the upstream:".ljust(51) + str(theirs),
        f"{what}, through the gateway:".ljust(51) + str(ours),
        f"added {what} (p50 less p50):".ljust(51) + f"{ours.p50 - theirs.p50:.2f} ms (goal: at most {goal} ms)",
    ]


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "content-type": "application/json"}


def _read(port: int, key: str, times: Times) -> None:
    """Read one stream, and note its times. Both processes are on this machine, and so on one monotonic clock."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.connect()
        began = time.monotonic_ns()
        connection.request("POST", "/v1/responses", BODY, _headers(key))
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise RuntimeError(f"status {answer.status}")
        arrivals = []
        while piece := answer.read1():
            now = time.monotonic_ns()
            arrivals += [(now, int(sent)) for sent in SENT.findall(piece)]
    finally:
        connection.close()
    times.first.append((arrivals[0][0] - began) / 1e9)
    times.delay += [(now - sent) / 1e9 for now, sent in arrivals[1:]]
    times.between += [(late[0] - early[0]) / 1e9 for early, late in itertools.pairwise(arrivals)]
