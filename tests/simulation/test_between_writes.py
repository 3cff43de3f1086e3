"""What happens between two of the single writes of a create: another process acts there, or this one crashes."""

from __future__ import annotations

import json
from math import inf
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from tests.fakes.faults import SimulatedCrash
from tests.simulation.clients import FULL_METADATA, LogicalCreate
from tests.simulation.environment import NO_FAULTS
from tests.simulation.simulation import SWEEP_INTERVAL_S, Simulation
from vectorgate.api.http import Body, Request, Response, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET: Final = "sk-simulated-b"  # this key and its team have a limit each
SEEDS: Final = (1, 9, 3)  # on AWS, in local mode, on DynamoDB
each_deployment = pytest.mark.parametrize("seed", SEEDS)


class RepeatedCreate:
    """One create with an idempotency key, or an SDK's retries, sent a request at a time."""

    def __init__(self, seed: int, *, keyed: bool = True, **body: object) -> None:
        self.simulation = Simulation(seed, rates=NO_FAULTS)
        self.made = LogicalCreate("s0", SECRET, None, encode_json({"name": "s0", **body}), keyed=keyed)
        self.simulation.creates.append(self.made)

    def before(self, method: str, act: Callable[[], object]) -> None:
        """Have something happen before the ledger's next call of a method."""
        self._instead(method, lambda call: (act(), call())[1])

    def crash_before(self, method: str) -> None:
        """End the process at its next call of a method of the ledger."""
        self._instead(method, lambda _: self._crash())

    def crash_after(self, method: str) -> None:
        """End the process behind its next call of a method of the ledger."""
        self._instead(method, lambda call: (call(), self._crash())[1])

    def _instead(self, method: str, act: Callable[[Callable[[], object]], object]) -> None:
        ledger = self.simulation.deployment.stores.ledger

        def once(*arguments: object, **named: object) -> object:
            del ledger.__dict__[method]
            return act(lambda: getattr(ledger, method)(*arguments, **named))

        ledger.__dict__[method] = once

    def _crash(self) -> NoReturn:
        self.simulation.environment.crashed = True
        raise SimulatedCrash

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response | None:
        """Send a request; None if the process crashed."""
        all_headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json", **headers}
        return self.simulation.handle(Request(method=method, path=path, headers=all_headers, body=Body.of(body)))

    def send(self) -> Response | None:
        """Send the create."""
        key = {"idempotency-key": "key of s0"} if self.made.keyed else {}
        count = str(len(self.made.statuses))
        response = self.ask("POST", "/v1/vector_stores", self.made.body, **key, **{"x-stainless-retry-count": count})
        self.made.statuses.append(response.status if response is not None else 0)
        if response is not None and response.status == 200:
            self.made.store_id = json.loads(response.read_body())["id"]
        return response

    def sweep(self) -> None:
        """Sweep until every row that a crash left open is decided."""
        for _ in range(3):
            self.simulation.environment.now += SWEEP_INTERVAL_S
            self.simulation.reconcile()

    def check(self, *, stores: int = 1) -> None:
        """Compare the ledger with the provider, which made so many stores."""
        assert len(self.simulation.provider.stores) == stores
        assert self.simulation.check(with_digest=False).differences == []


@each_deployment
def test_a_store_that_is_deleted_between_its_ownership_and_its_answer_is_in_the_ledger_once(seed: int) -> None:
    create = RepeatedCreate(seed)
    create.crash_before("advance")
    assert create.send() is None
    (store,) = create.simulation.provider.stores
    deleted = create.ask("DELETE", f"/v1/vector_stores/{store}")
    assert deleted is not None
    assert deleted.status == 200
    create.sweep()
    repeated = create.send()
    assert repeated is not None
    assert store in repeated.read_body().decode()
    create.check()


@each_deployment
@pytest.mark.parametrize("method", ["keep_answer", "advance"])
def test_a_store_whose_create_crashed_behind_its_ownership_is_given_to_the_repetition(seed: int, method: str) -> None:
    create = RepeatedCreate(seed, metadata=FULL_METADATA)
    create.crash_before(method)
    assert create.send() is None
    in_flight = create.send()
    assert in_flight is not None
    assert in_flight.status == 409
    create.sweep()
    create.send()
    assert create.made.statuses == [0, 409, 200]
    create.check()


@each_deployment
@pytest.mark.parametrize("keyed", [True, False])
def test_a_call_that_was_begun_and_not_bound_is_never_given_what_the_one_that_was_sent_made(
    seed: int, *, keyed: bool
) -> None:
    create = RepeatedCreate(seed, keyed=keyed, metadata=FULL_METADATA)
    create.crash_before("bind")
    assert create.send() is None
    create.crash_before("own")
    assert create.send() is None
    create.sweep()
    create.send()
    assert create.made.statuses == [0, 0, 200]
    create.check()


@each_deployment
def test_of_two_that_begin_with_one_key_at_once_one_is_sent_and_the_other_gets_its_answer(seed: int) -> None:
    create = RepeatedCreate(seed)
    answers: list[Response | None] = []
    create.before("bind", lambda: answers.append(create.send()))
    answers.append(create.send())
    first, second = (answer.read_body() for answer in answers if answer is not None)
    assert first == second
    create.check()


@each_deployment
def test_of_two_that_take_over_one_record_at_once_one_is_sent(seed: int) -> None:
    create = RepeatedCreate(seed)
    create.crash_after("bind")
    assert create.send() is None
    create.sweep()
    create.before("bind", create.send)
    create.send()
    assert create.made.statuses == [0, 200, 200]
    create.check()


@each_deployment
@pytest.mark.parametrize("repeated", [False, True])
def test_a_request_that_is_so_slow_that_its_row_is_void_is_not_sent(seed: int, *, repeated: bool) -> None:
    create = RepeatedCreate(seed)

    def meanwhile() -> None:
        create.sweep()
        if repeated:
            create.send()
        create.simulation.environment.killed_at = inf  # the platform would have ended it

    create.before("bind", meanwhile)
    late = create.send()
    assert late is not None
    assert late.status in {503, 504}
    create.send()
    assert create.made.statuses[-1] == 200
    create.check()
