"""What the administrator's routes answer: LiteLLM's fields, and ours. Amounts are dollars; `..._nano_usd` is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.client.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence


class Budget(Resource):
    """What a key, a team and an end user have in common. `spend`: of the budget's period."""

    max_budget: float | None
    soft_budget: float | None
    budget_duration: str | None
    budget_reset_at: str | None
    spend: float
    spend_nano_usd: int
    blocked: bool
    rpm_limit: int | None
    tpm_limit: int | None
    max_parallel_requests: int | None
    metadata: dict[str, object]


class Key(Budget):
    """A key. `token`: its SHA-256, by which every call may name it. `key`: the secret, of a new one alone."""

    key: str | None
    token: str
    key_alias: str | None
    team_id: str | None
    user_id: str | None
    role: str | None
    created_at: str
    expires: str | None


class Team(Budget):
    """A team."""

    team_id: str
    team_alias: str | None


class User(Budget):
    """A person, whom keys name. Without a budget `spend` is what their keys have spent."""

    user_id: str
    user_alias: str | None
    user_email: str | None
    key_count: int
    teams: Sequence[str]


class DeadLetterQueue(Resource):
    """What was set aside, and some of it. `actions`: `retry` and `drop`, where the gateway takes them."""

    queue: str
    count: int
    messages: Sequence[dict[str, object]]
    actions: Sequence[str]


class Customer(Budget):
    """An end user."""

    user_id: str
    alias: str | None


class OwnedStore(Resource):
    """A vector store of any team, as the meter knows it."""

    id: str
    name: str | None
    team_id: str | None
    bytes: int
    created_at: int
    last_active_at: int
    idle_days: int
    cost_per_day: float | None


class UnownedObject(Resource):
    """An object of the provider without an owner here."""

    id: str
    name: str | None
    bytes: int | None
    created_at: int | None
    adoptable: bool
    outcome: str


class Outcomes(Resource):
    """What became, or in a dry run would become, of each of several objects. `next_cursor`: where to go on."""

    dry_run: bool
    outcomes: dict[str, int]
    data: list[dict[str, object]]
    next_cursor: str | None


class Share(Resource):
    """A team's share of another team's store."""

    vector_store_id: str
    team_id: str
    permission: str
    since: str


class _OfCall(Resource):
    """What names a call of the gateway: its `request_id` is a field, and not the header of this answer."""

    @property
    def request_id(self) -> str:
        """The gateway's id of the call."""
        return str(self._fields["request_id"])


class Record(_OfCall):
    """A record of the ledger."""

    call_type: str
    team_id: str | None
    key_alias: str | None
    vector_store_id: str | None
    status: str
    status_code: int | None
    spend: float
    spend_nano_usd: int
    startTime: str  # noqa: N815 - LiteLLM's name
    endTime: str | None  # noqa: N815 - LiteLLM's name


class Change(_OfCall):
    """A record of the audit."""

    id: str
    updated_at: str
    changed_by: str
    action: str
    table_name: str
    object_id: str


class Reconciled(Resource):
    """The provider's bill beside the records. `captured_share`: of the bytes and dollars of the days compared."""

    captured_share: float
    threshold: float
    is_captured: bool
    compared_days: int
    days: list[dict[str, object]]
    vector_stores: list[dict[str, object]]


class DayBucket(Resource):
    """A UTC day of a report: Unix seconds, and its results."""

    start_time: int
    end_time: int
    results: list[dict[str, object]]
