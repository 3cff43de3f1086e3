"""Any sequence of admin calls (stateful).

Rights never grow, no key outlives its revocation by more than five seconds, no budget is passed, each change has one
record, and to a team's administrator a foreign key is as one that does not exist.

Two gateways share the table. `told` is of the process in which the admin app runs, `other` of another machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.admin import AdminHarness
from tests.helpers.memory_stores import memory_stores
from vectorgate.api.errors import ApiError
from vectorgate.audit.model import AuditQuery
from vectorgate.auth.authenticate import KEY_CACHE_SECONDS, Authenticator, is_expired, key_id_of, opens
from vectorgate.auth.keys.rights import exceeding
from vectorgate.budgets.limits import CachedLimits
from vectorgate.budgets.model import NO_LIMIT, Account, BudgetScope, Reservation, account_ref, window_of
from vectorgate.ledger.entry import LedgerEntry, State, new_operation_id
from vectorgate.persistence.announcing import announcing
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD
from vectorgate.store_errors import OverBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey

TEAMS: Final = ("red", "blue")
ABSENT: Final = "0" * 64
OWN: Final = {"models": ["gpt-5*"], "tpm_limit": 500, "max_budget": 3}
ACTORS: Final = ("master", "ops", *TEAMS)
TERMS: Final = st.fixed_dictionaries(
    {},
    optional={
        "models": st.lists(st.sampled_from(["*", "gpt-5*", "gpt-5-mini", "o4"]), max_size=2),
        "tpm_limit": st.sampled_from([None, 100, 1_000]),
        "max_budget": st.sampled_from([None, 1, 2, 5]),
        "duration": st.sampled_from(["7s", "1d"]),
        "allowed_tools": st.sampled_from([None, ["file_search"], ["mcp"]]),
    },
)


class AdminCalls(RuleBasedStateMachine):
    """The holder of the master key, an admin key, an administrator of each team, and the keys that they make."""

    secrets: Any = Bundle("secrets")

    @initialize()
    def begin(self) -> None:
        """Make both teams, and those who administer."""
        self.stores = memory_stores()
        self.admin = AdminHarness(announcing(self.stores, self.forget))
        clock = self.admin.time.clock()
        self.told, self.other = Authenticator(self.stores.keys, clock), Authenticator(self.stores.keys, clock)
        self.limits = CachedLimits(self.stores.budgets, clock)
        self.last_open: dict[str, float] = {}
        self.by = {"master": MASTER_KEY}
        for team in TEAMS:
            self.call("master", "/team/new", {"team_id": team, "max_budget": 4})
            self.by[team] = self.made("master", {"role": "team_admin", "team_id": team, **OWN})
        self.by["ops"] = self.made("master", {"role": "admin", "key_alias": "ops", "duration": "30d"})

    def teardown(self) -> None:
        """Close the stores."""
        if hasattr(self, "stores"):
            self.stores.close()

    def forget(self) -> None:
        """What the told gateway does at a change."""
        self.told.forget()
        self.limits.forget()

    def call(self, actor: str, path: str, body: Mapping[str, object]) -> tuple[int, Any]:
        """One call: each row that it changes has one record, by the actor, and without a change there is none."""
        before, known = self.rows(), self.records()
        status, document = self.admin.ask("POST", path, body, by=self.by[actor])
        after = self.rows()
        new = [record for record in self.records() if record not in known]
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        assert sorted(record.target for record in new) == sorted(changed), (path, body, document)
        assert status == 200 or not new
        id_ = None if actor == "master" else key_id_of(self.by[actor])
        assert {record.actor for record in new} <= {id_ or "master_key"}
        self.look()
        return status, document

    def rows(self) -> dict[str, object]:
        """Every key and every team."""
        teams = self.stores.budgets.all_limits(BudgetScope.TEAM)
        found: dict[str, object] = {row.id: row for row in self.stores.keys.all_keys()}
        return found | {subject.id: row for subject, row in teams.items()}

    def records(self) -> list[AuditRecord]:
        """The audit."""
        now = self.admin.time.clock().unix_ms()
        return list(self.stores.audit.search(AuditQuery(start_ms=now - 10**9, end_ms=now + 1, limit=10_000)))

    def made(self, actor: str, body: Mapping[str, object]) -> str:
        """The secret of a new key."""
        status, document = self.call(actor, "/key/generate", body)
        assert status == 200, document
        return str(document["key"])

    def row(self, secret: str) -> VirtualKey | None:
        """The row of the key that has, or had, that secret."""
        return self.stores.keys.key(key_id_of(secret))

    def is_open(self, secret: str) -> bool:
        """Whether the table's rows let the secret in now."""
        row, now = self.row(secret), self.admin.time.clock().wall()
        return row is not None and opens(key_id_of(secret), row, now) and not row.blocked and not is_expired(row, now)

    def look(self) -> None:
        """Note which secrets are open at this moment."""
        now = self.admin.time.clock().wall()
        self.last_open |= {secret: now for secret in self.last_open if self.is_open(secret)}

    def within_rights(self, actor: str, row: VirtualKey | None, before: VirtualKey | None) -> None:
        """Check that a team's administrator changed only the team's key, and gave only what its own key has."""
        if actor not in TEAMS or row is None:
            return
        own = self.row(self.by[actor])
        assert own is not None
        assert (row.team_id, row.role) == (actor, None)
        assert exceeding(row, own, before) is None

    @rule(target=secrets, actor=st.sampled_from(ACTORS), team=st.sampled_from([None, *TEAMS]), terms=TERMS)
    def generate(self, actor: str, team: str | None, terms: Mapping[str, object]) -> str:
        """Make a key; a refused one is as a secret that opens nothing."""
        status, document = self.call(actor, "/key/generate", {"team_id": team, **terms})
        secret = str(document["key"]) if status == 200 else "sk-none"
        self.last_open[secret] = self.admin.time.clock().wall() if status == 200 else 0.0
        self.within_rights(actor, self.row(secret), None)
        assert status in {200, 400, 403}
        return secret

    @rule(actor=st.sampled_from(ACTORS), secret=secrets, terms=TERMS)
    def update(self, actor: str, secret: str, terms: Mapping[str, object]) -> None:
        """Change a key."""
        before = self.row(secret)
        status, _ = self.call(actor, "/key/update", {"key": key_id_of(secret), **terms})
        if status == 200:
            self.within_rights(actor, self.row(secret), before)

    @rule(actor=st.sampled_from(ACTORS), secret=secrets, verb=st.sampled_from(["block", "unblock", "delete"]))
    def revoke(self, actor: str, secret: str, verb: str) -> None:
        """Block, unblock or delete a key."""
        id_, before = key_id_of(secret), self.row(secret)
        body = {"keys": [id_]} if verb == "delete" else {"key": id_}
        status, _ = self.call(actor, f"/key/{verb}", body)
        if status == 200 and verb == "unblock":
            self.within_rights(actor, self.row(secret), None if before is not None and before.blocked else before)

    @rule(target=secrets, actor=st.sampled_from(ACTORS), secret=secrets, grace=st.sampled_from([None, "3s"]))
    def regenerate(self, actor: str, secret: str, grace: str | None) -> str:
        """Give a key another secret."""
        status, document = self.call(actor, "/key/regenerate", {"key": key_id_of(secret), "grace_period": grace})
        if status != 200:
            return secret
        self.last_open[str(document["key"])] = 0.0
        self.look()
        self.within_rights(actor, self.row(str(document["key"])), None)
        return str(document["key"])

    @rule(actor=st.sampled_from(["master", "ops"]), team=st.sampled_from(TEAMS), most=st.sampled_from([0, 2, 9, None]))
    def limit_team(self, actor: str, team: str, most: int | None) -> None:
        """Change a team's budget."""
        self.call(actor, "/team/update", {"team_id": team, "max_budget": most})

    @rule(seconds=st.sampled_from([0.5, 3.0, KEY_CACHE_SECONDS]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.admin.time.skip(seconds)
        self.look()

    @rule(secret=secrets)
    def use(self, secret: str) -> None:
        """Present a key to both gateways."""
        assert admits(self.told, secret) == self.is_open(secret)
        if self.admin.time.clock().wall() - self.last_open.get(secret, 0.0) >= KEY_CACHE_SECONDS:
            assert not admits(self.other, secret)

    @rule(secret=secrets)
    def spend(self, secret: str) -> None:
        """Reserve a dollar, at the told gateway's limits: no account holds more than its limit then."""
        assume(admits(self.told, secret))
        key, now = self.told.authenticate(secret).key, self.admin.time.clock()
        limits = self.limits.limits_of(key, None)
        held = [(Account(who, window_of(limit, now.unix_s()).period), limit) for who, limit in limits]
        dollar = NanoUSD(NANO_PER_USD)
        entry = LedgerEntry(
            id=new_operation_id(now, self.admin.deps().randomness),
            operation="vector_stores.create",
            state=State.STARTED,
            started_ms=now.unix_ms(),
            key_id=key.id,
            tenant=key.tenant,
            team_id=key.team_id,
            budgets=tuple(account_ref(account) for account, _ in held),
            reserved=dollar if held else None,
        )
        most = {account: limit.max_budget if limit.max_budget is not None else NO_LIMIT for account, limit in held}
        try:
            self.stores.ledger.begin(entry, reserve=[Reservation(each, dollar, most[each]) for each in most])
        except OverBudget:
            return
        balances = self.stores.budgets.balances(list(most))
        assert all(balances[account].committed <= most[account] for account in most)

    @rule(team=st.sampled_from(TEAMS), secret=secrets, verb=st.sampled_from(["info", "update", "block", "regenerate"]))
    def foreign(self, team: str, secret: str, verb: str) -> None:
        """To a team's administrator a foreign key is as one that does not exist."""
        row = self.row(secret)
        assume(row is not None and row.team_id != team)
        before = self.rows()
        answers = []
        for id_ in (key_id_of(secret), ABSENT):
            values: dict[str, Any] = {"query": {"key": id_}} if verb == "info" else {"body": {"key": id_}}
            method = "GET" if verb == "info" else "POST"
            response = self.admin.response(
                method, f"/key/{verb}", values.get("body"), by=self.by[team], **values.get("query", {})
            )
            answers.append((response.status, response.read_body()))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
        assert self.rows() == before


def admits(gateway: Authenticator, secret: str) -> bool:
    """Whether a gateway lets a key in."""
    try:
        gateway.authenticate(secret)
    except ApiError:
        return False
    return True


TestAdminCalls = AdminCalls.TestCase
TestAdminCalls.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
