"""Local mode's API of Lambda: errors of functions, and asynchronous invocations."""

from __future__ import annotations

import json
from typing import Any

from local.lambda_api import InvokeApi


def test_a_handler_that_raises_is_a_function_error_and_an_event_is_delivered_again() -> None:
    seen: list[object] = []

    def failing(payload: object, context: Any) -> object:
        seen.append(context.aws_request_id)
        raise RuntimeError(f"cannot do {payload}")

    api = InvokeApi(failing)
    answers: list[tuple[str, dict[str, str]]] = []

    def ask(kind: str, address: str = "127.0.0.1") -> bytes:
        environ: Any = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/2015-03-31/functions/vectorgate-invoke/invocations",
            "REMOTE_ADDR": address,
            "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 ...",
            "HTTP_X_AMZ_INVOCATION_TYPE": kind,
        }
        return b"".join(api(environ, lambda status, headers: answers.append((status, dict(headers)))))  # type: ignore[arg-type]

    error = json.loads(ask("RequestResponse"))
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "cannot do {}")
    assert answers[-1][0] == "200 OK"
    assert answers[-1][1]["X-Amz-Function-Error"] == "Unhandled"
    assert ask("Event") == b""
    api.close()
    assert len(seen) == 1 + 3
    assert len(set(seen[1:])) == 1
    assert b"this machine only" in ask("RequestResponse", "192.0.2.1")
    assert answers[-1][0] == "403 Forbidden"
    assert b"Unsupported invocation type" in ask("Other")
