"""Responses that are made after their request was answered (`background: true`), oldest first."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.responses.events import FAILURE
from engine.responses.turn import FAILED, Turn

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model import StoredResponse
    from engine.ports import Rows

log = logging.getLogger(__name__)

STOPPED: Final = "The server stopped while it made this response."


def step(engine: Engine) -> bool:
    """Make the oldest response of the queue; whether there was one."""
    with engine.catalogue.write() as rows:
        response = rows.responses.claim()
    if response is None:
        return False
    try:
        turn = Turn(engine, response)
        turn.resume()
        turn.run()
    except Exception:
        # A defect must neither stop the worker nor leave the client waiting; the cause is in the log.
        log.exception("response %s failed", response.id)
        with engine.catalogue.write() as rows:
            _fail(rows, response, FAILURE)
    return True


def fail_interrupted(engine: Engine) -> None:
    """End what was being made when an earlier process ended. What was still in the queue is made later."""
    with engine.catalogue.write() as rows:
        for response in rows.responses.under_way():
            _fail(rows, response, STOPPED)


def _fail(rows: Rows, response: StoredResponse, message: str) -> None:
    body = {**response.body, "status": "failed", "error": {"code": FAILED, "message": message}}
    rows.responses.settle(replace(response, status="failed", body=body))
