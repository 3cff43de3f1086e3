"""A DynamoDB on which every write conflicts with another transaction at first, which emulators never do."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tests.harnesses.store_backends import MotoBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
TIMES: Final = 3  # fewer than the pauses of any write


class ConflictingBackend(MotoBackend):
    """moto's DynamoDB, on which each write is refused three times before it is carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: Counter[str] = Counter()
        self.times = TIMES
        refuse: Any = self._refuse
        self.table.client.meta.events.register_first("before-call.dynamodb", refuse)

    @contextmanager
    def failing_requests(self, *, written: bool) -> Iterator[None]:
        """As the other engines': the first attempt is the one that fails."""
        self.times = 0
        with super().failing_requests(written=written):
            yield
        self.times = TIMES

    def _refuse(self, model: Any, params: Any, **_: Any) -> tuple[SimpleNamespace, dict[str, Any]] | None:
        """Answer the call with a conflict; None to carry it out."""
        if model.name not in WRITES:
            return None
        content = json.loads(params["body"])
        content.pop("ClientRequestToken", None)  # a new one with each attempt
        call = f"{threading.get_ident()} {json.dumps(content, sort_keys=True)}"
        self.refused[call] += 1
        if self.refused[call] > self.times:
            del self.refused[call]
            return None
        return SimpleNamespace(status_code=400), refusal(len(content.get("TransactItems", ())))


def refusal(actions: int) -> dict[str, Any]:
    """DynamoDB's answer to a transaction of so many actions, the last of which conflicts; 0: to a single write."""
    code = "TransactionCanceledException" if actions else "TransactionConflictException"
    reasons = [{"Code": "None"}] * (actions - 1) + [{"Code": "TransactionConflict"}]
    error = {"Error": {"Code": code, "Message": "conflict"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return {**error, "CancellationReasons": reasons} if actions else error
