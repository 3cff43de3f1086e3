"""The loop of a runtime: one invocation after the other, each with a response that is streamed."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.http import Body
from vectorgate.classes import dataclass
from vectorgate.entrypoints.runtime.failure import Failure
from vectorgate.entrypoints.runtime.response_stream import ExchangeEnded, accepted
from vectorgate.entrypoints.runtime.runtime_api import RuntimeApiError
from vectorgate.entrypoints.runtime.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vectorgate.api.http import ByteStream, Response
    from vectorgate.entrypoints.function import Event
    from vectorgate.entrypoints.runtime.response_stream import ResponseStream
    from vectorgate.entrypoints.runtime.runtime_api import Invocation, RuntimeApi
    from vectorgate.telemetry import Telemetry

PIECE: Final = 64 * 1024  # bytes of a body that is not a stream
ENDED: Final = Failure("Function.DeadlineReached", "The response was not finished in the function's time.")


class Function(Protocol):
    """What answers the invocations."""

    def respond(self, event: Event, context: object) -> Response:
        """The response to one event. `context` has the invocation's `aws_request_id`."""
        ...


@dataclass(frozen=True, slots=True)
class Loop:
    """The loop over `api`. `set_trace` is told each invocation's trace."""

    api: RuntimeApi
    function: Function
    telemetry: Telemetry
    set_trace: Callable[[str | None], None]

    def serve_next(self) -> None:
        """Wait for one invocation and answer it. RuntimeApiError, or an OSError: the process has to end."""
        invocation = self.api.next()
        self.set_trace(invocation.trace_id)
        try:
            self._answer(invocation)
        except ExchangeEnded:
            pass  # Lambda has given the invocation up; the row says so
        finally:
            self.telemetry.flush()

    def _answer(self, invocation: Invocation) -> None:
        try:
            response = self.function.respond(invocation.event, invocation)
        except Exception as error:  # noqa: BLE001 - the boundary: reported with its stack, answered without its text
            self.telemetry.unexpected_error(error)
            self.api.fail(invocation, Failure.of_defect(error))
            return
        status = self._stream(invocation, response)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RuntimeApiError(status)
        if not accepted(status):
            self.telemetry.unexpected_error(RuntimeApiError(status))

    def _stream(self, invocation: Invocation, response: Response) -> int:
        """Send the response, and close its body; Lambda's status."""
        try:
            exchange = self.api.begin(invocation, response)
        except ExchangeEnded:
            response.body.close()
            raise
        with closing(exchange):
            return exchange.end(self._send(exchange, response.body))

    def _send(self, exchange: ResponseStream, body: Body | ByteStream) -> Failure | None:
        """Send the body; what broke it off. ExchangeEnded when Lambda does not take it."""
        if isinstance(body, Body):
            with closing(body):
                return self._reported(_sent(exchange, _pieces(body)))
        with Watch(body, exchange.socket, exchange.seconds) as watch:
            error = _sent(exchange, body)
        return ENDED if watch.ended else self._reported(error)

    def _reported(self, error: Exception | None) -> Failure | None:
        if error is None:
            return None
        self.telemetry.unexpected_error(error)
        return Failure.of_defect(error)


def _sent(exchange: ResponseStream, pieces: Iterable[bytes]) -> Exception | None:
    """Send the pieces; what they raised, if anything."""
    try:
        for piece in pieces:
            exchange.send(piece)
    except ExchangeEnded:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary, as above; the client's response breaks off
        return error
    return None


def _pieces(body: Body) -> Iterator[bytes]:
    source = body.open()
    while piece := source.read(PIECE):
        yield piece
