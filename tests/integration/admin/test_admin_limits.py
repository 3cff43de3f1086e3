"""Any sequence of changes of rate limits and of requests (stateful): no limit is passed that a gateway has to know.

Two gateways share the table. `told` is of the process in which the admin app runs: it knows a changed limit at once.
`other` is of another machine, and knows it after five seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.factories.secrets import MASTER_KEY
from tests.fakes.clock import FakeClock
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.admin import AdminHarness
from tests.helpers.memory_stores import memory_stores
from tests.helpers.rate_history import CALL_S, RateHistory
from vectorgate.api.errors import RateLimited
from vectorgate.auth.authenticate import Authenticator
from vectorgate.budgets.limits import CachedLimits
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.ledger.entry import new_operation_id
from vectorgate.persistence.announcing import announcing
from vectorgate.rate_limits.plan import plan_of
from vectorgate.rate_limits.service import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.clock import Clock
    from vectorgate.persistence.stores import Stores
    from vectorgate.rate_limits.plan import RateLimits

LAG_S: Final = 5.0  # after which a change holds everywhere (docs/api.md)
KEYS: Final = range(3)  # of one team
FIELDS: Final = st.sampled_from(["rpm_limit", "rpm_limit", "max_parallel_requests"])
MOST: Final = st.sampled_from([1, 2, 3, 7, None])


class Process:
    """What a gateway remembers."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self.keys = Authenticator(stores.keys, clock)
        self.limits = CachedLimits(stores.budgets, clock)
        self.rates = RateLimiter(stores.rates, clock, RecordingTelemetry())

    def forget(self) -> None:
        """Read keys and limits again."""
        self.keys.forget()
        self.limits.forget()


class LimitedRequests(RuleBasedStateMachine):
    """The holder of the master key, the administrator of a team, and three keys of the team."""

    @initialize()
    def begin(self) -> None:
        """Make the team, its administrator and its keys."""
        self.stores = memory_stores()
        time = FakeClock()
        self.told, self.other = (Process(self.stores, time.clock()) for _ in range(2))
        self.admin = AdminHarness(announcing(self.stores, self.told.forget), time=time)
        self.history = RateHistory(LAG_S)
        self.done("/team/new", {"team_id": "red", "rpm_limit": 7}, MASTER_KEY)
        self.by = [MASTER_KEY, self.made({"role": "team_admin"})]
        self.secrets = [self.made({"rpm_limit": 3}), self.made({"max_parallel_requests": 2}), self.made({})]

    def teardown(self) -> None:
        """Close the stores."""
        if hasattr(self, "stores"):
            self.stores.close()

    def done(self, path: str, body: dict[str, Any], by: str) -> Any:
        """The answer of a change, whose limits hold from then on."""
        status, document = self.admin.ask("POST", path, body, by=by)
        assert status == 200, document
        self.history.note(self.limited(), self.admin.time.clock().wall())
        return document

    def made(self, body: dict[str, Any]) -> str:
        """The secret of a new key of the team."""
        return str(self.done("/key/generate", {"team_id": "red", **body}, MASTER_KEY)["key"])

    def limited(self) -> Iterator[tuple[Subject, RateLimits]]:
        """The limits of every key and of the team."""
        yield from ((Subject(BudgetScope.KEY, row.id), row) for row in self.stores.keys.all_keys())
        yield from self.stores.budgets.all_limits(BudgetScope.TEAM).items()

    @rule(actor=st.integers(0, 1), key=st.sampled_from(KEYS), field=FIELDS, most=MOST)
    def limit_key(self, actor: int, key: int, field: str, most: int | None) -> None:
        """Change a limit of a key."""
        self.done("/key/update", {"key": self.secrets[key], field: most}, self.by[actor])

    @rule(field=FIELDS, most=MOST)
    def limit_team(self, field: str, most: int | None) -> None:
        """Change a limit of the team."""
        self.done("/team/update", {"team_id": "red", field: most}, MASTER_KEY)

    @rule(key=st.sampled_from(KEYS), of_team=st.booleans(), most=MOST)
    def lower_elsewhere(self, key: int, of_team: bool, most: int | None) -> None:  # noqa: FBT001 - a rule's argument
        """Change a limit that the other gateway has just read, and use it there as soon as it has to know."""
        self.request(key, told=False, times=1, ends=True)
        if of_team:
            self.limit_team("rpm_limit", most)
        else:
            self.limit_key(0, key, "rpm_limit", most)
        self.wait(LAG_S)
        self.request(key, told=False, times=9, ends=True)

    @rule(key=st.sampled_from(KEYS))
    def regenerate(self, key: int) -> None:
        """Give a key another secret: what it has used stays used."""
        self.secrets[key] = str(self.done("/key/regenerate", {"key": self.secrets[key]}, MASTER_KEY)["key"])

    @rule(key=st.sampled_from(KEYS), told=st.booleans(), times=st.integers(1, 9), ends=st.booleans())
    def request(self, key: int, told: bool, times: int, ends: bool) -> None:  # noqa: FBT001 - a rule's arguments
        """Send requests through one of the gateways, each behind the one before or (not `ends`) all at a time."""
        for _ in range(times):
            if not self.admitted(self.told if told else self.other, self.secrets[key], told=told):
                return
            if ends and self.history.leases:
                self.end(newest=True)

    def admitted(self, process: Process, secret: str, *, told: bool) -> bool:
        """Whether the gateway lets a request in, which then passes no limit."""
        clock, key = self.admin.time.clock(), process.keys.authenticate(secret).key
        plan = plan_of(key, process.limits.limits_of(key, None), generates=False)
        name = new_operation_id(clock, self.admin.deps().randomness)[-12:]
        try:
            claims = process.rates.claims(plan, name, clock.unix_ms() + CALL_S * 1_000)
            process.rates.admit(claims)
        except RateLimited:
            return False
        self.history.granted(claims, clock.wall(), told=told)
        return True

    @rule(newest=st.booleans())
    def end(self, newest: bool) -> None:  # noqa: FBT001 - a rule's argument
        """End a request that is under way."""
        assume(self.history.leases)
        name = self.history.leases[-1 if newest else 0].name
        self.told.rates.release([each for each in self.history.leases if each.name == name])
        self.history.leases = [each for each in self.history.leases if each.name != name]

    @rule(seconds=st.sampled_from([0.5, 3.0, LAG_S, 20.0, 40.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass; after 40 seconds a process has crashed whose request has not ended."""
        self.admin.time.skip(seconds)


TestLimitedRequests = LimitedRequests.TestCase
TestLimitedRequests.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
