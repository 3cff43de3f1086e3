"""Lambda's Runtime API (2018-06-01): one connection for each request, on the machine itself."""

from __future__ import annotations

import json
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import encode_json
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.entrypoints.runtime.response_stream import ResponseStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import Response
    from vectorgate.clock import Clock
    from vectorgate.entrypoints.runtime.failure import Failure

ROOT: Final = "/2018-06-01/runtime"
FINISH_SECONDS: Final = 5.0  # what is left of an invocation's time to end its response and write its row
_ERROR_JSON: Final = "application/vnd.aws.lambda.error+json"


class RuntimeApiError(Exception):
    """Lambda refuses a request of the runtime."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the Runtime API answers {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation. `deadline_ms`: Unix time at which Lambda ends the process."""

    request_id: str
    deadline_ms: int
    trace_id: str | None
    event: Mapping[str, object]

    @property
    def aws_request_id(self) -> str:
        """The id by the name that Lambda's own runtimes give it in a handler's context."""
        return self.request_id


class RuntimeApi:
    """The API at `address`, a host and a port."""

    def __init__(self, address: str, clock: Clock) -> None:
        self._address = address
        self._clock = clock

    def next(self) -> Invocation:
        """Wait for the next invocation, without a time limit: Lambda freezes the process until there is one."""
        with closing(HTTPConnection(self._address)) as connection:
            connection.request("GET", f"{ROOT}/invocation/next")
            response = connection.getresponse()
            body = response.read()
        if response.status != HTTPStatus.OK:
            raise RuntimeApiError(response.status)
        return Invocation(
            request_id=response.headers["Lambda-Runtime-Aws-Request-Id"],
            deadline_ms=int(response.headers["Lambda-Runtime-Deadline-Ms"]),
            trace_id=response.headers.get("Lambda-Runtime-Trace-Id"),
            event=json.loads(body),
        )

    def await_restore(self) -> None:
        """Say that the snapshot may be taken, and wait until this process is a copy of it."""
        with closing(HTTPConnection(self._address)) as connection:
            connection.request("GET", f"{ROOT}/restore/next")
            response = connection.getresponse()
            response.read()
        if response.status != HTTPStatus.OK:
            raise RuntimeApiError(response.status)

    def begin(self, invocation: Invocation, response: Response) -> ResponseStream:
        """Send status and headers of the response. ExchangeEnded where Lambda does not take them."""
        seconds = invocation.deadline_ms / MILLISECONDS - self._clock.wall() - FINISH_SECONDS
        connection = HTTPConnection(self._address, timeout=max(seconds, 0.001))
        path = f"{ROOT}/invocation/{invocation.request_id}/response"
        return ResponseStream(connection, path, response, seconds=max(seconds, 0.0))

    def fail(self, invocation: Invocation, failure: Failure) -> None:
        """End an invocation that has no response."""
        self._report(f"{ROOT}/invocation/{invocation.request_id}/error", failure)

    def fail_start(self, failure: Failure) -> None:
        """Say that the function cannot start."""
        self._report(f"{ROOT}/init/error", failure)

    def fail_restore(self, failure: Failure) -> None:
        """Say that this copy of the snapshot cannot begin."""
        self._report(f"{ROOT}/restore/error", failure)

    def _report(self, path: str, failure: Failure) -> None:
        headers = {"Content-Type": _ERROR_JSON, "Lambda-Runtime-Function-Error-Type": failure.type}
        with closing(HTTPConnection(self._address)) as connection:
            connection.request("POST", path, body=encode_json(failure.document()), headers=headers)
            status = connection.getresponse().status
        if status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeApiError(status)
