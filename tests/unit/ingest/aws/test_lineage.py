"""Lambda's recursive loop detection: a message that is sent again carries its lineage, and is still processed.

The emulated Lambda counts as AWS does: botocore passes on the trace header of the invocation, whose `Lineage` has the
number of times that the function was reached, and what has gone round sixteen times is dropped, unless the function's
`RecursiveLoop` allows it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.clock import FakeClock
from tests.fakes.telemetry import RecordingTelemetry
from tests.helpers.template import FUNCTIONS
from vectorgate.ingest.model import Done, IngestEvent, Outcome, RetryLater
from vectorgate.ingest.sqs_handler import SqsBatchHandler

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from tests.unit.ingest.aws.conftest import Account

ROUNDS: Final = 16  # of "approximately 16 invocations" in Lambda's guide
HEADER: Final = "X-Amzn-Trace-Id"
BODY: Final = json.dumps(
    {
        "source": "com.example.crm",
        "detail-type": "VectorStore Create Requested",
        "id": "1",
        "detail": {"name": "tides"},
    }
)


@dataclass
class Waiting:
    """A processor whose provider fails for so many invocations."""

    failing: int
    tried: int = 0

    def process(self, events: Sequence[IngestEvent]) -> Sequence[Outcome]:
        self.tried += 1
        return [RetryLater(0, "unavailable") if self.tried <= self.failing else Done() for _ in events]


@dataclass
class Lambda:
    """Hands the messages of the account's queue to a handler, and drops a chain that is too long."""

    account: Account
    handler: SqsBatchHandler
    recursive_loop: str
    patch: pytest.MonkeyPatch
    dropped: int = 0
    _sent_with: list[str] = field(default_factory=lambda: ["Lineage=1:ab:0"])

    def __post_init__(self) -> None:
        events = self.account.clients.sqs.meta.events
        events.register("before-parameter-build.sqs.SendMessage", lambda params, **_: params.pop("DelaySeconds", None))
        events.register("before-send.sqs.SendMessage", self._note)
        self.patch.setenv("AWS_LAMBDA_FUNCTION_NAME", "gate-ingest")

    def _note(self, request: Any, **_: object) -> None:
        header = request.headers[HEADER]
        self._sent_with.append(header.decode() if isinstance(header, bytes) else header)

    def run(self) -> None:
        """Invoke until the queue is empty."""
        while received := self.account.messages(self.account.queue):
            (message,) = received
            self.account.clients.sqs.delete_message(QueueUrl=self.account.queue, ReceiptHandle=message["ReceiptHandle"])
            found = re.search(r"Lineage=1:ab:(\d+)", self._sent_with.pop())
            assert found is not None, "botocore did not pass the lineage on"
            reached = int(found[1]) + 1
            if reached > ROUNDS and self.recursive_loop != "Allow":
                self.dropped += 1
                continue
            self.patch.setenv("_X_AMZN_TRACE_ID", f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=1:ab:{reached}")
            record = {"messageId": "m", "body": message["Body"], "attributes": {"SentTimestamp": "1795380100000"}}
            self.handler.handle({"Records": [record]})


def invoked(account: Account, patch: pytest.MonkeyPatch, recursive_loop: str) -> tuple[int, int]:
    """How often a message was tried whose provider failed 20 times, and how many were dropped."""
    waiting = Waiting(failing=20)
    handler = SqsBatchHandler(waiting, account.sqs, RecordingTelemetry(), FakeClock().clock())
    account.clients.sqs.send_message(QueueUrl=account.queue, MessageBody=BODY)
    service = Lambda(account, handler, recursive_loop, patch)
    service.run()
    return waiting.tried, service.dropped


def test_a_message_that_waits_twenty_times_is_processed_as_the_template_deploys_the_function(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoked(account, monkeypatch, FUNCTIONS["Ingest"]["RecursiveLoop"]) == (21, 0)


def test_without_that_setting_lambda_would_drop_it(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoked(account, monkeypatch, "Terminate") == (ROUNDS, 1)
