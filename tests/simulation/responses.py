"""Responses at the simulated provider: what runs, what is counted, and streams that may be cut at any event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vectorgate.providers.base import StreamBroken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulation.environment import SimulatedEnvironment

MODEL: Final = "sim-model"
CONTEXT: Final = 4_000  # tokens that the model reads at most
LONGEST_RUN: Final = 90.0  # seconds of a background response, and of one whose stream was given up
CUT: Final = 0.2  # of the streams, each at any of its events
RUNS_ON: Final = 0.5  # of the responses whose stream was given up
NOT_FOUND: Final[dict[str, object]] = {"error": {"message": "No such thing", "type": "invalid_request_error"}}
_NOT_CANCELLED: Final[dict[str, object]] = {"error": {"message": "Not in the background", "type": "invalid_request"}}


@dataclass(slots=True)
class Run:
    """A response as the provider counts it. It runs until `ends_at`, and then has the `status`.

    `name`: of the logical response, in its metadata; None for one that was made without the gateway.
    """

    id: str
    name: str | None
    created_at: float
    ends_at: float
    status: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    searches: int
    stores: tuple[str, ...] = ()
    stored: bool = True
    background: bool = False
    deleted: bool = False

    def usage(self) -> dict[str, object] | None:
        """Return what is charged: nothing for a response that failed."""
        if self.status == "failed":
            return None
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {"cached_tokens": self.cached_tokens},
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
            "total_tokens": self.input_tokens + self.output_tokens,
        }

    def output(self) -> list[dict[str, object]]:
        searches: list[dict[str, object]] = [
            {"id": f"fs_{self.id}_{at}", "type": "file_search_call"} for at in range(self.searches)
        ]
        return [*searches, {"id": f"msg_{self.id}", "type": "message", "role": "assistant", "content": []}]

    def document(self, now: float) -> dict[str, object]:
        ended = now >= self.ends_at
        return {
            "id": self.id,
            "object": "response",
            "created_at": int(self.created_at),
            "status": self.status if ended else "in_progress",
            "background": self.background,
            "model": f"{MODEL}-2026-01-01",
            "service_tier": "default",
            "metadata": {"made": self.name},
            "output": self.output() if ended and self.status != "failed" else [],
            "usage": self.usage() if ended else None,
        }

    def stop(self, now: float, share: float, status: str) -> None:
        """End a run before its time, with a share of its output."""
        self.ends_at, self.status = now, status
        self.output_tokens = max(1, int(self.output_tokens * share))
        self.reasoning_tokens = min(self.reasoning_tokens, self.output_tokens)


class SimulatedResponses:
    """Every response that ran, by id. `reached`: what each create named. `violations`: requests that may not come."""

    def __init__(self, environment: SimulatedEnvironment) -> None:
        self.runs: dict[str, Run] = {}
        self.reached: list[tuple[str, str]] = []
        self.violations: list[str] = []
        self._environment = environment

    def execute(self, method: str, parts: list[str], body: Mapping[str, Any]) -> tuple[int, dict[str, object]]:
        """Execute a request of these paths: status and document, of a stream that of the run."""
        if not parts:
            return 200, self._started(body).document(self._environment.now)
        run = self.runs.get(parts[0])
        if run is not None and run.name is None:
            self.violations.append(f"{method} of {parts}, which the gateway did not make")
        if run is None or run.deleted or not run.stored:
            return 404, NOT_FOUND
        if method == "DELETE":
            run.deleted = True
            return 200, {"id": run.id, "object": "response", "deleted": True}
        if parts[1:] == ["cancel"]:
            return self._cancelled(run)
        return 200, run.document(self._environment.now)

    def make_foreign(self) -> str:
        """Run a response without the gateway, in the same account."""
        return self._started({"input": "not made here", "model": MODEL}).id

    def stream(self, response_id: str) -> SimulatedStream:
        """Return the events of a run that has just begun."""
        run = self.runs[response_id]
        if not run.background:
            run.ends_at = self._environment.now + LONGEST_RUN  # nothing is final before the last event
        return SimulatedStream(run, self._environment)

    def follow(self, response_id: str, since: int) -> SimulatedStream:
        """Return the events of a run after the one with that number. It does not end with them."""
        return SimulatedStream(self.runs[response_id], self._environment, since=since, is_own=False)

    def _cancelled(self, run: Run) -> tuple[int, dict[str, object]]:
        if not run.background:
            return 400, _NOT_CANCELLED
        now = self._environment.now
        if now < run.ends_at:
            run.stop(now, self._environment.rng.random(), "cancelled")
        return 200, run.document(now)

    def _started(self, body: Mapping[str, Any]) -> Run:
        environment, rng = self._environment, self._environment.rng
        stores = tuple(store for tool in body.get("tools") or () for store in tool.get("vector_store_ids", ()))
        searches = rng.randrange(3) if stores else 0
        size = len(json.dumps(body)) // 4 + searches * rng.randrange(100, 800)
        input_tokens = min(size, CONTEXT)
        output_tokens = rng.randrange(1, body.get("max_output_tokens", 64) + 1)
        background = body.get("background") is True
        run = Run(
            id=f"resp_{environment.seed:x}_{len(self.runs)}",
            name=(body.get("metadata") or {}).get("made"),
            created_at=environment.now,
            ends_at=environment.now + (rng.random() * LONGEST_RUN if background else 0.0),
            status=rng.choices(("completed", "incomplete", "failed"), (92, 5, 3))[0],
            input_tokens=input_tokens,
            cached_tokens=rng.randrange(input_tokens) if environment.happens(0.3) else 0,
            output_tokens=output_tokens,
            reasoning_tokens=rng.randrange(output_tokens),
            searches=searches,
            stores=stores,
            stored=body.get("store") is not False,
            background=background,
        )
        if run.status == "failed":
            run.searches = 0
        self.runs[run.id] = run
        if run.name is not None:
            named = (*stores, *filter(None, [body.get("previous_response_id")]))
            self.reached += [(run.name, each) for each in named]
        return run


class SimulatedStream:
    """`ByteStream` of a run's events. It may be cut at each of them, also in the middle of one.

    A run whose own stream ends early runs on, or is ended by the provider with what it has written by then.
    """

    def __init__(self, run: Run, environment: SimulatedEnvironment, *, since: int = -1, is_own: bool = True) -> None:
        self._run = run
        self._environment = environment
        self._since = since
        self._is_own = is_own and not run.background
        self._closed = False
        self._whole = False

    def __iter__(self) -> Iterator[bytes]:
        environment, events = self._environment, list(self._events())
        is_cut = not environment.faultless and environment.happens(CUT * environment.rates.provider)
        cut = environment.rng.randrange(len(events)) if is_cut else len(events)
        for number, kind in list(enumerate(events))[self._since + 1 :]:
            environment.interleave()
            environment.crash_point()
            environment.now += environment.rng.random() * 0.2
            if self._closed:
                raise StreamBroken(timed_out=False)
            if number == cut:
                environment.tally.ambiguous += 1
                yield self._event(kind, number)[: environment.rng.randrange(60)]
                self._broken_off()
                return
            yield self._event(kind, number)
        self._whole = True

    def close(self) -> None:
        """End the exchange: the provider notices that its reader is gone."""
        if not self._closed and not self._whole:
            self._give_up()
        self._closed = True

    def _broken_off(self) -> None:
        """End the stream as a lost connection does, or as one that was closed in order."""
        self.close()
        if self._environment.happens(0.7):
            raise StreamBroken(timed_out=self._environment.happens(0.3))

    def _give_up(self) -> None:
        run, environment = self._run, self._environment
        if not self._is_own or environment.now >= run.ends_at:
            return
        if environment.happens(RUNS_ON):
            run.ends_at = environment.now + environment.rng.random() * LONGEST_RUN
        else:
            run.stop(environment.now, environment.rng.random(), "incomplete")

    def _events(self) -> Iterator[str]:
        yield "response.created"
        yield "response.in_progress"
        for _ in range(self._run.searches):
            yield "response.file_search_call.completed"
        for _ in range(self._run.output_tokens // 24 + 1):
            yield "response.output_text.delta"
        yield f"response.{self._run.status}"

    def _event(self, kind: str, number: int) -> bytes:
        if kind == f"response.{self._run.status}" and self._is_own:
            self._run.ends_at = min(self._run.ends_at, self._environment.now)
        elif kind == f"response.{self._run.status}":
            self._environment.now = max(self._run.ends_at, self._environment.now)
        of_response = kind.count(".") == 1
        more = {"response": self._run.document(self._environment.now)} if of_response else {"delta": "word "}
        return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **more})}\n\n".encode()
