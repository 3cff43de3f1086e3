"""Local mode's API of Lambda: errors of functions, and asynchronous invocations."""

from __future__ import annotations

import json
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.lambda_api import InvokeApi
from vectorgate.bootstrap import system_clock

PATH = "/2015-03-31/functions/vectorgate-invoke/invocations"


def signed_headers(kind: str) -> dict[str, str]:
    """The headers of an invocation without a payload, as botocore signs it, in WSGI's environ."""
    request = AWSRequest("POST", f"http://localhost:4000{PATH}", {"X-Amz-Invocation-Type": kind})
    SigV4Auth(Credentials("VGTEST", "secret"), "lambda", "us-east-1").add_auth(request)
    headers = {**request.headers, "Host": "localhost:4000"}
    return {f"HTTP_{name.upper().replace('-', '_')}": str(value) for name, value in headers.items()}


def test_a_handler_that_raises_is_a_function_error_and_an_event_is_delivered_again() -> None:
    seen: list[object] = []

    def failing(payload: object, context: Any) -> object:
        seen.append(context.aws_request_id)
        raise RuntimeError(f"cannot do {payload}")

    api = InvokeApi(failing, {"VGTEST": "secret"}, system_clock())
    answers: list[tuple[str, dict[str, str]]] = []

    def ask(kind: str, address: str = "127.0.0.1") -> bytes:
        environ: Any = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": PATH,
            "REMOTE_ADDR": address,
            **signed_headers(kind),
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
