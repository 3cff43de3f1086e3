"""`/team/...` and `/customer/...`: teams and end users, and their budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from vectorgate.client.admin.calls import AdminCalls, of
from vectorgate.client.admin.keys import BudgetFields
from vectorgate.client.admin.resources import Customer, Outcomes, Team

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class TeamFields(BudgetFields, total=False):
    """What a team may have. In an update, None removes the value."""

    team_alias: str | None
    default_expires_after_days: int | None
    max_expires_after_days: int | None
    max_vector_stores: int | None
    max_vector_store_gib: int | None


class CustomerFields(BudgetFields, total=False):
    """What an end user may have. In an update, None removes the value."""

    alias: str | None


class Teams(AdminCalls):
    """Teams, by `team_id`."""

    def list(self, **filters: str | None) -> Iterator[Team]:
        """Every team, by id. Filters: `team_id`, `team_alias`."""
        return self.by_number(Team, "/team/list", filters, "teams", "page_size")

    def create(self, team_id: str, **fields: Unpack[TeamFields]) -> Team:
        """A new team."""
        return of(Team, self.post("/team/new", {"team_id": team_id, **fields}))

    def retrieve(self, team_id: str) -> Team:
        """A team with its spend by call type."""
        return of(Team, self.get("/team/info", {"team_id": team_id})["team_info"])

    def update(self, team_id: str, **fields: Unpack[TeamFields]) -> Team:
        """Change what is sent."""
        return of(Team, self.post("/team/update", {"team_id": team_id, **fields}))

    def block(self, team_id: str) -> Team:
        """Refuse the calls of its keys from now on."""
        return of(Team, self.post("/team/block", {"team_id": team_id}))

    def unblock(self, team_id: str) -> Team:
        """Let its keys call again."""
        return of(Team, self.post("/team/unblock", {"team_id": team_id}))

    def remove(self, team_ids: Sequence[str]) -> Outcomes:
        """Delete teams with their keys. Repeat it while `keys_left` is not 0."""
        return of(Outcomes, self.post("/team/delete", {"team_ids": [*team_ids]}))


class Customers(AdminCalls):
    """End users, by `user_id`: what callers send in `user`."""

    def list(self, **filters: str | None) -> Iterator[Customer]:
        """Every end user with a budget, by id. Filters: `user_id`, `alias`."""
        return self.by_number(Customer, "/customer/list", filters, "customers", "page_size")

    def create(self, user_id: str, **fields: Unpack[CustomerFields]) -> Customer:
        """Give an end user a budget, or an alias."""
        return of(Customer, self.post("/customer/new", {"user_id": user_id, **fields}))

    def retrieve(self, user_id: str) -> Customer:
        """An end user with their spend by call type."""
        return of(Customer, self.get("/customer/info", {"end_user_id": user_id}))

    def update(self, user_id: str, **fields: Unpack[CustomerFields]) -> Customer:
        """Change what is sent."""
        return of(Customer, self.post("/customer/update", {"user_id": user_id, **fields}))

    def block(self, user_ids: Sequence[str]) -> Sequence[Customer]:
        """Refuse their calls from now on."""
        answer = self.post("/customer/block", {"user_ids": [*user_ids]})
        return [of(Customer, each) for each in answer["blocked_users"]]

    def unblock(self, user_ids: Sequence[str]) -> Sequence[Customer]:
        """Let them call again."""
        answer = self.post("/customer/unblock", {"user_ids": [*user_ids]})
        return [of(Customer, each) for each in answer["unblocked_users"]]
