"""Real clients that use a stack without a pause, while it is updated: what they made, and what they saw fail."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import boto3
import openai
from botocore.config import Config

from tests.harnesses.aws_stack import REGION, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from tests.harnesses.aws_stack import Emulator

DOMAIN: Final = "ai.example.com"  # whose name stays, whatever API it is mapped to
BROWSERS: Final = 2  # clients of the HTTP API
PAUSE: Final = 0.1  # seconds between two rounds of a client
# As docs/invoke.md has Step Functions try again, with an idempotency key. The emulator ends a call whose function is
# updated, which Lambda lets run to its end: its outcome is 409 until the meter has found it out, a minute later.
ATTEMPTS: Final = 90
CONFLICT: Final = 409
SECONDS: Final = 2


@dataclass
class StackLoad:
    """Clients of the SDK, and one that invokes the function `invoke` by its name, as SDKs do.

    `retries`: how often the SDK sends a call again. `created`: stores that a client was given. `deleted`: those of them
    that it deleted. `failures`: what it saw fail.
    `numbers`: of the stores that it names; a call with an idempotency key has one, too.
    `unknown`: creates that the emulator ended, which were not made a second time; the ledger finds out their outcome.
    """

    aws: Emulator
    key: str
    invoke: str
    retries: int = openai.DEFAULT_MAX_RETRIES
    created: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    calls: int = 0
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin."""
        rounds: list[Callable[[], None]] = [self._round_of(self.client()) for _ in range(BROWSERS)]
        rounds.append(self._invocations())
        for each in rounds:
            self._threads.append(threading.Thread(target=self._repeat, args=(each,), daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, with what is being done."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * ATTEMPTS * SECONDS)  # what it makes later would be in the sums, and not in the rows

    def client(self) -> openai.OpenAI:
        """A client of the stack's domain name."""
        base_url, host = f"{self.aws.url}/v1", {"Host": DOMAIN}
        return openai.OpenAI(
            api_key=self.key, base_url=base_url, default_headers=host, timeout=300, max_retries=self.retries
        )

    def go_on(self, calls: int) -> None:
        """Go on until so many further calls are answered. TookTooLong after a minute."""
        enough = self.calls + calls
        eventually(
            lambda: True if self.calls >= enough else None, 180, f"{calls} further calls; failed: {self.failures}"
        )

    def _repeat(self, round_of_calls: Callable[[], None]) -> None:
        while not self._stop.wait(PAUSE):
            try:
                round_of_calls()
            except openai.ConflictError as error:
                self.unknown.append(error.message)
            except Exception as error:  # noqa: BLE001 - whatever a client sees is the test's to judge
                self.failures.append(f"{time.strftime('%X')} {type(error).__name__}: {error}"[:300])

    def _round_of(self, client: openai.OpenAI) -> Callable[[], None]:
        def calls() -> None:
            number = next(self.numbers)
            store = client.vector_stores.create(name=f"store-{number}")
            self.created.append(store.id)
            assert client.vector_stores.retrieve(store.id).name == f"store-{number}"
            assert store.id in {each.id for each in client.vector_stores.list(limit=100)}
            self.calls += 3
            if number % 3 == 0:
                client.vector_stores.delete(store.id)
                self.deleted.append(store.id)

        return calls

    def _invocations(self) -> Callable[[], None]:
        client = boto3.client(
            "lambda",
            endpoint_url=self.aws.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(read_timeout=300),
        )

        def call() -> None:
            name = f"invoked-{next(self.numbers)}"
            payload = {"operation": "vector_stores.create", "api_key": self.key, "body": {"name": name}}
            content = json.dumps({**payload, "idempotency_key": name}).encode()
            for _ in range(ATTEMPTS):
                answer = client.invoke(FunctionName=self.invoke, Payload=content)
                found: Any = json.load(answer["Payload"])
                if not answer.get("FunctionError") and found["status"] < CONFLICT:
                    break
                time.sleep(SECONDS)
            assert found.get("status") == 200, found
            self.created.append(found["body"]["id"])
            self.calls += 1

        return call
