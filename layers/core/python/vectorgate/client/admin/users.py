"""`/user/...`: people, whom keys name in `user_id`, and their budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from vectorgate.client.admin.calls import AdminCalls, of
from vectorgate.client.admin.keys import BudgetFields
from vectorgate.client.admin.resources import Outcomes, User

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class UserFields(BudgetFields, total=False):
    """What a person may have. In an update, None removes the value."""

    user_alias: str | None
    user_email: str | None


class Users(AdminCalls):
    """People, by `user_id`."""

    def list(self, **filters: str | None) -> Iterator[User]:
        """Every person, by id, also of those whom only keys name. Filters: `user_ids`, `user_email`."""
        return self.by_number(User, "/user/list", filters, "users", "page_size")

    def create(self, user_id: str, **fields: Unpack[UserFields]) -> User:
        """A new person, without a key."""
        return of(User, self.post("/user/new", {"user_id": user_id, "auto_create_key": False, **fields}))

    def retrieve(self, user_id: str) -> User:
        """A person with their spend by call type."""
        return of(User, self.get("/user/info", {"user_id": user_id})["user_info"])

    def update(self, user_id: str, **fields: Unpack[UserFields]) -> User:
        """Change what is sent."""
        return of(User, self.post("/user/update", {"user_id": user_id, **fields})["data"])

    def remove(self, user_ids: Sequence[str]) -> Outcomes:
        """Delete people with their keys. Repeat it while `keys_left` is not 0."""
        return of(Outcomes, self.post("/user/delete", {"user_ids": [*user_ids]}))
